"""Training as a process: start, follow, stop, resume, two writers, silence, damaged folders."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from app.jobs import estimate, process, queue, runs, training
from demetar.core.disk import PROJECT, locked
from demetar.core.errors import InputError
from demetar.runs import config

LONG = {
    "model": "egnn", "dataset": "nbody", "name": "long", "train_size": 60, "valid_size": 20,
    "batch_size": 20, "epochs": 5_000, "evaluate_every": 2, "model_config": {"width": 8, "layers": 1},
}  # fmt: skip


def wait(what: Callable[[], bool], seconds: float = 150.0) -> None:
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


def request(name: str) -> dict[str, object]:
    return {**LONG, "name": name}


def busy(home: Path, name: str = "busy") -> Path:
    """A run from a terminal, as far as its folder says."""
    status = {"state": "running", "pid": 1, "heartbeat": time.time()}
    return write(home / "runs" / name, config=CONFIG, status=status)


def order() -> list[str]:
    return [job.name for job in queue.waiting()]


def test_runs_wait_while_one_trains(home: Path) -> None:
    busy(home)
    for name in ("a", "b", "c"):
        assert training.start(request(name)) == name
    assert order() == ["a", "b", "c"]
    assert runs.read(runs.find("b")).state == "queued"
    assert not (home / "runs" / "a" / "launch.json").exists()
    queue.move_up("c")
    assert order() == ["a", "c", "b"]
    queue.move_up("a")  # the first stays the first
    queue.remove("c")
    assert order() == ["a", "b"]
    assert not (home / "runs" / "c").exists()  # it never trained
    with pytest.raises(InputError, match="waits"):
        queue.move_up("busy")
    with pytest.raises(InputError, match="waits"):
        queue.remove("busy")
    with pytest.raises(InputError, match="queued"):
        training.resume("a")
    with pytest.raises(InputError, match="exists"):
        training.start(request("a"))
    training.delete("a")
    assert order() == ["b"]


def test_more_at_once_if_asked(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    busy(home)
    launched: list[str] = []

    def launch(folder: Path, *flags: str) -> None:
        launched.append(folder.name)
        busy(home, folder.name)

    monkeypatch.setattr(training, "_launch", launch)
    training.start(request("a"))
    assert launched == []
    monkeypatch.setenv("DEMETAR_AT_ONCE", "3")
    for name in ("b", "c"):
        training.start(request(name))
    assert launched == ["a", "b"]
    assert order() == ["c"]
    monkeypatch.setenv("DEMETAR_AT_ONCE", "many")
    with pytest.raises(InputError, match="number from 1"):
        training.advance()


def test_a_waiting_run_that_a_terminal_began_is_not_begun_again(home: Path) -> None:
    folder = busy(home)
    training.start(request("a"))
    write(folder, status={"state": "finished", "heartbeat": time.time()})
    with locked(home / "runs" / "a" / ".lock"):
        training.advance()
        assert order() == []
        assert not (home / "runs" / "a" / "launch.json").exists()


@pytest.mark.slow
def test_the_next_begins_without_a_page_when_one_ends(home: Path) -> None:
    training.start({**LONG, "name": "short", "epochs": 4})
    training.start({**LONG, "name": "next", "epochs": 4})
    assert order() == ["next"]
    lines = home / "runs" / "next" / "metrics.jsonl"
    wait(lambda: lines.exists() and lines.stat().st_size > 0)  # nobody looked at the queue here
    assert runs.read(runs.find("short")).state == "finished"
    wait(lambda: runs.read(runs.find("next")).state == "finished")


@pytest.mark.slow
def test_pausing_lets_the_next_begin_and_resuming_waits(home: Path) -> None:
    training.start(LONG)
    training.start(request("next"))
    wait(lambda: len(runs.metrics(home / "runs" / "long")) >= 1)
    assert training.pause("long") == "paused"
    assert "paused, resum" in runs.read(runs.find("long")).message
    assert order() == []
    assert runs.read(runs.find("next")).live
    training.resume("long")
    assert runs.read(runs.find("long")).state == "queued"
    queue.remove("long")  # it has trained: it stays
    assert runs.read(runs.find("long")).state == "paused"
    training.stop("next")
    training.resume("long")
    assert runs.read(runs.find("long")).state == "starting"
    training.stop("long")


def test_what_may_be_deleted(home: Path) -> None:
    write(home / "trained" / "egnn-nbody", config=CONFIG)
    with pytest.raises(InputError, match="comes with Demetar"):
        training.delete("egnn-nbody")
    folder = write(home / "runs" / "mine", config=CONFIG, status={"state": "finished"})
    with locked(folder / ".lock"):
        with pytest.raises(InputError, match="stop it first"):
            training.delete("mine")
    training.delete("mine")
    assert not folder.exists()
    assert [job.name for job in runs.list_all()] == ["egnn-nbody"]
    with pytest.raises(InputError, match="name of a run"):
        training.delete("../trained/egnn-nbody")


def test_a_downloaded_run_is_the_files_that_make_it(home: Path, tmp_path: Path) -> None:
    folder = write(home / "runs" / "mine", config=CONFIG, metrics="{}\n", launch={"pid": 1})
    (folder / "params.npz").write_bytes(b"arrays")
    (folder / "checkpoints").mkdir()
    with zipfile.ZipFile(io.BytesIO(runs.archive(folder))) as packed:
        assert sorted(packed.namelist()) == [
            "mine/config.json",
            "mine/metrics.jsonl",
            "mine/params.npz",
        ]
        assert packed.read("mine/params.npz") == b"arrays"


def test_a_process_that_ended_and_was_not_waited_for_is_not_alive() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    wait(lambda: not process.alive(child.pid), 20)  # a zombie until the next line
    child.wait()


def line(step: int, seconds: float) -> str:
    return json.dumps(
        {"step": step, "epoch": 1.0, "train_loss": 1.0, "valid": 1.0, "seconds": seconds}
    )


def test_estimates_follow_earlier_runs_of_the_same_kind(home: Path) -> None:
    wanted = {**LONG, "epochs": 100}
    assert estimate.estimate(wanted) is None
    stored = config.resolve(config.Config(**wanted))[1]
    status = {"state": "finished", "started": 1e9, "heartbeat": 1e9}
    lines = line(10, 50.0) + "\n" + line(110, 250.0)  # 30 s of compiling, then 2 s a step
    write(home / "runs" / "slow", config=stored, status=status, metrics=lines)
    found = estimate.estimate(wanted)
    assert found is not None
    assert "slow" in found.basis
    assert found.seconds == pytest.approx(30 + 2.0 * 300)
    older = {k: v for k, v in stored.items() if k not in ("precision", "devices")}
    write(home / "runs" / "slow", config=older)  # begun before there were these settings
    assert estimate.estimate(wanted) == found
    assert estimate.estimate({**wanted, "precision": "bfloat16"}) is None
    half = estimate.estimate({**wanted, "batch_size": 10})
    assert half is not None
    assert half.seconds == pytest.approx(30 + 1.0 * 600)
    assert estimate.estimate({**wanted, "model": "gnn"}) is None
    other = {**stored, "device": "another machine"}
    write(home / "runs" / "slow", config=other)
    assert estimate.estimate(wanted) is None


def test_the_time_left_is_that_of_the_last_steps(home: Path) -> None:
    status = {
        "state": "running",
        "step": 30,
        "steps": 130,
        "heartbeat": time.time(),
        "started": 1e9,
    }
    lines = "\n".join([line(10, 60.0), line(20, 65.0), line(30, 70.0)])
    folder = write(home / "runs" / "a", config=CONFIG, status=status, metrics=lines)
    assert estimate.left(runs.read(folder)) == pytest.approx(50.0)


@pytest.mark.slow
def test_the_first_steps_are_timed_for_real(home: Path) -> None:
    found = estimate.time_first_steps({**LONG, "epochs": 10})
    assert found is not None
    assert "first steps" in found.basis
    assert found == estimate.estimate({**LONG, "epochs": 10})
    assert 0 < found.seconds < 3600
    assert not runs.folders()
    with pytest.raises(InputError, match="1 to 10000"):
        estimate.time_first_steps({**LONG, "train_size": 99_999, "batch_size": 99_999})
