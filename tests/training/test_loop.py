"""Training: the same seed gives the same numbers, with or without an interruption; the best is kept."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from demetar.data.loader import Loader
from demetar.runs import evaluate, run
from demetar.runs.config import Config
from demetar.runs.folder import flatten
from demetar.training import checkpoint, fit
from demetar.training.recorder import TIMES, Recorder
from tests.support.small import (
    config,
    lines,
    metrics,
    params,
    same,
    status,
)

pytestmark = pytest.mark.usefixtures("straight_bodies")


def test_a_run_folder_is_whole(whole: Path) -> None:
    stored = json.loads((whole / "config.json").read_text())
    assert (stored["model"], stored["dataset"], stored["target"]) == ("egnn", "nbody", "positions")
    assert (
        stored["model_config"] | {"inputs": "particles", "output": "positions"}
        == (stored["model_config"])
    )
    assert {"seed", "packages", "commit", "device", "unit"} <= set(stored)
    assert not stored["masses"]
    made, valid = run.load(whole), evaluate.systems(stored, "valid", 20)
    places = evaluate.predict(made.model, made.params, Loader(valid, 20))["target"]
    displaced = float(np.sqrt(np.mean((places - valid.positions) ** 2)))
    assert stored["deviation"]["positions"] == pytest.approx(displaced, rel=1e-4)
    assert status(whole)["state"] == "finished"
    assert (status(whole)["step"], status(whole)["steps"]) == (24, 24)
    assert [m["step"] for m in lines(whole)] == [8, 16, 24]
    for line in lines(whole):
        assert {"epoch", "train_loss", "valid", "errors", "learning_rate", *TIMES} <= set(line)
        assert set(line["delta"]) == set(line["share"]) == {"SO(3)", "T(3)", "C_i"}
        assert max(line["delta"].values()) < 1e-5
        assert max(line["share"].values()) < 1e-8
        assert line["padding"] == {"nodes": pytest.approx(1 / 51), "edges": 0}
        assert 0 <= line["input_wait"] < 1
        assert line["systems_per_second"] > 0


def test_training_learns(whole: Path) -> None:
    valid = [m["valid"] for m in lines(whole)]
    assert valid[-1] < valid[0]


def test_the_run_opens_and_repeats_its_validation_error(whole: Path) -> None:
    trained = run.load(whole)
    found = evaluate.evaluate(trained, "valid", size=20)
    assert found["metric"] == "MSE"
    assert found["systems"] == 20
    assert found["value"] == pytest.approx(min(m["valid"] for m in lines(whole)), rel=1e-6)


def test_the_same_seed_gives_the_same_run(whole: Path, home: Path) -> None:
    again = fit.fit(config("again"))
    assert metrics(again) == metrics(whole)
    assert same(params(again), params(whole))
    other = fit.fit(config("other", seed=1, epochs=2))
    assert metrics(other)[0]["valid"] != metrics(whole)[0]["valid"]


# ------------------------------------------------------------------------- stop and go on


@pytest.fixture
def guarded() -> Iterator[None]:
    """Catches a SIGTERM that the training did not listen to, and fails."""
    caught: list[int] = []
    old = signal.signal(signal.SIGTERM, lambda *_: caught.append(1))
    yield
    signal.signal(signal.SIGTERM, old)
    assert not caught, "the training did not listen"


def send(number: int, step: int) -> Callable[[dict[str, Any]], None]:
    """A progress hook that sends this process a signal once `step` is done, and never again."""
    sent: list[int] = []

    def progress(line: dict[str, Any]) -> None:
        if line["step"] >= step and not sent:
            sent.append(line["step"])
            os.kill(os.getpid(), number)

    return progress


@pytest.mark.parametrize("step", [0, 1, 8, 11])
@pytest.mark.usefixtures("guarded")
def test_a_stopped_run_goes_on_as_if_nothing_had_been(whole: Path, home: Path, step: int) -> None:
    """Before and after the first step, at an evaluation and between two of them."""
    folder = fit.fit(config("stopped"), progress=send(signal.SIGTERM, step))
    assert status(folder)["state"] == "stopped"
    assert status(folder)["step"] in (step, step + 1), "at most one call later"
    seen: list[int] = []
    again = fit.fit(
        Config(name="stopped"), resume=True, progress=lambda line: seen.append(line["step"])
    )
    assert again == folder
    assert seen[0] == checkpoint.steps(folder)[0] or seen[0] in (step, step + 1)
    assert status(folder)["state"] == "finished"
    assert metrics(folder) == metrics(whole)
    assert same(params(folder), params(whole))


@pytest.mark.usefixtures("guarded")
def test_a_pause_is_a_stop_that_says_so(whole: Path, home: Path) -> None:
    folder = fit.fit(config("paused"), progress=send(signal.SIGUSR1, 3))
    assert status(folder)["state"] == "paused"
    fit.fit(Config(name="paused"), resume=True)
    assert metrics(folder) == metrics(whole)


@pytest.mark.usefixtures("guarded")
def test_a_stop_during_an_evaluation_does_not_wait_for_it(
    whole: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual, asked = evaluate.errors, []

    def errors(model: Any, given: Any, loader: Loader, precision: str, stopped: Any) -> Any:
        if not asked:
            asked.append(1)
            os.kill(os.getpid(), signal.SIGTERM)
        return usual(model, given, loader, precision, stopped)

    monkeypatch.setattr(evaluate, "errors", errors)
    folder = fit.fit(config("late"))
    assert (status(folder)["state"], status(folder)["step"]) == ("stopped", 8)
    assert lines(folder) == []
    fit.fit(Config(name="late"), resume=True)
    assert metrics(folder) == metrics(whole)


@pytest.mark.usefixtures("guarded")
def test_signals_are_given_back(home: Path) -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    fit.fit(config("short", epochs=1))
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


def test_lines_after_the_checkpoint_are_done_again(whole: Path, home: Path) -> None:
    """Killed between two checkpoints: the metrics hold every step once, torn lines included."""
    recorder = Recorder(home / "killed")
    recorder.folder.mkdir()
    rest = {"epoch": 1.0, "train_loss": 1.0, "valid": 1.0}
    for step in (8, 16):
        recorder.metrics(step=step, **rest)
    with (recorder.folder / "metrics.jsonl").open("a") as file:
        file.write('{"step": 2')
    recorder.forget_after(8)
    assert lines(recorder.folder) == [{"step": 8, **rest}]
    recorder.metrics(step=16, **rest)
    assert [m["step"] for m in lines(recorder.folder)] == [8, 16]


# ------------------------------------------------------------------------- the best is kept


@pytest.mark.parametrize(
    ("errors", "best"), [([3.0, 1.0, 2.0], 1), ([1.0, 1.0, 2.0], 0), ([3.0, 2.0, 1.0], 2)]
)
def test_the_strictly_best_parameters_are_kept(
    home: Path, monkeypatch: pytest.MonkeyPatch, errors: list[float], best: int
) -> None:
    """Not the first ones for ever, which is what appending before comparing gives, nor the last."""
    seen: list[Any] = []

    def error(model: Any, given: Any, *_: Any) -> dict[str, float]:
        seen.append(jax.device_get(given))
        return {"target": errors[len(seen) - 1]}

    monkeypatch.setattr(evaluate, "errors", error)
    folder = fit.fit(config("kept"))
    assert [m["valid"] for m in lines(folder)] == errors
    kept = params(folder)
    states = [flatten(s) for s in seen]
    assert not same(states[0], states[1])
    assert [same(kept, s) for s in states] == [i == best for i in range(3)]


def test_the_average_follows_the_parameters(home: Path) -> None:
    """The kept parameters are an exponential average: without one they are the last step's."""
    averaged, plain = (fit.fit(config(f"ema{e}", ema=e, epochs=2)) for e in (0.999, 0.0))
    assert not same(params(averaged), params(plain))
