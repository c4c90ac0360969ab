"""Training as a process: start, follow, stop, resume, two writers, silence, damaged folders."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.jobs import runs, training
from demetar.core.disk import PROJECT
from demetar.core.errors import InputError
from tests.support.started import CONFIG, LONG, wait, write


@pytest.mark.slow
def test_a_run_from_start_to_stop_and_on(home: Path) -> None:
    assert training.start(LONG) == "long"
    assert runs.read(home / "runs" / "long").state in ("starting", "running")
    wait(lambda: len(runs.metrics(home / "runs" / "long")) >= 2)
    job = runs.read(runs.find("long"))
    assert (job.state, job.metric, job.unit) == ("running", "MSE", "(scene units)²")
    assert 0 < job.step < job.steps
    assert job.best is not None

    with pytest.raises(InputError, match="exists"):
        training.start(LONG)
    with pytest.raises(InputError, match="running"):
        training.resume("long")
    again = [sys.executable, "-m", "demetar.cli", "train", "--name", "long", "--resume"]
    second = subprocess.run(again, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert second.returncode == 2
    assert "only process" in second.stderr
    assert runs.read(runs.find("long")).state == "running"

    began = time.monotonic()
    assert training.stop("long") == "stopped"
    assert time.monotonic() - began < 3
    stopped = runs.read(runs.find("long"))
    assert any((home / "runs" / "long" / "checkpoints").iterdir())
    assert stopped.loadable
    with pytest.raises(InputError, match="no process"):
        training.stop("long")

    done = len(runs.metrics(home / "runs" / "long"))
    training.resume("long")
    assert runs.read(runs.find("long")).state == "starting"
    wait(lambda: runs.read(runs.find("long")).state == "running")
    wait(lambda: len(runs.metrics(home / "runs" / "long")) > done)
    steps = [line["step"] for line in runs.metrics(home / "runs" / "long")]
    assert steps == sorted(set(steps))
    assert steps[0] == 6  # the first evaluation of the first process is still there
    assert training.stop("long") == "stopped"


@pytest.mark.slow
def test_stopping_before_the_first_step(home: Path) -> None:
    training.start(LONG)
    began = time.monotonic()
    assert training.stop("long") == "stopped"
    assert time.monotonic() - began < 3
    assert "from the start" in runs.read(runs.find("long")).message
    training.resume("long")
    wait(lambda: runs.read(runs.find("long")).step > 0)
    training.stop("long")


@pytest.mark.slow
def test_a_run_that_cannot_begin_says_why(home: Path) -> None:
    training.start({**LONG, "train_size": 99_999, "name": "big"})
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
        assert not training.at_work("a")
        with pytest.raises(InputError, match="got a, on which no process works"):
            training.stop("a")
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
        training.resume("egnn-nbody")
    with pytest.raises(InputError, match="finished"):
        training.resume("old")


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
        training.start({**LONG, **wrong})
    assert not runs.folders()
