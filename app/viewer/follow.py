"""`follower`: a small part of the page that follows the hand in a viewer, without a run of the script."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Literal

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
    **data: Any,
) -> None:
    """A part that follows the viewer with the key `follows`.

    "slider" needs axis and degrees of g; "curve" angles, curves, bands and what js/follow.js reads of
    them; "figure" the name under which the picture is saved; "matrix" the maps of all layers and heads;
    "rollout" Δ after each step and energy of each model and of the true path.
    """
    _component()(key=key, data={"kind": kind, "key": follows, **data}, width=width)
