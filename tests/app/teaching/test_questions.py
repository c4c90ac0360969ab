"""The questions' answers, as the library computes them on the shipped runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.backend import cached
from app.backend.teaching import questions
from demetar.core.disk import PROJECT
from demetar.runs import run as run_files

# What theory says; that the library measures the same is what is tested.
RIGHT = {
    "which-turns": 0, "turning-float64": 0, "plain-float64": 1, "renumber": 1, "shift": 0, "invert": 0,
    "dipole": 0, "angular-momentum": 1, "blind-axis": 2, "parity": 1, "law": 0, "two-turns": 2,
}  # fmt: skip


@pytest.fixture
def shipped(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMETAR_HOME", str(PROJECT))


def found(key: str) -> questions.Answer:
    return questions.answer(key, run_files.load)


@pytest.mark.parametrize("key", RIGHT)
def test_what_is_measured_is_what_theory_says(key: str, shipped: None) -> None:
    answer = found(key)
    assert answer.right == RIGHT[key], answer
    assert answer.measured
    assert all(np.isfinite(value) for value in answer.measured.values())


def test_every_option_can_be_right_and_keys_are_unique() -> None:
    assert len(questions.BY_KEY) == len(questions.ALL) >= 8
    assert all(2 <= len(q.options) <= 4 for q in questions.ALL)


def test_an_answer_follows_what_is_measured(shipped: None) -> None:
    """Two plain models in place of the two runs: then neither turns, and the answer says so."""
    plain = run_files.load(questions.PLAIN)
    answer = questions.answer("which-turns", lambda _: plain, "two plain models")
    assert questions.BY_KEY["which-turns"].options[answer.right] == "Neither"
    wrong = questions.answer("turning-float64", lambda _: plain, "two plain models")
    assert wrong.right == 1


def test_choose_first_then_the_number(shipped: None, open_page: Any) -> None:
    at = open_page("questions", question="two-turns")
    assert not at.exception
    assert not told(at), "nothing is said before something is chosen"
    at.button(key="questions:two-turns:0").click().run()
    assert not at.exception
    assert "Measured otherwise: 120°" in told(at)
    assert at.button(key="questions:two-turns:2").disabled, "one choice"
    assert "0 of 1 right" in score(at)
    at.button(key="questions:back").click().run()
    at.button(key="questions:law:0").click().run()
    assert "As you said" in told(at)
    assert "1 of 2 right" in score(at)
    at.button(key="questions:reset").click().run()
    assert "0 of 0 right" in score(at)
    assert not told(at)
    assert cached.stamp(questions.PLAIN) > 0


def test_answers_stay_in_the_visit(shipped: None, open_page: Any) -> None:
    at = open_page("questions", question="two-turns")
    at.button(key="questions:two-turns:2").click().run()
    at.session_state["page"] = "another"  # as if another page had been open meanwhile
    at.run()
    assert "1 of 1 right" in score(at)


def test_a_missing_run_is_a_sentence(home: Path, open_page: Any) -> None:
    at = open_page("questions", question="which-turns")
    at.button(key="questions:which-turns:0").click().run()
    assert not at.exception
    assert at.error[0].value.startswith("Expected")


def told(at: Any) -> str:
    return " ".join(h.proto.body for h in at.get("html") if "class='told'" in h.proto.body)


def score(at: Any) -> str:
    return next(c.value for c in at.caption if "to go" in c.value)
