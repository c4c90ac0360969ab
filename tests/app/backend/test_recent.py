"""What was measured a moment ago: computed once, also by two who ask at once; errors and bulk not kept."""

import threading
from dataclasses import dataclass

import numpy as np
import pytest

from app.backend import rotations
from app.backend.measuring import moving, square
from app.backend.measuring.recent import Recent
from app.backend.molecules import Element, Source, molecule
from demetar.core.errors import InputError
from demetar.runs.run import load


@dataclass
class Answer:
    array: np.ndarray


def test_who_asks_meanwhile_waits_and_nothing_is_computed_twice() -> None:
    recent, started, go, made = Recent(), threading.Event(), threading.Event(), []

    def slow() -> Answer:
        made.append(1)
        started.set()
        assert go.wait(10)
        return Answer(np.zeros(3))

    found: list[Answer] = []
    ask = [threading.Thread(target=lambda: found.append(recent.ask("k", slow))) for _ in range(2)]
    ask[0].start()
    assert started.wait(10)
    ask[1].start()
    go.set()
    for thread in ask:
        thread.join(10)
    assert len(made) == 1
    assert found[0] is found[1] is recent.ask("k", slow)
    assert recent.ask("other", lambda: Answer(np.ones(1))) is not found[0]


def test_an_error_is_raised_to_who_asks_and_not_kept() -> None:
    recent = Recent()
    with pytest.raises(InputError):
        recent.ask("k", lambda: (_ for _ in ()).throw(InputError("no")))
    assert recent.ask("k", lambda: Answer(np.ones(1))).array[0] == 1


def test_what_is_kept_is_bounded_by_bytes() -> None:
    recent, made = Recent(kept=2500, largest=1500), []

    def make(size: int) -> Answer:
        made.append(size)
        return Answer(np.zeros(size, np.uint8))

    for key, size in (("a", 1000), ("b", 1000), ("c", 1000), ("large", 2000)):
        recent.ask(key, lambda size=size: make(size))
    for key, size in (("c", 1000), ("b", 1000)):
        recent.ask(key, lambda size=size: make(size))
    assert made == [1000, 1000, 1000, 2000]
    recent.ask("a", lambda: make(1000))  # forgotten first
    recent.ask("large", lambda: make(2000))  # never kept
    assert made == [1000, 1000, 1000, 2000, 1000, 2000]


def test_the_page_takes_what_the_channel_measured_when_the_hand_let_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(square, "_recent", Recent())
    measure, calls = square.equivariance.measure, []

    def counted(*args: object, **kwargs: object) -> object:
        calls.append(kwargs["dtype"])
        return measure(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(square.equivariance, "measure", counted)
    run, atoms, element = load("egnn-qm9-homo"), molecule(Source("water")), Element((0, 0, 0, 1.0))
    view = moving.View((run,), atoms, "float32", element)
    # The browser multiplies quaternions by itself: the last bit differs from what Python finds.
    turned = rotations.quaternion((0.3, -0.2, 0.93), 41.7)
    asked = tuple(np.nextafter(part, 2) for part in turned)
    for _ in view.answer(asked, layers=False):
        pass
    assert not calls  # what a hand passes by is not kept
    for _ in view.answer(asked, layers=True):
        pass
    assert calls == ["float32", "float64"]
    kept = element._replace(rotation=rotations.quaternion(*rotations.kept(turned)))
    square.square(run, atoms, kept, "float32")
    square.judged(run, atoms, kept)
    assert len(calls) == 2
    square.square(run, atoms, element, "float32")
    assert len(calls) == 3


def test_rotations_are_kept_in_few_digits_and_known_axes_by_name() -> None:
    exact = rotations.quaternion((1.0, 1.0, 1.0), 60.0)
    assert rotations.kept(exact) == (rotations.AXES["(1 1 1)"], 60.0)
    turned = rotations.quaternion((0.1234567891, 0.5, -0.7), 33.33333333)
    axis, degrees = rotations.kept(turned)
    again = rotations.quaternion(axis, degrees)
    assert rotations.kept(again) == (axis, degrees)
    assert np.abs(np.subtract(again, turned)).max() < 2e-6
