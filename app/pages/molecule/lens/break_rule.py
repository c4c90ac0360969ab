"""The lens Break a rule: faults of symmetry, switched on one by one in a small live model."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app.backend.checking import diagnosis
from app.backend.measuring import faulty
from app.figures import lineup as figures
from app.pages.molecule.state import FAULTS, SIGNS
from app.ui import address, layout, readouts, words

CHIPS = "molecule:faults chosen"
MODEL = "a small model with a fault of your choice"  # as the page Why not 10⁻⁷? names it
WHAT = (
    "An equivariant model of a millisecond, with weights by seed and no training: it predicts energy, forces "
    "and dipole of the molecule above. Each fault is one that people met; several act together."
)


def from_address() -> bool:
    """Takes the faults from the address with which the page was opened; whether it names any."""
    st.session_state.setdefault(FAULTS, [])
    wanted = address.arriving("faults")
    if wanted is None:
        return False
    parts = list(dict.fromkeys(part for part in wanted.split(",") if part))
    known = [part for part in parts if part in faulty.names()]
    for part in parts:
        if part not in known:
            close = address.closest(part, faulty.names())
            address.tell(
                f"The link asks for the fault {part[:60]!r}, which is not here"
                f"{f'; the closest is {close}' if close else ''}."
            )
    st.session_state[FAULTS] = known
    return True


def in_address() -> str | None:
    """What the address says of the faults."""
    return ",".join(st.session_state.get(FAULTS, [])) or None


def show(shown: Any) -> None:
    """The switches, Δ without and with them, and what is known of each fault."""
    left, right = layout.side_by_side(2, 1)
    with left:
        chosen = _chips()
        sets = list(dict.fromkeys([(), chosen]))
        questions = faulty.questions(sets, shown.source, shown.element)
        waiting, found = faulty.answers.ask(questions)
        for error in found.values():
            if isinstance(error, Exception):
                st.caption(f":material/error: {address.plain(str(error))}")
                return
        known = {key[0]: answer for key, answer in found.items()}
        _kept(known, chosen, waiting)
        if waiting:
            _wait(waiting, "molecule:faults shown" in st.session_state)
    with right:
        for word in chosen:
            _about(word, known.get(chosen) if len(chosen) == 1 else None, shown)
        if not chosen:
            st.caption(
                "Switch a fault on: its sentence, where it happened and what it leaves stand here."
            )


def _chips() -> tuple[str, ...]:
    st.session_state[CHIPS] = list(st.session_state[FAULTS])
    st.multiselect(
        "Faults in the small model",
        faulty.names(),
        key=CHIPS,
        on_change=_choose,
        help=WHAT,
        placeholder="Switch a fault on",
    )
    return tuple(st.session_state[FAULTS])


def _choose() -> None:
    st.session_state[FAULTS] = list(st.session_state[CHIPS])


def _kept(
    known: dict[tuple[str, ...], faulty.Faulty], chosen: tuple[str, ...], waiting: list
) -> None:
    """What is known; else what was shown last, until there is something new."""
    last: Any = st.session_state.get("molecule:faults shown")
    if not waiting:
        last = (known[()], known[chosen] if chosen else None)
        st.session_state["molecule:faults shown"] = last
    elif last is None and () in known:
        last = (known[()], None)
    if last is not None:
        _numbers(*last)


def _numbers(before: faulty.Faulty, after: faulty.Faulty | None) -> None:
    columns = {"without": before} | ({"with": after} if after else {})
    st.plotly_chart(
        figures.dots(
            [
                figures.Dots(
                    label, found.delta["float32"]["forces"], found.delta["float64"]["forces"]
                )
                for label, found in columns.items()
            ],
            layout.dark(),
        ),
        key="molecule:faults figure",
        config={"displayModeBar": False},
        alt="Δ_EQ of the forces at this g: "
        + "; ".join(
            f"{label}: {words.delta(f.delta['float32']['forces'])} in float32, "
            f"{words.delta(f.delta['float64']['forces'])} in float64"
            for label, f in columns.items()
        ),
    )
    one, two = st.columns(2, gap="medium")
    heads = ["Δ_EQ at this g", *columns]
    rows = []
    for output in faulty.OUTPUTS:
        for precision in faulty.PRECISIONS:
            cells = [words.delta(f.delta[precision][output]) for f in columns.values()]
            rows.append([f"{output}, {precision}", *cells])
    rows.append(["so it is", *(SIGNS[f.worst] for f in columns.values())])
    with one:
        readouts.table(heads, rows)
    rows = [
        [label, *(words.delta(f.groups[group]) for f in columns.values())]
        for group, label in faulty.GROUPS.items()
    ]
    rows.append(["the same call again", *(words.delta(f.again) for f in columns.values())])
    rows.append(["after another call", *(words.delta(f.after) for f in columns.values())])
    with two:
        readouts.table(["worst of each alone, float64", *heads[1:]], rows)
    if after is not None and (text := _hidden(after)):
        st.caption(f":material/info: {text}")


def _hidden(found: faulty.Faulty) -> str:
    """What to say where the faults show at other group elements and not at this one."""
    if found.worst in ("structure", "mixed") or not any(found.marks.values()):
        return ""
    groups = [label for group, label in faulty.GROUPS.items() if found.marks.get(f"breaks-{group}")]
    if not groups:
        return "No g shows it: call twice and the answers differ."
    return f"This g does not show it: {', '.join(groups)} break at others, as about another axis."


def _about(word: str, found: faulty.Faulty | None, shown: Any) -> None:
    """A fault in words: what it is, where it happened, what it leaves, and where that is found out."""
    fault = diagnosis.switches()[word]
    st.markdown(f"**{word}** {address.plain(fault.sentence)}")
    if fault.report:
        link = f" [Report]({fault.source})" if fault.source else ""
        st.markdown(f":small[{address.plain(fault.report)}{link}]")
    lines = []
    for mark, text, stands in faulty.expected(word):
        measured = None if found is None else found.marks.get(mark)
        sign = "–" if measured is None else "✓" if measured == stands else "✗"
        lines.append([f"{sign} {text}"])
    readouts.table(["It leaves (✓ measured here, – by the diagnosis)"], lines)
    of = {} if shown.source.data is not None else {"molecule": shown.source.name}
    address.link("Ask the diagnosis", "why", ":material/troubleshoot:", run=MODEL, fault=word, **of)


@st.fragment(run_every=0.5)
def _wait(keys: list, before: bool) -> None:
    """Looks twice a second whether what was asked is there, then draws again."""
    more = "; the numbers are those of before" if before else ""
    st.caption(f":material/hourglass_top: compiling and measuring the small model{more}")
    if faulty.answers.answered(keys):
        st.rerun()
