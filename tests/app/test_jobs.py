"""Training as a process: start, follow, stop, resume, two writers, silence, damaged folders."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app import jobs, runs
from demetar.errors import InputError

LONG = {
    "model": "egnn", "dataset": "nbody", "name": "long", "train_size": 60, "valid_size": 20,
    "batch_size": 20, "epochs": 5_000, "evaluate_every": 2, "model_config": {"width": 8, "layers": 1},
}  # fmt: skip


def wait(what: Callable[[], bool], seconds: float = 90.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


def write(folder: Path, **files: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in files.items():
        file = folder / (name + (".jsonl" if name == "metrics" else ".json"))
        file.write_text(value if isinstance(value, str) else json.dumps(value))
    return folder


CONFIG = {
    "model": "egnn", "dataset": "nbody", "target": "positions", "unit": "scene units",
    "model_config": {"inputs": "particles", "output": "positions"}, "name": "x", "epochs": 9,
}  # fmt: skip


@pytest.mark.slow
def test_a_run_from_start_to_stop_and_on(home: Path) -> None:
    began = time.monotonic()
    assert jobs.start(LONG) == "long"
    assert time.monotonic() - began < 2
    assert runs.read(home / "runs" / "long").state in ("starting", "running")
    wait(lambda: len(runs.metrics(home / "runs" / "long")) >= 2)
    job = runs.read(runs.find("long"))
    assert (job.state, job.metric, job.unit) == ("running", "MSE", "(scene units)²")
    assert 0 < job.step < job.steps
    assert job.best is not None

    with pytest.raises(InputError, match="exists"):
        jobs.start(LONG)
    with pytest.raises(InputError, match="running"):
        jobs.resume("long")
    again = [sys.executable, "-m", "demetar.cli", "train", "--name", "long", "--resume"]
    second = subprocess.run(again, cwd=jobs.ROOT, capture_output=True, text=True, check=False)
    assert second.returncode == 2
    assert "only process" in second.stderr
    assert runs.read(runs.find("long")).state == "running"

    began = time.monotonic()
    assert jobs.stop("long") == "stopped"
    assert time.monotonic() - began < 3
    stopped = runs.read(runs.find("long"))
    assert any((home / "runs" / "long" / "checkpoints").iterdir())
    assert stopped.loadable
    with pytest.raises(InputError, match="no process"):
        jobs.stop("long")

    done = len(runs.metrics(home / "runs" / "long"))
    jobs.resume("long")
    assert runs.read(runs.find("long")).state == "starting"
    wait(lambda: runs.read(runs.find("long")).state == "running")
    wait(lambda: len(runs.metrics(home / "runs" / "long")) > done)
    steps = [line["step"] for line in runs.metrics(home / "runs" / "long")]
    assert steps == sorted(set(steps))
    assert steps[0] == 6  # the first evaluation of the first process is still there
    assert jobs.stop("long") == "stopped"


@pytest.mark.slow
def test_stopping_before_the_first_step(home: Path) -> None:
    jobs.start(LONG)
    began = time.monotonic()
    assert jobs.stop("long") == "stopped"
    assert time.monotonic() - began < 3
    assert "from the start" in runs.read(runs.find("long")).message
    jobs.resume("long")
    wait(lambda: runs.read(runs.find("long")).step > 0)
    jobs.stop("long")


@pytest.mark.slow
def test_a_run_that_cannot_begin_says_why(home: Path) -> None:
    jobs.start({**LONG, "train_size": 99_999, "name": "big"})
    wait(lambda: runs.read(runs.find("big")).state == "failed")
    assert "1 to 10000" in runs.read(runs.find("big")).message


def test_silence_means_lost_whatever_the_pid(home: Path) -> None:
    now = time.time()
    alive = {"state": "running", "pid": os.getpid(), "step": 5, "steps": 9, "started": now - 99}
    folder = write(home / "runs" / "a", config=CONFIG, status={**alive, "heartbeat": now - 10})
    assert runs.read(folder).state == "running"
    write(folder, status={**alive, "heartbeat": now - 31})
    assert runs.read(folder).state == "lost"


def test_a_number_that_belongs_to_another_process_is_not_stopped(home: Path) -> None:
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    now = time.time()
    status = {"state": "running", "pid": other.pid, "step": 5, "steps": 9, "heartbeat": now}
    write(home / "runs" / "a", config=CONFIG, status=status)
    try:
        assert not jobs.at_work("a")
        with pytest.raises(InputError, match="no process works on a"):
            jobs.stop("a")
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_newest_first_and_shipped_last(home: Path) -> None:
    for name, started in (("old", 1e9), ("new", 2e9)):
        status = {"state": "finished", "started": started, "heartbeat": started}
        write(home / "runs" / name, config=CONFIG, status=status)
    write(home / "trained" / "egnn-nbody", config=CONFIG)
    assert [job.name for job in runs.list_all()] == ["new", "old", "egnn-nbody"]
    assert runs.list_all()[2].state == "shipped"
    with pytest.raises(InputError, match="did you mean 'egnn-nbody'"):
        runs.find("egnn-nbdy")
    assert runs.free_name("egnn-nbody") == "egnn-nbody-2"
    with pytest.raises(InputError, match="shipped"):
        jobs.resume("egnn-nbody")
    with pytest.raises(InputError, match="finished"):
        jobs.resume("old")


@pytest.mark.parametrize(
    "files",
    [
        {"config": "{"},
        {"config": "[1]", "status": "3"},
        {"config": CONFIG, "status": {"state": "finished", "step": "NaN", "heartbeat": "x"}},
        {"config": CONFIG, "status": '{"step": NaN, "pid": 1e400, "state": "running"}'},
        {"config": CONFIG, "metrics": '{"step": 1\n[]\n{"valid": "x"}\n7\n'},
        {"config": {"model_config": None, "unit": 3}},
    ],
)
def test_damaged_folders_are_listed(home: Path, files: dict[str, object]) -> None:
    write(home / "runs" / "damaged", **files)
    (job,) = runs.list_all()
    assert job.name == "damaged"
    assert job.best is None
    assert (job.metric, job.unit) is not None


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"model": "egn"}, "did you mean 'egnn'"),
        ({"dataset": "nbodyy"}, "did you mean 'nbody'"),
        ({"name": "../x"}, "letters, digits"),
        ({"epochs": 0}, "positive number for epochs"),
        ({"learning_rate": -1.0}, "positive number for learning_rate"),
        ({"colour": 3}, "settings among"),
    ],
)
def test_wrong_settings_start_nothing(home: Path, wrong: dict[str, object], says: str) -> None:
    with pytest.raises(InputError, match=says):
        jobs.start({**LONG, **wrong})
    assert not runs.folders()


def test_only_so_many_at_once(home: Path) -> None:
    status = {"state": "running", "pid": 1, "heartbeat": time.time()}
    for i in range(jobs.MOST_AT_ONCE):
        write(home / "runs" / f"busy{i}", config=CONFIG, status=status)
    with pytest.raises(InputError, match="at once"):
        jobs.start(LONG)


def test_estimates_follow_earlier_runs(home: Path) -> None:
    wanted = {**LONG, "epochs": 100}
    guess, why = runs.estimate(wanted)
    assert guess > runs.START
    assert "guess" in why
    line = {"step": 100, "epoch": 1.0, "train_loss": 1.0, "valid": 1.0, "seconds": 200.0}
    status = {"state": "finished", "started": 1e9, "heartbeat": 1e9}
    config = {**CONFIG, "batch_size": 20}
    write(home / "runs" / "slow", config=config, status=status, metrics=json.dumps(line))
    seconds, why = runs.estimate(wanted)
    assert "slow" in why
    assert seconds == pytest.approx(runs.START + 2.0 * (300 + 50 / 3))
