"""`follower`: a small part of the page that follows the hand in a viewer, without a run of the script."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Literal

import streamlit as st
from streamlit.components.v2 import component

from app.viewer.component import HERE, bundle

MODULES = (
    "shared", "math", "format", "theme", "panels", "followers", "matrix", "rollout", "follow",
)  # fmt: skip


@cache
def _component() -> Callable[..., Any]:
    return component(
        "demetar-follower",
        html='<div class="demetar-follower"></div>',
        css=(HERE / "follow.css").read_text(encoding="utf-8"),
        js=bundle(MODULES),
    )


def follower(
    kind: Literal["slider", "curve", "figure", "matrix", "rollout"],
    follows: str,
    key: str,
    width: int | str = "stretch",
    on_choice: Callable[[Any], None] | None = None,
    **data: Any,
) -> None:
    """A part that follows the viewer with the key `follows`.

    "slider" needs axis and degrees of g; "curve" angles, curves, bands and what js/follow.js reads of
    them; "figure" the name under which the picture is saved; "matrix" the maps of all layers and heads, and
    which of them is `wanted`; "rollout" Δ after each step and energy of each model and of the true path.
    `on_choice` hears, before the script runs, what was chosen in it.
    """

    def heard() -> None:
        value = st.session_state[key].get("choice")
        if on_choice is not None and value is not None:
            on_choice(value)

    _component()(
        key=key, data={"kind": kind, "key": follows, **data}, width=width, on_choice_change=heard
    )
