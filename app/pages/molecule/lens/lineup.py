"""The lens Line-up: up to four runs, a row each, at the page's molecule and g."""

from __future__ import annotations

import dataclasses
from typing import Any

import streamlit as st

from app.backend import cached
from app.backend.measuring import lineup
from app.figures import lineup as figures
from app.pages.molecule.lens import symmetrise
from app.pages.molecule.state import LINEUP, SIGNS
from app.ui import address, choose, layout, readouts, words

CHOSEN = "molecule:lineup chosen"
LAST = "molecule:lineup shown"
MOST = 4
HEADS = (
    "run", "float32", "float64", "so it is", "median", "worst", "claims", "test error", "parameters",
)  # fmt: skip


def from_address() -> bool:
    """Takes the runs from the address with which the page was opened; whether it names any."""
    st.session_state.setdefault(LINEUP, None)
    wanted = address.arriving("lineup")
    if wanted is None:
        return False
    known, parts = _known(), list(dict.fromkeys(part for part in wanted.split(",") if part))
    chosen = [part for part in parts if part in known][:MOST]
    for part in parts:
        if part not in known:
            address.tell(
                f"The link asks for the run {part[:60]!r} in the line-up, which is not here."
            )
    if len([part for part in parts if part in known]) > MOST:
        address.tell(
            f"The link asks for more than {MOST} runs in the line-up; these are the first."
        )
    st.session_state[LINEUP] = chosen or None
    return True


def in_address() -> str | None:
    """What the address says of the choice."""
    return ",".join(st.session_state.get(LINEUP) or []) or None


def _known() -> list[str]:
    found = cached.runs_on("atoms")
    return [*found["turns"], *found["rigid"]]


def show(shown: Any) -> None:
    """The choice, the figure and the table."""
    names = _choice(shown)
    labels = choose.labels(names)
    runs = {name: (cached.run(name), cached.stamp(name)) for name in names}
    questions = lineup.questions(runs, shown.source, shown.element)
    waiting, found = lineup.answers.ask(questions)
    answers = {key[0]: answer for key, answer in found.items()}
    rows = {n: _as_above(a, n, shown) for n, a in answers.items() if not isinstance(a, Exception)}
    last: dict[str, Any] = st.session_state.setdefault(LAST, {})
    last |= rows
    drawn = {
        name: last[name] for name in names if name in rows or (name in last and name not in answers)
    }
    left, right = layout.side_by_side(1, 2, least=260)
    if drawn:
        _figure(left, shown, drawn, labels)
        with right:
            readouts.table(HEADS, [_cells(name, drawn[name], shown.of, labels) for name in drawn])
            st.caption(
                f"Δ_EQ of {'the arrows' if shown.of == 'gradient' else 'the number'}; median and worst of "
                f"{1 + lineup.TURNS} rotations in float32, g among them. ● float32, ○ float64, bar: median "
                "to worst."
            )
    for name, answer in answers.items():
        if isinstance(answer, Exception):
            right.caption(f":material/error: {address.plain(f'{labels[name]}: {answer}')}")
    if waiting:
        late = [labels[key[0]] for key in waiting]
        before = [labels[name] for name in drawn if name not in answers]
        _wait(waiting, ", ".join(late), ", ".join(before))
    elif rows:
        symmetrise.show(shown, list(rows), labels)


def _as_above(row: lineup.Row, name: str, shown: Any) -> lineup.Row:
    """The row with the digits that the page shows already: another program rounds otherwise."""
    found = shown.verdicts.get(name)
    if found is None or shown.precision == "bfloat16":
        return row
    return dataclasses.replace(row, coarse=found.coarse, fine=found.fine, word=found.word)


def _choice(shown: Any) -> list[str]:
    known = _known()
    chosen = [n for n in st.session_state.get(LINEUP) or [] if n in known]
    if not chosen:
        others = [n for n in known if n not in shown.names and n.endswith(_data_of(shown.names[0]))]
        chosen = [*shown.names, *others][:MOST]
    st.session_state[CHOSEN] = chosen
    st.multiselect(
        "Runs in the line-up",
        known,
        key=CHOSEN,
        on_change=_choose,
        max_selections=MOST,
        help=f"Up to {MOST}; all at the molecule and g above.",
    )
    return chosen


def _data_of(name: str) -> str:
    """What of a run's name says on which data and target it was trained."""
    return "-" + name.partition("-")[2]


def _choose() -> None:
    st.session_state[LINEUP] = list(st.session_state[CHOSEN]) or None


def _figure(place: Any, shown: Any, drawn: dict[str, Any], labels: dict[str, str]) -> None:
    of = shown.of
    found = [
        figures.Dots(labels[n], r.coarse[of], r.fine[of], r.median[of], r.worst[of])
        for n, r in drawn.items()
    ]
    place.plotly_chart(
        figures.dots(found, layout.dark()),
        key="molecule:lineup figure",
        config={"displayModeBar": False},
        alt="Δ_EQ of each run: "
        + "; ".join(
            f"{d.label} {words.delta(d.coarse)} in float32, {words.delta(d.fine)} in float64"
            for d in found
        ),
    )


def _cells(name: str, row: Any, of: str, labels: dict[str, str]) -> list[str]:
    job = cached.job(name)
    test = "–" if job.test is None else f"{words.number(job.test)} {job.unit}"
    return [
        labels[name],
        words.delta(row.coarse[of]),
        words.delta(row.fine[of]),
        SIGNS[row.word[of]],
        words.delta(row.median[of]),
        words.delta(row.worst[of]),
        words.claims(row.claims),
        test,
        f"{row.parameters:,}",
    ]


@st.fragment(run_every=0.5)
def _wait(keys: list, names: str, before: str) -> None:
    """Looks twice a second whether a row is ready, then draws again."""
    more = f"; what stands there of {before} is that of before" if before else ""
    st.caption(f":material/hourglass_top: compiling and measuring {names}{more}")
    if any(lineup.answers.answered([key]) for key in keys):
        st.rerun()
