"""Every lesson, found by its file: its rules hold and break, its page opens, asks, reveals, is written up."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app import pages
from app.pages import lessons
from demetar.core import registry

NAMES = list(lessons.found())
INDEX = (Path(__file__).parents[2] / "docs" / "lessons.md").read_text(encoding="utf-8")
TRAINED = Path(__file__).parents[2] / "trained"
KEPT, BROKEN = 1e-12, 1e-2  # float64 leaves 1e-16 to 1e-13; a broken rule leaves percents


def module(name: str) -> Any:
    return importlib.import_module(f"app.pages.lessons.{name}")


def test_each_lesson_has_what_is_computed_and_what_is_shown() -> None:
    assert set(NAMES) == set(registry.names("lessons")), (
        "give every file of demetar/lessons one of the same name in app/pages/lessons"
    )


def test_lessons_stand_last_in_the_navigation() -> None:
    assert list(pages.found())[-1] == "lessons", "Teach stands last"


@pytest.mark.parametrize("name", NAMES)
def test_rules_hold_and_break(name: str) -> None:
    found = registry.load("lessons", name).numbers()
    assert found, "give the lesson numbers(): rule -> (error where kept, error where broken)"
    for rule, (kept, broken) in found.items():
        assert 0 <= kept < KEPT, f"{rule}: {kept:.1e} where it is kept"
        assert broken > BROKEN, f"{rule}: {broken:.1e} where it is broken, too little to be seen"


@pytest.mark.parametrize("name", NAMES)
def test_a_lesson_says_what_it_is(name: str) -> None:
    lesson = module(name)
    assert lesson.QUESTION.endswith("?"), "ask a question to predict first"
    assert len(set(lesson.CHOICES)) >= 2, "give at least two answers to choose from"
    assert 0 <= lesson.RIGHT < len(lesson.CHOICES), "say which of CHOICES is right"
    assert [module(n).ORDER for n in NAMES].count(lesson.ORDER) == 1, "give it a number of its own"
    assert lesson.DO.endswith("."), "say in a sentence what to do, and what is to be seen"
    assert len(lesson.DO) <= 150, "leave the room to the picture"
    _, page, parameters = lesson.USED
    assert page in pages.found(), "link to a page of the explorer"
    assert "run" not in parameters or (TRAINED / parameters["run"]).is_dir(), "link a shipped run"
    for text in (lesson.TITLE, lesson.QUESTION, lesson.RULE, lesson.SOURCE):
        assert text in INDEX, f"write into docs/lessons.md: {text}"


@pytest.mark.parametrize("name", NAMES)
def test_a_lesson_opens_and_reveals_its_answer(name: str, open_page: Callable[..., Any]) -> None:
    page = open_page("lessons", lesson=name)
    assert not page.exception
    assert not page.error
    assert not page.info
    assert page.query_params["lesson"] in (name, [name])
    lesson = module(name)
    texts = lambda: " ".join(str(m.value) for m in page.markdown)  # noqa: E731
    assert lesson.WHY not in texts(), "the answer stays hidden until one is chosen"
    wrong = (lesson.RIGHT + 1) % len(lesson.CHOICES)
    page.radio(key=f"lessons:{name}:answer").set_value(lesson.CHOICES[wrong]).run()
    assert not page.exception
    assert f"✗ It is: {lesson.CHOICES[lesson.RIGHT]}." in texts()
    assert lesson.WHY in texts()
    assert page.session_state["lessons:answers"] == {name: wrong}


def test_an_answer_stays_while_other_lessons_are_looked_at(open_page: Callable[..., Any]) -> None:
    page = open_page("lessons", lesson="groups")
    lesson = module("groups")
    page.radio(key="lessons:groups:answer").set_value(lesson.CHOICES[lesson.RIGHT]).run()
    for name in ("equivariance", "groups"):
        page.button_group(key="lessons:lesson").set_value(name).run()
        assert not page.exception
    assert page.radio(key="lessons:groups:answer").value == lesson.CHOICES[lesson.RIGHT]
    assert page.radio(key="lessons:groups:answer").disabled
    assert lesson.WHY in " ".join(str(m.value) for m in page.markdown)


def told(page: Any) -> list[str]:
    return [str(i.value).replace("\\", "") for i in page.info]


@pytest.mark.parametrize("name", NAMES)
def test_what_a_lesson_is_asked_stands_in_its_address(
    name: str, open_page: Callable[..., Any]
) -> None:
    """Other values than those that it opens with, all of them: a link shows the same, silently."""
    asked = module(name).ASKED
    given = {"lesson": name}
    for control, of in asked.controls.items():
        given[control] = of.text(of.value(other_than(of)))
        assert given[control] != of.text(of.default)
    if asked.turns:
        given |= {"angle": "30", "axis": "y"}
    page = open_page("lessons", **given)
    assert not page.exception
    assert not told(page)
    kept = {k: v[0] if isinstance(v, list) else v for k, v in page.query_params.items()}
    assert kept == given
    assert set(kept) - {"lesson"} == set(lessons.values()[name])


def other_than(control: Any) -> str:
    """The text of another value than the default one."""
    if hasattr(control, "options"):
        first = control.default if isinstance(control.default, list) else [control.default]
        return next(str(option) for option in reversed(control.options) if option not in first)
    return "yes" if isinstance(control.default, bool) else str(control.high)


@pytest.mark.parametrize("name", NAMES)
def test_nonsense_for_the_controls_is_one_sentence(
    name: str, open_page: Callable[..., Any]
) -> None:
    page = open_page("lessons", lesson=name, **dict.fromkeys(lessons.values()[name], "<b>1e999"))
    assert not page.exception
    assert not page.error
    assert len(told(page)) == 1
    assert told(page)[0].startswith("The link asks for")
    kept = {k: v[0] if isinstance(v, list) else v for k, v in page.query_params.items()}
    assert kept == {"lesson": name}, "what makes no sense leaves what the lesson opens with"


def test_a_link_does_not_hold_what_is_moved_afterwards(open_page: Callable[..., Any]) -> None:
    page = open_page("lessons", lesson="products", angle="30")
    page.slider(key="lessons:products:turn:angle").set_value(90.0).run()
    assert page.session_state["lessons:products:turn:angle"] == 90.0
    assert page.query_params["angle"] in ("90", ["90"])


def test_a_control_keeps_its_value_while_another_view_is_shown(
    open_page: Callable[..., Any],
) -> None:
    page = open_page("lessons", lesson="cnn", degrees="45", what="Turn")
    for what in ("Shift", "Turn"):
        page.button_group(key="lessons:cnn:what").set_value(what).run()
    assert page.slider(key="lessons:cnn:degrees").value == 45


def test_the_lesson_on_another_page_stands_in_its_place(open_page: Callable[..., Any]) -> None:
    choice = open_page("lessons").button_group(key="lessons:lesson")
    numbers = [int(option.split(".")[0]) for option in choice.options]
    assert numbers == list(range(1, len(numbers) + 1))
    assert lessons.ELSEWHERE[3] in pages.found()


# What breaks each rule on its page: the widgets to set, one after the other.
BREAKS = {
    "groups": [("toggle", "lessons:groups:broken", True)],
    "equivariance": [("toggle", "lessons:equivariance:broken", True)],
    "cnn": [("button_group", "lessons:cnn:padding", "zeros"), ("slider", "lessons:cnn:step", 9)],
    "irreps": [("toggle", "lessons:irreps:broken", True)],
    "products": [
        ("toggle", "lessons:products:invert", True), ("toggle", "lessons:products:broken", True),
    ],
    "attention": [("toggle", "lessons:attention:broken", True)],
    "density": [("toggle", "lessons:density:broken", True)],
    "hamiltonian": [("toggle", "lessons:hamiltonian:broken", True)],
    "autoencoders": [("toggle", "lessons:autoencoders:broken", True)],
}  # fmt: skip


def read_outs(page: Any) -> list[str]:
    """The numbers in large digits: ✓ or ✗ with the number before."""
    return [h.proto.body for h in page.get("html") if "font-size:1.7rem" in h.proto.body]


@pytest.mark.parametrize("name", NAMES)
def test_a_switch_breaks_the_rule_on_the_page(name: str, open_page: Callable[..., Any]) -> None:
    assert name in BREAKS, "say in BREAKS which switch breaks the lesson's rule"
    page = open_page("lessons", lesson=name)
    assert all("✓ rounding only" in text for text in read_outs(page)), "open with the rule kept"
    for kind, key, value in BREAKS[name]:
        getattr(page, kind)(key=key).set_value(value).run()
        assert not page.exception
    broken = [text for text in read_outs(page) if "✗ broken, kept: " in text]
    assert len(broken) == 1, "show the broken number, and beside it that of the kept rule"
