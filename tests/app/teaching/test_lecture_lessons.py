"""Lessons as scenes of a lecture: their own parameters, and what the scene before leaves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.backend.teaching import lectures
from app.pages.lecture import parameters
from demetar.core.errors import InputError
from tests.support.lectures import written

OF_LESSON = """title = "T"
[[scenes]]
title = "S"
page = "lessons"
[scenes.parameters]
lesson = "cnn"
stride = 2
"""
WRONG_FOR_A_LESSON = {
    "stride = 2": ("strid = 2", "'stride'"),
    'lesson = "cnn"': ('lesson = "groups"', "stride"),
    'lesson = "cnn" ': ("", "one of lesson"),
    "stride = 2 ": ("stride = 4", "one of 1, 2, 3"),
}


@pytest.mark.parametrize("right", list(WRONG_FOR_A_LESSON))
def test_a_lesson_brings_its_own_parameters(right: str, shipped: None, tmp_path: Path) -> None:
    known = parameters.known()
    scene = lectures.read(written(tmp_path, OF_LESSON), known).scenes[0]
    assert scene.parameters == {"lesson": "cnn", "stride": "2"}
    wrong, said = WRONG_FOR_A_LESSON[right]
    with pytest.raises(InputError) as caught:
        lectures.read(written(tmp_path, OF_LESSON.replace(right.strip(), wrong)), known)
    assert said in str(caught.value)
    assert "scene 1 of mine.toml" in str(caught.value)


def test_a_scene_of_a_lesson_forgets_what_the_scene_before_had_chosen(
    shipped: None, open_page: Callable[..., Any]
) -> None:
    at = open_page("lecture", lecture="tensors", scene="2")
    assert at.toggle(key="lessons:groups:broken").value
    at.button(key="lecture:next").click().run()
    assert not at.toggle(key="lessons:groups:broken").value, "the next scene does not break it"
    assert at.selectbox(key="lessons:groups:rho").value == "Euler angles added"
    at.toggle(key="lessons:groups:broken").set_value(True).run()
    assert at.toggle(key="lessons:groups:broken").value, "and the hand goes on in it"
    assert not at.exception
