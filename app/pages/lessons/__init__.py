"""Lessons: the theory, each formula computed, turned and broken by the reader; one file a lesson."""

from __future__ import annotations

import html
import importlib
import pkgutil
from types import ModuleType
from typing import Any

import streamlit as st

from app.backend.teaching.lectures import Values
from app.pages.lessons import _asked, _parts
from app.ui import address, style

TITLE, ICON, ORDER, SECTION = "Lessons", ":material/school:", 90, "Teach"
CHOICE, LEAVING = "lessons:lesson", "lessons:leaving"
# The lesson that is a part of another page: its name, its number, what it is called, page and address.
ELSEWHERE = ("efficiency", 7, "Data efficiency", "results", {"show": "efficiency"})
# Parts of the page that a scene of a lecture can hide, as CSS selectors.
PARTS = {
    "inputs": "[class*='st-key-lessons-inputs']",
    "question": ".st-key-lessons-question",
    "numbers": ".st-key-lessons-numbers",
    "source": ".st-key-lessons-source",
}


def found() -> dict[str, ModuleType]:
    """The lessons by file name, in the order that they state."""
    names = [m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_")]
    modules = {name: importlib.import_module(f"{__name__}.{name}") for name in names}
    return dict(sorted(modules.items(), key=lambda item: item[1].ORDER))


def values() -> dict[str, dict[str, Values]]:
    """What the address may say beside the lesson's name, by lesson."""
    return {name: lesson.ASKED.values for name, lesson in found().items()}


def opens_with() -> dict[str, Any]:
    """What the session keeps of all lessons' controls, as they are at first."""
    controls = {k: v for lesson in found().values() for k, v in lesson.ASKED.opens_with.items()}
    return {_asked.KEPT: {}, **controls}


def render() -> None:
    """The page: the rule, the choice of a lesson, what it shows, and beside it question and numbers."""
    style.picture_page()
    st.html(f"<style>{_parts.CSS}</style>")
    lessons = found()
    address.from_address("lesson", CHOICE, list(lessons), next(iter(lessons)), "lesson")
    if st.session_state.pop(LEAVING, False):
        _, _, _, page, parameters = ELSEWHERE
        st.switch_page(st.session_state["pages"][page], query_params=parameters)
    name = st.session_state[CHOICE]
    lesson = lessons[name]
    lesson.ASKED.arrive()
    with st.container(key="head"):
        st.html(
            f"<h1 class='demetar'>{html.escape(lesson.TITLE)}</h1>"
            f"<p class='demetar'>{_parts.formula(lesson.RULE)}</p>"
            f"<p class='demetar do'><b>Try it:</b> {_parts.formula(lesson.DO)}</p>"
        )
    with st.container(key="controls", horizontal=True, vertical_alignment="center", gap="small"):
        _choice(lessons, name)
    st.fragment(_lesson)(name, lesson)


def _choice(lessons: dict[str, ModuleType], name: str) -> None:
    """The lessons by number, the one that stands on another page among them."""
    elsewhere, number, title, _, _ = ELSEWHERE
    called = {n: f"{m.ORDER}. {m.SHORT}" for n, m in lessons.items()}
    called = {**called, elsewhere: f"{number}. {title}"}
    order = sorted(called, key=lambda n: lessons[n].ORDER if n in lessons else number)
    st.segmented_control(
        "Lesson",
        order,
        key=CHOICE,
        required=True,
        label_visibility="collapsed",
        format_func=called.__getitem__,
        on_change=_chosen,
        args=(name,),
    )


def _chosen(before: str) -> None:
    """Leaves for the other page if its lesson was chosen; the lesson of this page stays what it was."""
    if st.session_state[CHOICE] == ELSEWHERE[0]:
        st.session_state[CHOICE], st.session_state[LEAVING] = before, True


def _lesson(name: str, lesson: ModuleType) -> None:
    address.address(lesson=name, **lesson.ASKED.in_address())
    address.told()
    grid = st.grid(3, min_column_width=240, gap="small")
    left, right = grid.cell(column_span=2), grid.cell()
    with left:
        readings = lesson.show()
    with right:
        with st.container(key="lessons-question"):
            _parts.predict(name, lesson)
        with st.container(key="lessons-numbers"):
            _parts.read_out(readings)
        with st.container(key="lessons-source"):
            _parts.used(lesson)
