"""What may be deleted and taken away; how long a run will take."""

from __future__ import annotations

import io
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from app.jobs import estimate, process, runs, training
from demetar.core.disk import locked
from demetar.core.errors import InputError
from demetar.data.sets import nbody
from demetar.runs import config
from tests.support.started import CONFIG, LONG, line, wait, write


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
    for split in ("train", "valid"):
        nbody.systems(split, size=1)  # making them is no part of what is timed
    found = estimate.time_first_steps({**LONG, "epochs": 10})
    assert found is not None
    assert "first steps" in found.basis
    assert found == estimate.estimate({**LONG, "epochs": 10})
    assert 0 < found.seconds < 3600
    assert not runs.folders()
    with pytest.raises(InputError, match="1 to 10000"):
        estimate.time_first_steps({**LONG, "train_size": 99_999, "batch_size": 99_999})
