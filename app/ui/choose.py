"""The choice of a model and of another beside it, among the runs that read atoms or particles."""

from __future__ import annotations

import streamlit as st

from app.backend import cached
from app.ui import address

ALONE = "none"  # no second model
USUAL = ("nbody", "qm9-homo")  # of the runs that say no more, most


def labels(names: list[str]) -> dict[str, str]:
    """What each run is called: its model, and what else its name says where several runs have that model."""
    titles = {name: cached.title(name) for name in names}
    twice = {t for t in titles.values() if list(titles.values()).count(t) > 1}
    called = {
        n: f"{t} · {own}" if t in twice and (own := _own(n)) else t for n, t in titles.items()
    }
    same = {c for c in called.values() if list(called.values()).count(c) > 1}
    return {n: f"{titles[n]} · {n}" if c in same else c for n, c in called.items()}


def _own(name: str) -> str:
    """A run's name without its model and data set, which the page tells; nothing for a run as most are."""
    config = cached.job(name).config
    rest = name.removeprefix(f"{config.get('model')}-")
    return "" if rest in USUAL else rest.removeprefix(f"{config.get('dataset')}-")


def models(inputs: str, keys: tuple[str, str], defaults: tuple[str, str]) -> list[str]:
    """One run or two that read "atoms" or "particles"; none where there are no such runs."""
    found = cached.runs_on(inputs)
    known = [*found["turns"], *found["rigid"]]
    if not known:
        return []
    called = labels(known)
    for i, (parameter, options) in enumerate((("run", known), ("beside", [*known, ALONE]))):
        address.from_address(parameter, keys[i], options, defaults[i], "run")
        st.selectbox(
            "Model B, beside it" if i else "Model A",
            options,
            key=keys[i],
            width=156,  # with it the controls of both pages stand in one line at 1400 pixels
            format_func=lambda n: called.get(n, "no second"),
            label_visibility="collapsed",
        )
    first, second = (str(st.session_state[key]) for key in keys)
    return [first] if second in (ALONE, first) else [first, second]


def extras(key: str, known: tuple[str, ...], what: str) -> list[str]:
    """What comes after the rotation: inversion, shift, renumbering; `what` is renumbered."""
    wanted = address.arriving("also")
    if wanted is not None:
        parts = [part for part in wanted.split(",") if part in known]
        st.session_state[key] = parts
        if len(parts) != len(wanted.split(",")):
            address.tell(
                f"The link asks to apply {wanted[:60]!r} as well; known are {', '.join(known)}."
            )
    chosen = st.pills(
        "and after it",
        list(known),
        selection_mode="multi",
        key=key,
        width="content",
        label_visibility="collapsed",
        help=f"Inversion x → −x, a shift by (2 −1 1.5), new numbers for the {what}.",
    )
    return list(chosen)
