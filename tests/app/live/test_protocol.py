"""Questions and answers of the live channel: what is read, what is refused, tokens, who is busy."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.live import activity, protocol
from app.live.views import Views

GOOD: dict[str, Any] = {"n": 3, "view": "token", "q": [0.0, 0.6, 0.0, 0.8]}


def test_a_question_is_read() -> None:
    found = protocol.read(json.dumps({**GOOD, "layers": True}))
    assert found == protocol.Question(3, "token", (0.0, 0.6, 0.0, 0.8), True, False)


@pytest.mark.parametrize(
    "change",
    [
        {"q": [0, 0, 0]},
        {"q": [0, 0, 0, 0]},
        {"q": [1e300, 0, 0, 1e300]},
        {"q": [0, 0, 0, "1"]},
        {"q": [float("nan"), 0, 0, 1]},
        {"q": [float("inf"), 0, 0, 1]},
        {"q": [True, False, False, False]},
        {"q": {"x": 1}},
        {"q": None},
        {"n": -1},
        {"n": 1.5},
        {"n": True},
        {"n": 2**53},
        {"view": 7},
        {"view": None},
        {"q": [0, 0, 0, 2]},
        {"q": [10**400, 0, 0, 1]},
    ],
    ids=str,
)
def test_what_makes_no_sense_is_no_question(change: dict[str, Any]) -> None:
    assert protocol.read(json.dumps({**GOOD, **change})) is None


@pytest.mark.parametrize("text", ["", "[]", "7", "null", "{", "[" * 900, '"x"', '{"n": 1}'])
def test_what_is_no_object_is_no_question(text: str) -> None:
    assert protocol.read(text) is None


def test_an_answer_holds_no_number_that_json_does_not_know() -> None:
    assert json.loads(protocol.write(1, "square", 0.0123, [{"a": 1.5}]))["ms"] == 12.3
    with pytest.raises(ValueError, match="JSON"):
        protocol.write(1, "square", 0.0, [{"a": float("nan")}])


def test_tokens_are_unlike_and_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("app.live.views.time.monotonic", lambda: now[0])
    views = Views(life=10.0, kept=2)
    first, second = views.open("a"), views.open("b")
    assert first != second
    assert len(first) >= 24
    assert (views.find(first), views.find("nonsense")) == ("a", None)
    third = views.open("c")  # the one that rested longest goes
    assert [views.find(t) for t in (first, second, third)] == ["a", None, "c"]
    now[0] += 9
    assert views.find(first) == "a"  # whoever asks keeps it
    now[0] += 9
    assert (views.find(first), views.find(third)) == ("a", None)


def test_warm_up_waits_while_somebody_is_served() -> None:
    assert activity.quiet(0.0)
    with activity.visitor():
        assert not activity.quiet(0.0)
    assert activity.quiet(0.0)
    assert not activity.quiet(60.0)
