"""Lectures are read from their files; each mistake in one is a sentence with its scene."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.backend.teaching import lectures
from demetar.core.errors import InputError
from tests.support.lectures import GOOD, KNOWN, written


def test_a_lecture_is_read(tmp_path: Path) -> None:
    lecture = lectures.read(written(tmp_path, GOOD), KNOWN)
    assert (lecture.name, lecture.title, len(lecture.scenes)) == ("mine", "T", 1)
    scene = lecture.scenes[0]
    assert scene.parameters == {
        "molecule": "water",
        "angle": "60.5",
        "axis": "1,0,0",
        "also": "invert,shift",
        "seed": "3",
    }
    assert scene.hide == ("tools",)
    assert scene.large
    assert scene.sentence == ""


MISTAKES = {
    'title = "T"': ("title = 3", "title in mine.toml", "text in quotes"),
    "[[scenes]]": ("[scene]", "a key in mine.toml", "'scene'"),
    'page = "molecule"': (
        'page = "molecul"',
        "page in scene 1 of mine.toml",
        "did you mean 'molecule'",
    ),
    'molecule = "water"': (
        'molecule = "watr"',
        "molecule in scene 1 of mine.toml",
        "did you mean 'water'",
    ),
    "angle = 60.5": ("angle = 181", "angle in scene 1 of mine.toml", "a number from 0 to 180"),
    "seed = 3": ("seed = 3.5", "seed in scene 1 of mine.toml", "a whole number from 0 to 9"),
    'axis = "1,0,0"': ('axis = "0,0,0"', "axis in scene 1 of mine.toml", "three numbers"),
    'also = "invert,shift"': ('also = "invert,fly"', "also in scene 1 of mine.toml", "got 'fly'"),
    'hide = ["tools"]': ('hide = ["tool"]', "in scene 1 of mine.toml", "did you mean 'tools'"),
    'notes = "n"': ("notes = []", "notes in scene 1 of mine.toml", "text in quotes"),
    'title = "S"': ("", "title in scene 1 of mine.toml", "got none"),
}
MORE = {
    'hide = ["tools"] ': ('hide = "tools"', "hide in scene 1 of mine.toml", "a list in brackets"),
    'hide = ["tools"]  ': ('hide = [["tools"]]', "in scene 1 of mine.toml", "controls, tools"),
    'notes = "n" ': ('large = "yes"', "large in scene 1 of mine.toml", "true or false"),
    'notes = "n"  ': ('note = "n"', "a key in scene 1 of mine.toml", "did you mean 'notes'"),
    "seed = 3 ": ("seed = true", "seed in scene 1 of mine.toml", "a text or a number"),
    "seed = 3  ": ("sed = 3", "a parameter of the page molecule in scene 1 of mine.toml", "'seed'"),
    "angle = 60.5 ": ("angle = nan", "angle in scene 1 of mine.toml", "a number from 0 to 180"),
    'axis = "1,0,0" ': ('axis = "1,nan,0"', "axis in scene 1 of mine.toml", "three numbers"),
    'page = "molecule" ': ('page = "lecture"', "page in scene 1 of mine.toml", "'lecture'"),
    'page = "molecule"  ': ("page = 7", "page in scene 1 of mine.toml", "text in quotes"),
    'page = "molecule"   ': ('page = "training"', "page training in scene 1", "take it away"),
    'title = "T" ': ("title = ", "TOML file in mine.toml", "correct it"),
}


@pytest.mark.parametrize("right", [*MISTAKES, *MORE])
def test_a_mistake_is_one_sentence_with_file_and_scene(right: str, tmp_path: Path) -> None:
    wrong, *said = (MISTAKES | MORE)[right]
    assert right.strip() in GOOD
    with pytest.raises(InputError) as caught:
        lectures.read(written(tmp_path, GOOD.replace(right.strip(), wrong, 1)), KNOWN)
    sentence = str(caught.value)
    assert sentence.startswith("Expected")
    assert sentence.endswith((".", "?"))
    assert "\n" not in sentence
    assert all(part in sentence for part in said), sentence


@pytest.mark.parametrize(
    "text", ["", 'title = "T"', 'title = "T"\nscenes = []', 'title = "T"\nscenes = [1]', "\x00"]
)
def test_a_lecture_without_scenes_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"mine\.toml"):
        lectures.read(written(tmp_path, text), KNOWN)


def test_the_second_scene_is_named(tmp_path: Path) -> None:
    second = '[[scenes]]\ntitle = "S"\npage = "nowhere"\n'
    with pytest.raises(InputError, match=r"scene 2 of mine\.toml"):
        lectures.read(written(tmp_path, GOOD + second), KNOWN)


def test_a_file_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="TOML"):
        lectures.read(tmp_path / "none.toml", KNOWN)
    path = tmp_path / "mine.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="TOML"):
        lectures.read(path, KNOWN)


# ---- the ready lectures -----------------------------------------------------------------------
