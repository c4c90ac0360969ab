"""What lessons share: the question to predict first, numbers before and after, the switch between."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import streamlit as st

from app import viewer
from app.figures import color
from app.ui import address, layout, words

ANSWERS = "lessons:answers"
STEP, HIGHEST = 10, 420  # heights of charts, pixels at 1400 × 900
# What a page, or a scene, has around its charts: the rest of the screen's height is shared among them.
AROUND, ROOM = 342, 560
ONE_ROW, FOOT = 0.65, 28  # the share of its height that the viewer takes for a row; pixels below it
RAISED = re.compile(r"\^(l[₁₂]?)|_(lm|l|n)\b")
# Choices, menus and numbers of one height, so that their labels stand in one line; all lessons are seen at
# any width; and without room for two columns, what stands beside the charts takes the page's whole width.
LOOK = """
[class*=st-key-lessons-inputs] :is(.stSelectbox,.stNumberInput) :is([role=group],input,button){
min-height:0!important;height:36px!important}
.st-key-lessons-lesson [role=radiogroup]{flex-wrap:wrap;row-gap:4px}
.st-key-scene p.do{display:none}
@media(max-width:900px){
.stGridCell:has(.st-key-lessons-question){grid-column:1/-1!important}
}
.codes{position:relative;height:100%}
.codes>img{width:100%;height:100%}
.codes>b{position:absolute;transform:translate(-50%,50%);width:22px;height:22px;border:2.5px solid;
border-radius:50%}
"""


def high(height: int) -> str:
    """A height of that many pixels at 1400 × 900 as CSS: the screen's own share of it elsewhere."""
    room = f"(var(--demetar-screen,100vh) - var(--demetar-lessons,{AROUND}px))"
    return f"clamp({0.5 * height}px,calc({height / ROOM:.4f} * {room}),{1.25 * height}px)"


CSS = LOOK + "[class*=st-key-lessons-high]{overflow:hidden!important}".join(
    f"div:has(>[class*=st-key-lessons-high-{h}-]){{flex:0 0 {high(h)}!important}}"
    for h in range(STEP, HIGHEST + STEP, STEP)
)


@dataclass
class Reading:
    """A measured rule: what the number is of, its size when the rule is kept, and when broken, if it is."""

    what: str
    kept: float
    broken: float | None = None
    facts: dict[str, str] = field(default_factory=dict)


def formula(text: str) -> str:
    """A text as HTML, with D^l raised and Y_lm lowered."""
    return RAISED.sub(
        lambda found: f"<sup>{found[1]}</sup>" if found[1] else f"<sub>{found[2]}</sub>",
        html.escape(text),
    )


def predict(name: str, lesson: ModuleType) -> None:
    """The question; its answer is shown once one was chosen, and both stay for the visit."""
    chosen = st.session_state.setdefault(ANSWERS, {})
    st.radio(
        f"**Predict first.** {lesson.QUESTION}",
        lesson.CHOICES,
        key=f"lessons:{name}:answer",
        index=chosen.get(name),
        disabled=name in chosen,
        on_change=_note,
        args=(name, lesson.CHOICES),
    )
    if name in chosen:
        right = chosen[name] == lesson.RIGHT
        lead = "✓ Yes." if right else f"✗ It is: {lesson.CHOICES[lesson.RIGHT]}."
        st.markdown(f"**{lead}** {lesson.WHY}")


def _note(name: str, choices: Sequence[str]) -> None:
    answer = st.session_state[f"lessons:{name}:answer"]
    st.session_state[ANSWERS][name] = list(choices).index(answer)


def read_out(readings: Sequence[Reading]) -> None:
    """Each number in large digits: as it is now, and beside it what it was before the rule was broken."""
    for reading in readings:
        now = reading.kept if reading.broken is None else reading.broken
        kept = now < 1e-9
        hue = color("green" if kept else "vermillion", layout.dark())
        sign, word = ("✓", "rounding only") if kept else ("✗", "broken")
        before = "" if reading.broken is None else f", kept: {words.delta(reading.kept)}"
        st.html(
            f"<div style='font-size:13px;opacity:.75'>{html.escape(reading.what)}</div>"
            f"<div style='font-size:1.7rem;font-weight:700;line-height:1.15;color:{hue};"
            f"font-variant-numeric:tabular-nums'>{words.delta(now)} "
            f"<span style='font-size:13px;font-weight:400'>{sign} {word}{before}</span></div>"
        )
        if reading.facts:
            _facts(reading.facts)


def _facts(rows: dict[str, str]) -> None:
    cells = "".join(
        f"<tr><th scope='row' style='text-align:left;font-weight:400;opacity:.7;padding:1px 10px 1px 0'>"
        f"{html.escape(name)}</th><td>{html.escape(value)}</td></tr>"
        for name, value in rows.items()
    )
    st.html(f"<table style='font-size:13px;border-collapse:collapse'>{cells}</table>")


def chart(figure: Any, key: str, takeaway: str) -> None:
    """A figure with its takeaway as alternative text; as high as the screen leaves room for."""
    high = round(figure.layout.height / STEP) * STEP
    with st.container(
        key=f"lessons-high-{high}-{key.replace(':', '-')}", height=high, border=False
    ):
        st.plotly_chart(
            figure,
            key=f"lessons:{key}",
            alt=takeaway,
            height="stretch",
            config={"displayModeBar": False},
        )


def pixels(drawn: str, height: int, takeaway: str) -> None:
    """Arrays as coloured squares (app.figures.pixels), with their takeaway as alternative text."""
    st.html(
        f"<div role='img' aria-label='{html.escape(takeaway)}' style='height:{high(height)}'>{drawn}</div>"
    )


def scene(panels: Sequence[Any], key: str, height: int, takeaway: str, fit: str) -> None:
    """Panels in the viewer, side by side; with another name in `fit` the distance is set anew."""
    tall = f"calc(({high(height)} - {FOOT}px) / {ONE_ROW})"
    viewer.show(panels, key=f"lessons:{key}", height=tall, cols=len(panels), alt=takeaway, fit=fit)


def used(lesson: ModuleType) -> None:
    """The link to where the rule is at work, and the source."""
    label, page, parameters = lesson.USED
    address.link(label, page, ":material/arrow_forward:", **parameters)
    st.caption(f"Source: {lesson.SOURCE}")
