"""The lens Types: outputs that turn in different ways, and one of them declared wrongly on purpose."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app.backend import cached
from app.backend.measuring.beyond import typed
from app.pages.molecule import state
from app.ui import address, layout, readouts, words

DECLARED = state.DECLARED
NONE = "nothing"
LAST = "molecule:types shown"
WHAT = (
    "A small model with weights by seed and no training. Its type says how an output turns: the degree ℓ, "
    "and e (even) where inversion x → −x leaves it, o (odd) where it changes the sign. The signs and laws "
    "are measured in float64 at a crooked copy of the molecule, whose own symmetry hides nothing."
)
SIGNS = {1: "+", -1: "−", 0: "neither", None: "it is 0"}
KINDS = {
    "1x0e": "a number that nothing changes",
    "1x0o": "a number that inversion turns into its negative",
    "1x1o": "an arrow, which inversion turns round",
    "1x1e": "an axial vector, which inversion leaves",
    "1x0e+1x2e": "a symmetric tensor",
}


def from_address() -> bool:
    """Takes what is declared wrongly from the address with which the page was opened; whether anything is."""
    wanted = address.arriving("declare")
    address.from_address("declare", DECLARED, [NONE, *typed.WRONG], NONE, "declared type")
    return wanted is not None


def in_address() -> str | None:
    """What the address says of it."""
    chosen = st.session_state.get(DECLARED, NONE)
    return None if chosen == NONE else str(chosen)


def show(shown: Any) -> None:
    """The table of signs and laws; what can be declared wrongly; what follows."""
    left, right = layout.side_by_side(2, 1)
    with right:
        _choice()
    runs = {n: (cached.run(n), cached.stamp(n)) for n in shown.names}
    wrong = str(st.session_state[DECLARED])
    waiting, found = typed.answers.ask(typed.questions(wrong, {}, shown.source, shown.element))
    if not waiting:  # the page's own models come after what the lens is about
        questions = typed.questions(wrong, runs, shown.source, shown.element)
        waiting, found = typed.answers.ask(questions)
    for error in found.values():
        if isinstance(error, Exception):
            left.caption(f":material/error: {address.plain(str(error))}")
            return
    known = {key[0]: answer for key, answer in found.items()}
    with left:
        if "small" in known:
            st.session_state[LAST] = (wrong, known["small"])
        elif LAST in st.session_state:
            wrong, known["small"] = st.session_state[LAST]
        _table(shown, known)
        if waiting:
            _wait(waiting)
    with right:
        if "small" in known and wrong in typed.WRONG:
            st.markdown(_sentence(wrong, known["small"]))
        elif wrong == NONE:
            st.caption(
                "0 is the type of a number, 1 of an arrow, 2 of a shape; under x → −x, e stays and o flips. "
                "Declare one wrongly: it is named, and the type that fits."
            )


def _choice() -> None:
    if st.session_state.get(DECLARED) not in (NONE, *typed.WRONG):
        st.session_state[DECLARED] = NONE
    st.selectbox("Declare wrongly", [NONE, *typed.WRONG], key=DECLARED, help=WHAT)
    with st.container(horizontal=True, gap="small"):
        for extra, label in (("invert", "x → −x"), ("renumber", "Renumber")):
            on = extra in (st.session_state.get(state.ALSO) or [])
            st.button(
                label,
                key=f"molecule:types {extra}",
                on_click=_toggle,
                args=(extra,),
                type="primary" if on else "secondary",
                help=f"{'Takes back' if on else 'Adds'} {extra} at the page's g.",
            )


def _toggle(extra: str) -> None:
    chosen = list(st.session_state.get(state.ALSO) or [])
    st.session_state[state.ALSO] = (
        [e for e in chosen if e != extra] if extra in chosen else [*chosen, extra]
    )


def _table(shown: Any, known: dict[str, typed.Typed]) -> None:
    heads = ["output", "declared", "x → −x must", "and does", "Δ_EQ at this g", "what fits exactly"]
    rows = []
    if "small" in known:
        small = known["small"]
        rows += [
            [f"{name}, {about}", *_cells(small.law[name], small.delta[name])]
            for name, about in typed.OUTPUTS.items()
        ]
    for name in shown.names:
        if name not in known:
            continue
        square = shown.squares[name]
        for kind, law in zip(("value", "gradient"), known[name].law.values(), strict=False):
            what = "f" if kind == "value" else "∂f/∂x"
            rows.append([f"{shown.labels[name]}: {what}", *_cells(law, square.delta[kind])])
    readouts.table(heads, rows)


def _cells(law: Any, delta: float) -> list[str]:
    does = _joined([SIGNS[s.measured] for s in law.signs])
    sign = "–" if law.vanishes else "✓" if law.right else "✗"
    fits = "it is 0" if law.vanishes else "no type" if law.fits is None else irreps(law.fits)
    must = _joined([SIGNS[s.declared] for s in law.signs])
    return [irreps(law.declared), must, does, words.delta(delta), f"{sign} {fits}"]


def _joined(signs: list[str]) -> str:
    return signs[0] if len(set(signs)) == 1 else ", ".join(signs)


def irreps(text: str) -> str:
    """The notation as a page writes it: 1x0e+1x2e is 0e + 2e."""
    return " + ".join(part.removeprefix("1x").replace("x", "×") for part in text.split("+"))


def _sentence(wrong: str, found: typed.Typed) -> str:
    """What was declared, how it was refused, what it is."""
    output, declared = typed.WRONG[wrong]
    law = found.law[output]
    if law.vanishes:
        return f"The {output} of this molecule is 0: it says nothing about its type."
    at = "inversion" if law.inversion > law.turns else "turns"
    worst = max(law.inversion, law.turns)
    text = (
        f"**The {output} is no {irreps(declared)}**: under {at} the declared law fails by "
        f"{words.delta(worst)} of its length."
    )
    if law.fits is None:
        return f"{text} No other type fits either."
    kind = KINDS.get(law.fits)
    return f"{text} It fits **{irreps(law.fits)}** exactly{f': {kind}' if kind else ''}."


@st.fragment(run_every=0.5)
def _wait(keys: list) -> None:
    """Looks twice a second whether what was asked is there, then draws again."""
    st.caption(":material/hourglass_top: compiling and measuring the laws")
    if any(typed.answers.answered([key]) for key in keys):
        st.rerun()
