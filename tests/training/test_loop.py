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

from demetar import models
from demetar.core.errors import InputError
from demetar.data.loader import Loader
from demetar.data.sets import nbody
from demetar.runs import evaluate, run
from demetar.runs import folder as runs_folder
from demetar.runs.config import Config, resolve
from demetar.runs.folder import flatten
from demetar.simulation import protocols
from demetar.training import checkpoint, fit, stream
from demetar.training.recorder import TIMES, Recorder

TINY = {
    "model_config": {"width": 8, "layers": 1}, "train_size": 40, "valid_size": 20, "batch_size": 10,
    "epochs": 6, "evaluate_every": 2, "steps_per_call": 1, "learning_rate": 1e-2,
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def data(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Bodies that go straight on for the horizon, in place of the simulator."""
    patch = pytest.MonkeyPatch()

    def straight(variant: str) -> protocols.NBody:
        rng = np.random.default_rng(0)
        x, v = rng.standard_normal((2, 14_000, 5, 3)).astype(np.float32)
        charges = rng.choice([-1.0, 1.0], (14_000, 5)).astype(np.float32)
        return protocols.NBody(x, v, charges, (x + protocols.HORIZON * v).astype(np.float32), v)

    patch.setenv("DEMETAR_DATA", str(tmp_path_factory.mktemp("data")))
    patch.setattr(nbody, "generate", straight)
    yield
    patch.undo()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DEMETAR_HOME", str(tmp_path))
    return tmp_path


def config(name: str, **changes: Any) -> Config:
    return Config(name=name, **{**TINY, **changes})


def metrics(folder: Path) -> list[dict[str, Any]]:
    """The lines of a run but for the time it took."""
    return [{k: v for k, v in m.items() if k not in TIMES} for m in lines(folder)]


def lines(folder: Path) -> list[dict[str, Any]]:
    return runs_folder.lines(folder / "metrics.jsonl")


def status(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "status.json").read_text())


def params(folder: Path) -> dict[str, np.ndarray]:
    with np.load(folder / "params.npz", allow_pickle=False) as file:
        return {k: file[k] for k in file.files}


def same(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> bool:
    return set(a) == set(b) and all((a[k] == b[k]).all() for k in a)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, data: Any) -> Path:
    """A run that nobody interrupted."""
    patch = pytest.MonkeyPatch()
    patch.setenv("DEMETAR_HOME", str(tmp_path_factory.mktemp("home")))
    folder = fit.fit(config("whole"))
    patch.undo()
    return folder


# ------------------------------------------------------------------------- a whole run


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


# ------------------------------------------------------------------------- what goes wrong


def test_a_loss_that_is_no_number_ends_in_a_sentence(home: Path) -> None:
    with pytest.raises(InputError, match="finite loss.*learning rate"):
        fit.fit(config("nan", learning_rate=1e30, clip=1e30))
    found = status(home / "runs" / "nan")
    assert found["state"] == "failed"
    assert "finite loss" in found["message"]


def test_a_name_in_use_is_refused(whole: Path, home: Path) -> None:
    fit.fit(config("used", epochs=1))
    before = (home / "runs" / "used" / "metrics.jsonl").read_bytes()
    with pytest.raises(InputError, match="got used, a run that exists"):
        fit.fit(config("used", epochs=1))
    assert (home / "runs" / "used" / "metrics.jsonl").read_bytes() == before


def test_two_writers_of_a_run_are_refused(home: Path) -> None:
    refused: list[str] = []

    def second(line: dict[str, Any]) -> None:
        if not refused:
            with pytest.raises(InputError, match="only process") as caught:
                fit.fit(config("shared", epochs=1), resume=True)
            refused.append(str(caught.value))

    folder = fit.fit(config("shared", epochs=1), progress=second)
    assert refused
    assert status(folder)["state"] == "finished"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"model": "engn"}, "did you mean 'egnn'"),
        ({"dataset": "nbdy"}, "did you mean 'nbody'"),
        ({"target": "position"}, "did you mean 'positions'"),
        ({"model_config": {"widht": 8}}, "did you mean 'width'"),
        ({"data_options": {"variant": "cleen"}}, "clean"),
        ({"train_size": 0}, "train_size of 1 or more"),
        ({"batch_size": 0}, "batch"),
        ({"epochs": 0}, "epochs"),
        ({"evaluate_every": 0}, "evaluate_every"),
        ({"learning_rate": -1.0}, "learning_rate"),
        ({"name": "../elsewhere"}, "name"),
        ({"name": "a/b"}, "name"),
        ({"name": ".."}, "name"),
        ({"warmup": 1.0}, "warmup"),
        ({"ema": -0.1}, "ema"),
        ({"connect": "bond"}, "connect"),
        ({"schedule": "cosin"}, "schedule"),
        ({"augment": "S_n"}, "augment"),
        ({"precision": "float16"}, "precision"),
        ({"devices": "two"}, "devices"),
        ({"keep_data": "gpu"}, "keep_data"),
        ({"loss": "huber"}, "loss"),
        ({"references": "fit"}, "references"),
        ({"patience": -1}, "patience"),
    ],
)
def test_bad_settings_are_one_sentence(home: Path, changes: dict, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        fit.fit(config(**{"name": "bad", **changes}))
    assert not (home / "elsewhere").exists()


def test_a_machine_without_git_trains_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert resolve(config("bare"))[1]["commit"] == ""


# ------------------------------------------------------------------------- the parts


def resolved(**changes: Any) -> Config:
    return resolve(config("parts", **changes))[0]


def loader(size: int = 40, batch: int = 10) -> Loader:
    return Loader(nbody.systems("train", size=size), batch)


@pytest.mark.parametrize("augmentation", ["", "E(3)"])
def test_batches_go_on_where_they_stopped(augmentation: str) -> None:
    settings = resolved(augment=augmentation)
    for stack, ends in ((1, (1, 4, 13)), (3, (3, 4, 7, 23))):
        everything = steps(stream.calls(loader(), settings, 0, stack))
        assert len(everything) == 24
        for done in ends:
            rest = steps(stream.calls(loader(), settings, done, stack))
            assert len(rest) == 24 - done
            for a, b in zip(jax.tree.leaves(rest), jax.tree.leaves(everything[done:])):
                np.testing.assert_array_equal(a, b)


def test_calls_end_at_the_same_steps_after_a_stop() -> None:
    """At multiples of their length within each epoch of four batches."""
    lengths = [len(b[1].target) for b in stream.calls(loader(), resolved(), 0, 3)]
    assert lengths == [3, 1] * 6
    assert [len(b[1].target) for b in stream.calls(loader(), resolved(), 7, 3)] == [1] + [3, 1] * 4


def steps(calls: Iterator[Any]) -> list[Any]:
    """One by one."""
    return [
        jax.tree.map(lambda x, i=i: x[i], call)
        for call in calls
        for i in range(len(call[1].target))
    ]


def test_the_augmented_see_other_batches(home: Path, whole: Path) -> None:
    """An equivariant model learns from them what it would have learnt anyway; another one does not."""
    turned = fit.fit(config("turned", augment="E(3)"))
    for a, b in zip(metrics(turned), metrics(whole), strict=True):
        assert a["valid"] == pytest.approx(b["valid"], rel=1e-3)
    small = {"model": "gnn", "epochs": 2}
    plain, turned = (
        fit.fit(config(name, augment=g, **small)) for name, g in (("a", ""), ("b", "E(3)"))
    )
    a, b = metrics(plain)[0], metrics(turned)[0]
    assert a["valid"] != pytest.approx(b["valid"], rel=1e-3)
    assert a["share"]["SO(3)"] > 1e-4


def test_several_steps_in_one_call_are_the_same_steps(home: Path, whole: Path) -> None:
    """Scanned or not, to rounding."""
    together = fit.fit(config("together", steps_per_call=4))
    for a, b in zip(metrics(together), metrics(whole), strict=True):
        assert a["step"] == b["step"]
        assert a["valid"] == pytest.approx(b["valid"], rel=1e-3)


def test_errors_are_over_every_system_once() -> None:
    """A model that stands still, against the static baseline: batches of any size agree."""
    model = models.create("linear")
    still = {
        "model": {"scale": np.zeros(1, np.float32)},
        "mean": np.zeros(()),
        "scale": np.ones(()),
    }
    test = nbody.read(split="test", size=23)
    expected = nbody.nbody(nbody.read(size=5), test)["static"]
    for batch in (23, 10, 7):
        found = evaluate.errors(model, still, Loader(nbody.systems("test", size=23), batch))
        assert found["target"] == pytest.approx(expected, rel=1e-6)


def test_a_run_without_news_ends_early(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And halves its learning rate on the way, if asked to."""
    errors = iter([3.0, 4.0, 5.0, 6.0, 7.0, 8.0])
    monkeypatch.setattr(evaluate, "errors", lambda *_: {"target": next(errors)})
    waiting = {"evaluate_every": 1, "schedule": "plateau", "plateau_patience": 2, "warmup": 0}
    folder = fit.fit(config("early", patience=3, **waiting))
    assert status(folder)["state"] == "finished"
    assert [m["step"] for m in lines(folder)] == [4, 8, 12, 16]
    assert [m["learning_rate"] for m in lines(folder)] == pytest.approx([0.01, 0.01, 0.01, 0.005])


def test_bfloat16_is_measured_beside_float32(home: Path) -> None:
    """What the fewer digits cost in equivariance stands on every line."""
    folder = fit.fit(config("rough", precision="bfloat16", epochs=2))
    (line,) = lines(folder)
    assert set(line["delta"]) == set(line["delta_float32"])
    assert 1e-4 < line["delta"]["SO(3)"] < 0.1
    assert line["delta_float32"]["SO(3)"] < 1e-5
    assert line["share"]["SO(3)"] > 1e-9
    assert all(x.dtype == np.float32 for k, x in params(folder).items() if k.startswith("model"))
