"""A budget of processor seconds: what it pays for is found once, kept, and gone on with bit by bit."""

import dataclasses
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from demetar.core.errors import InputError
from demetar.runs import card
from demetar.runs.config import Config, check
from demetar.runs.evaluate import Interrupted
from demetar.training import budget, fit
from tests.support.small import SIZES, lines, metrics

pytestmark = pytest.mark.usefixtures("straight_bodies")


class Made:
    """A training whose step costs `cost` seconds, compiled or not, and whose error is by rate."""

    def __init__(self, config: Config, cost: float, errors: dict[float, float]) -> None:
        self.config, self.cost, self.errors = config, cost, errors
        self.params, self.stack, self.now, self.stop = {}, 3, 0.0, False
        self.rates: list[float] = []

    def clock(self) -> float:
        return self.now

    def stream(self, done: int, epochs: int | None = None) -> Any:
        class Stream:
            def __enter__(self) -> Iterator[Any]:
                return iter([np.zeros((3, 1))] * 10_000)

            def __exit__(self, *_: object) -> None:
                pass

        return Stream()

    def stepper(self, tx: Any) -> Callable:
        def step(state: tuple, batches: Any, factor: float) -> tuple:
            self.now += 50.0 if not self.rates else 3 * self.cost  # the first call compiles
            self.rates.append(factor)
            value = np.nan if self.errors.get(factor) == np.inf else 1.0
            return (None, None, factor), np.full(3, value)

        return step

    def fresh(self, tx: Any) -> tuple:
        return (None, None, None)

    def averaged(self, state: tuple) -> Any:
        return state[2]

    def judge(self, params: Any) -> float:
        self.now += 0.1
        return self.errors.get(params, 8.0) if isinstance(params, float) else 9.0

    def asked(self) -> bool:
        return self.stop

    def whole(self, steps: int) -> int:
        return steps - steps % 3


def made(cost: float = 0.01, **changes: Any) -> Made:
    settings = {"budget": 100.0, "learning_rates": [1e-4, 1.7e-3, 1e-2], **changes}
    return Made(Config(**settings), cost, {1e-4: 3.0, 1.7e-3: 1.0, 1e-2: 2.0})


# ------------------------------------------------------------------------- the plan


def test_the_rate_with_the_least_validation_error_is_taken_within_a_tenth() -> None:
    parts = made()
    found = budget.plan(parts, parts.clock)
    assert found["learning_rate"] == 1.7e-3
    assert [r["valid"] for r in found["tried"]] == [3.0, 1.0, 2.0]
    assert found["trial_seconds"] == pytest.approx(10.0, abs=0.3)
    assert found["untrained"] == 9.0


def test_the_steps_are_those_that_the_rest_pays_for_and_end_with_a_call() -> None:
    parts = made()
    found = budget.plan(parts, parts.clock)
    assert found["seconds_a_step"] == pytest.approx(0.01)
    assert found["steps"] % 3 == 0
    spent = found["trial_seconds"] + found["steps"] * 0.01
    assert 100 - 3 * 0.01 <= spent <= 100 + 1e-9


def test_compiling_costs_nothing() -> None:
    """The first call took 50 of 100 seconds, which are none of the budget."""
    parts = made()
    assert budget.plan(parts, parts.clock)["steps"] > 8_900


def test_twice_the_cost_of_a_step_is_half_the_steps() -> None:
    cheap, dear = made(0.01), made(0.02)
    few, many = (budget.plan(p, p.clock)["steps"] for p in (dear, cheap))
    assert few == pytest.approx(many / 2, rel=0.01)


def test_a_rate_that_diverges_is_not_chosen() -> None:
    parts = made()
    parts.errors[1.7e-3] = np.inf
    found = budget.plan(parts, parts.clock)
    assert found["learning_rate"] == 1e-2
    assert found["tried"][1]["valid"] is None


def test_rates_that_all_diverge_are_told() -> None:
    parts = made()
    parts.errors = dict.fromkeys(parts.errors, np.inf)
    with pytest.raises(InputError, match="smaller ones"):
        budget.plan(parts, parts.clock)


def test_one_rate_costs_three_hundredths_at_most() -> None:
    parts = made(learning_rates=[], learning_rate=1e-2)
    found = budget.plan(parts, parts.clock)
    assert found["learning_rate"] == 1e-2
    assert found["trial_seconds"] == pytest.approx(3.0, abs=0.1)


def test_a_budget_below_a_step_is_told() -> None:
    parts = made(cost=60.0)
    with pytest.raises(InputError, match="raise it"):
        budget.plan(parts, parts.clock)


def test_a_stop_is_heard_during_the_trial() -> None:
    parts = made()
    parts.stop = True
    with pytest.raises(Interrupted):
        budget.plan(parts, parts.clock)


# ------------------------------------------------------------------------- a run


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, straight_bodies: None) -> Path:
    """A run within half a second."""
    patch = pytest.MonkeyPatch()
    patch.setenv("DEMETAR_HOME", str(tmp_path_factory.mktemp("home")))
    folder = fit.fit(Config(name="whole", budget=0.5, learning_rates=[1e-3, 1e-2], **SIZES))
    patch.undo()
    return folder


def stored(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "config.json").read_text())


def test_a_run_makes_the_steps_of_its_plan(whole: Path) -> None:
    c = stored(whole)
    last = lines(whole)[-1]
    assert last["step"] == c["plan"]["steps"]
    assert last["learning_rate"] == pytest.approx(0.0, abs=1e-6)  # the cosine came to its end
    assert c["learning_rate"] == c["plan"]["learning_rate"]
    assert c["epochs"] == -(-c["plan"]["steps"] // 4)
    assert 0.1 < last["processor"] < 2.5  # of 0.5 s; the machine may be busy


def test_it_goes_on_to_the_last_bit(whole: Path, home: Path) -> None:
    """The same plan from the first step, stopped in the middle: the same metrics and parameters."""
    again = home / "runs" / "whole"
    again.mkdir(parents=True)
    shutil.copy(whole / "config.json", again)
    goal, steps = stored(whole)["plan"]["steps"] // 2, []

    def stop(line: dict[str, Any]) -> None:
        import os
        import signal

        steps.append(line["step"])
        if line["step"] == goal:
            os.kill(os.getpid(), signal.SIGTERM)

    fit.fit(Config(name="whole"), resume=True, progress=stop)
    assert json.loads((again / "status.json").read_text())["state"] == "stopped"
    fit.fit(Config(name="whole"), resume=True)
    assert stored(again)["plan"] == stored(whole)["plan"]
    assert metrics(again) == metrics(whole)
    with np.load(whole / "params.npz") as a, np.load(again / "params.npz") as b:
        assert all((a[k] == b[k]).all() for k in a.files)


def test_what_was_spent_survives_a_stop(whole: Path, home: Path) -> None:
    spent = [m["processor"] for m in lines(whole)]
    assert all(b > a for a, b in zip(spent, spent[1:]))


def test_the_command_of_its_card_has_the_budget(whole: Path) -> None:
    words = card.command(stored(whole))
    assert "--budget 0.5" in words
    assert "--learning-rates 0.001 0.01" in words
    assert "--epochs" not in words
    assert "--learning-rate " not in words


@pytest.mark.parametrize(
    "changes",
    [
        {"budget": -1.0},
        {"budget": float("nan")},
        {"learning_rates": [1e-3]},
        {"budget": 5.0, "learning_rates": [0.0]},
        {"budget": 5.0, "learning_rates": ["fast"]},
        {"budget": 5.0, "schedule": "plateau"},
    ],
)
def test_bad_settings_are_told(changes: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="Expected"):
        check(dataclasses.replace(Config(), **changes))
