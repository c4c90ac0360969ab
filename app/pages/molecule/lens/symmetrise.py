"""The end of the lens Line-up: a model averaged over rotations, Δ and cost against the order."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app.backend import cached
from app.backend.measuring.beyond import symmetrised
from app.figures import lineup as figures
from app.pages.molecule import state
from app.ui import address, layout, readouts, words

ON, RUN = state.AVERAGED, state.AVERAGE_OF
WHAT = (
    "Any model becomes equivariant if its answers for all rotations are turned back and averaged. A computer "
    "takes n of them, each for one call. The turns of a polyhedron, or a product rule, are exact for a model "
    "that varies slowly enough with the orientation; random ones err as 1/√n."
)


def from_address() -> None:
    """Takes from the address with which the page was opened of which run averages are shown, if of any."""
    s = st.session_state  # what is set in every run is kept while the lens is closed
    s[ON], s[RUN] = bool(s.get(ON)), s.get(RUN)
    wanted = address.arriving("average")
    if wanted is not None:
        st.session_state[ON], st.session_state[RUN] = True, wanted


def in_address() -> dict[str, str | None]:
    """What the address says of it: the run."""
    return {"average": st.session_state.get(RUN) if st.session_state.get(ON) else None}


def show(shown: Any, names: list[str], labels: dict[str, str]) -> None:
    """Asked for by a switch: the average of one run of the line-up."""
    if not st.toggle("Symmetrise: average one of them over n rotations", key=ON, help=WHAT):
        return
    left, right = layout.side_by_side(1, 2)
    rigid = [n for n in names if n in cached.runs_on("atoms")["rigid"]]
    wanted = st.session_state.get(RUN)
    if wanted not in names:
        if wanted is not None:
            address.tell(f"The link asks for averages of {str(wanted)[:60]!r}, which is not here.")
        st.session_state[RUN] = (rigid or names)[0]
    with left:
        name = str(
            st.selectbox("Average of", names, key=RUN, format_func=lambda n: str(labels.get(n, n)))
        )
    run, stamp = cached.run(name), cached.stamp(name)
    questions = symmetrised.questions(name, stamp, run, shown.source, shown.element)
    waiting, found = symmetrised.answers.ask(questions)
    for error in found.values():
        if isinstance(error, Exception):
            right.caption(f":material/error: {address.plain(str(error))}")
            return
    of, rows = shown.of, list(found.values())
    if rows:
        with left:
            st.plotly_chart(
                figures.orders([(r.rule, r.calls, r.delta[of]) for r in rows], layout.dark()),
                key="molecule:symmetrise figure",
                config={"displayModeBar": False},
                alt=f"Δ_EQ of {labels[name]} against the number of rotations averaged over.",
            )
        with right:
            heads = [
                "rotations",
                "rule",
                "exact up to ℓ",
                "Δ_EQ, float32",
                "calls",
                "seconds, both ways",
            ]
            readouts.table(heads, [_cells(r, of) for r in rows])
    if waiting:
        _wait(waiting)


def _cells(row: Any, of: str) -> list[str]:
    exact = "–" if row.exact is None else str(row.exact)
    seconds = f"{row.seconds:.3f}" if row.seconds < 1 else f"{row.seconds:.1f}"
    return [
        f"{row.calls}",
        row.rule,
        exact,
        words.delta(row.delta[of]),
        f"{2 * row.calls}",
        seconds,
    ]


@st.fragment(run_every=0.5)
def _wait(keys: list) -> None:
    """Looks twice a second whether the next order is there, then draws again."""
    st.caption(f":material/hourglass_top: compiling and measuring {len(keys)} more orders")
    if any(symmetrised.answers.answered([key]) for key in keys):
        st.rerun()
