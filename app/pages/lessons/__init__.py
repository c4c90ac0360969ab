"""Lessons: the theory, each formula computed, turned and broken by the reader; one file a lesson."""

from __future__ import annotations

import html
import importlib
import pkgutil
from types import ModuleType

import streamlit as st

from app.pages.lessons import _parts
from app.ui import address, layout, style

TITLE, ICON, ORDER, SECTION = "Lessons", ":material/school:", 90, "Teach"
CHOICE = "lessons:lesson"


def found() -> dict[str, ModuleType]:
    """The lessons by file name, in the order that they state."""
    names = [m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_")]
    modules = {name: importlib.import_module(f"{__name__}.{name}") for name in names}
    return dict(sorted(modules.items(), key=lambda item: item[1].ORDER))


def render() -> None:
    """The page: the rule, the choice of a lesson, what it shows, and beside it question and numbers."""
    style.picture_page()
    lessons = found()
    address.from_address("lesson", CHOICE, list(lessons), next(iter(lessons)), "lesson")
    name = st.session_state[CHOICE]
    lesson = lessons[name]
    with st.container(key="head"):
        st.html(
            f"<h1 class='demetar'>{html.escape(lesson.TITLE)}</h1>"
            f"<p class='demetar'>{html.escape(lesson.RULE)}</p>"
        )
    with st.container(key="controls", horizontal=True, vertical_alignment="center", gap="small"):
        st.segmented_control(
            "Lesson", list(lessons), key=CHOICE, required=True, label_visibility="collapsed",
            format_func=lambda n: f"{lessons[n].ORDER}. {lessons[n].SHORT}",
        )  # fmt: skip
        address.link("7. Data efficiency", "results", show="efficiency")
    address.told()
    st.fragment(_lesson)(name, lesson)
    address.address(lesson=name)


def _lesson(name: str, lesson: ModuleType) -> None:
    left, right = layout.side_by_side(2, 1)
    with left:
        readings = lesson.show()
    with right:
        _parts.predict(name, lesson)
        _parts.read_out(readings)
        _parts.used(lesson)
