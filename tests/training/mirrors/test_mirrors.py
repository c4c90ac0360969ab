"""Mirrors: what they are told reaches the tracker; none can end a run; none is imported unasked."""

import json
import struct
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from demetar.cli import main
from demetar.core import registry
from demetar.core.disk import PROJECT
from demetar.core.errors import InputError
from demetar.runs.folder import lines
from demetar.training import mirrors

CONFIG = {"model": "egnn", "seed": 3, "model_config": {"width": 8}}
LINES = [
    {"step": 8, "epoch": 2.0, "valid": 0.5, "delta": {"SO(3)": 1e-7}, "note": "words"},
    {"step": 16, "epoch": 4.0, "valid": 0.25, "delta": {"SO(3)": 2e-7}},
]
NUMBERS = [
    {"epoch": 2.0, "valid": 0.5, "delta/SO3": 1e-7},
    {"epoch": 4.0, "valid": 0.25, "delta/SO3": 2e-7},
]


class Fake(types.ModuleType):
    """A package that notes every call on anything in it."""

    def __init__(self, name: str, calls: list) -> None:
        super().__init__(name)
        self.__dict__["calls"] = calls

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any, **named: Any) -> Any:
            self.calls.append((name, args, named))
            if name == "Metric":
                return args
            answer = Fake(name, self.calls)
            answer.__dict__["info"] = types.SimpleNamespace(run_id="id7")
            answer.__dict__["summary"] = {}
            return None if name == "get_experiment_by_name" else answer

        return call


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list:
    """Fakes of the larger trackers; what was called on them."""
    found: list = []
    for package in ("mlflow", "mlflow.tracking", "mlflow.entities", "wandb"):
        monkeypatch.setitem(sys.modules, package, Fake(package, found))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("WANDB_MODE", raising=False)
    return found


def tell(name: str, folder: Path, state: str = "finished") -> None:
    """One training as a mirror hears it."""
    folder.mkdir(parents=True, exist_ok=True)
    (mirror,) = mirrors.create([name], folder)
    mirror.start(CONFIG)
    for line in LINES:
        mirror.log(line)
    mirror.end(state)


def named(calls: list, name: str) -> list[tuple]:
    return [(args, given) for found, args, given in calls if found == name]


def records(folder: Path) -> list[bytes]:
    """The records of the event files: length, its checksum, data, their checksum."""
    found = []
    for path in sorted(folder.glob("events.*")):
        content, at = path.read_bytes(), 0
        while at < len(content):
            (size,) = struct.unpack_from("<Q", content, at)
            found.append(content[at + 12 : at + 12 + size])
            at += 16 + size
    return found


def test_tensorboard_reads_back_what_was_logged(tmp_path: Path) -> None:
    tell("tensorboard", tmp_path / "run")
    found = scalars(tmp_path / "run")
    assert set(found) == {8, 16}
    for step, expected in zip((8, 16), NUMBERS):
        assert found[step] == pytest.approx(expected)


def scalars(folder: Path) -> dict[int, dict[str, float]]:
    """What the event files below a run folder hold, by step and name."""
    from tensorboardX.proto.event_pb2 import Event

    found: dict[int, dict[str, float]] = {}
    for record in records(folder / "tensorboard"):
        event = Event.FromString(record)
        for value in event.summary.value:
            if value.HasField("simple_value"):
                found.setdefault(event.step, {})[value.tag] = value.simple_value
    return found


def test_a_training_is_heard_from_the_command_line(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train", "--name", "heard", "--train-size", "20", "--valid-size", "10"]
    command += ["--batch-size", "10", "--epochs", "4", "--evaluate-every", "2"]
    command += ["--model-config", "width=8", "layers=1"]
    assert main([*command, "--mirror", "tensorbord"]) == 2
    assert "did you mean 'tensorboard'" in capsys.readouterr().err
    assert not (home / "runs").exists()
    assert main([*command, "--mirror", "tensorboard"]) == 0
    kept = {line["step"]: line for line in lines(home / "runs" / "heard" / "metrics.jsonl")}
    heard = scalars(home / "runs" / "heard")
    assert set(heard) == set(kept) == {4, 8}
    for step, line in kept.items():
        assert heard[step]["valid"] == pytest.approx(line["valid"])
        assert heard[step]["delta/SO3"] == pytest.approx(line["delta"]["SO(3)"])


def test_mlflow_hears_everything_once(tmp_path: Path, calls: list) -> None:
    folder = tmp_path / "runs" / "mine"
    tell("mlflow", folder)
    assert named(calls, "MlflowClient")[0][0] == (f"sqlite:///{tmp_path / 'mlflow.db'}",)
    told = {args[1]: args[2] for args, _ in named(calls, "log_param")}
    assert told == {"model": "egnn", "seed": "3", "model_config.width": "8"}
    batches = [given["metrics"] for _, given in named(calls, "log_batch")]
    assert [{m[0]: m[1] for m in batch} for batch in batches] == NUMBERS
    assert [{m[3] for m in batch} for batch in batches] == [{8}, {16}]
    assert named(calls, "set_terminated")[-1][0] == ("id7", "FINISHED")
    tell("mlflow", folder, "stopped")  # goes on in the same run
    assert len(named(calls, "create_run")) == 1
    assert named(calls, "set_terminated")[-1][0] == ("id7", "KILLED")


def test_mlflow_speaks_to_the_server_asked_for(
    tmp_path: Path, calls: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://tracker:5000")
    tell("mlflow", tmp_path / "runs" / "mine")
    assert named(calls, "MlflowClient")[0][0] == ("http://tracker:5000",)


@pytest.mark.parametrize(("state", "code"), [("finished", 0), ("stopped", 0), ("failed", 1)])
def test_wandb_stays_offline(tmp_path: Path, calls: list, state: str, code: int) -> None:
    tell("wandb", tmp_path / "mine", state)
    (_, given), *_ = named(calls, "init")
    assert given["mode"] == "offline"
    assert given["config"] == CONFIG
    assert (given["name"], given["dir"]) == ("mine", str(tmp_path / "mine"))
    assert [(args[0], named["step"]) for args, named in named(calls, "log")] == [
        (NUMBERS[0], 8),
        (NUMBERS[1], 16),
    ]
    assert named(calls, "finish") == [((), {"exit_code": code})]


@pytest.mark.parametrize("name", mirrors.names())
def test_a_missing_package_is_a_sentence(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in ("tensorboardX", "mlflow", "mlflow.tracking", "wandb"):
        monkeypatch.setitem(sys.modules, package, None)  # as if it were not installed
    with pytest.raises(InputError, match=rf'pip install "demetar\[{name}\]"'):
        mirrors.create([name], tmp_path)


def test_an_unknown_mirror_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="did you mean 'tensorboard'"):
        mirrors.create(["tensorbord"], tmp_path)


@pytest.mark.parametrize("at", ["start", "log", "end"])
def test_a_failing_mirror_warns_and_the_others_go_on(at: str) -> None:
    heard: list[str] = []

    class Mirror:
        def __init__(self, breaks: str = "") -> None:
            self.breaks = breaks

        def __getattr__(self, name: str) -> Any:
            def call(told: Any) -> None:
                if name == self.breaks:
                    raise OSError("no space left on device")
                if not self.breaks:
                    heard.append(name)

            return call

    both = mirrors.Mirrors([Mirror(at), Mirror()])

    def whole_run() -> None:
        both.start(CONFIG)
        both.log(LINES[0])
        both.log(LINES[1])
        both.end("finished")

    with pytest.warns(UserWarning, match="mirror test_mirrors failed.*no space left") as warned:
        whole_run()
    assert len(warned) == 1
    assert heard == ["start", "log", "log", "end"]


def test_every_mirror_has_its_extra() -> None:
    import tomllib

    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    for name in mirrors.names():
        module = registry.load("mirrors", name)
        assert module.EXTRA == name
        assert module.TITLE
        assert project["optional-dependencies"][name]


def test_nothing_is_imported_unasked() -> None:
    script = (
        "import json, sys, demetar.training.fit, demetar.training.mirrors\n"
        "print(json.dumps([p for p in ('tensorboardX', 'mlflow', 'wandb', 'ray') if p in sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == []
