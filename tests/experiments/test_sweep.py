"""Sweeps: one run after another; a run survives the death of its worker."""

import importlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from demetar.cli import main
from demetar.core.errors import InputError
from demetar.experiments import cluster
from demetar.runs import folder, run
from demetar.training.recorder import TIMES
from tests.support.experiments import TINY, Write

ROOT = Path(__file__).parents[2]

# ------------------------------------------------------------------------- in this process


def test_one_after_another(write: Write, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(
        'name = "{model}-{seed}"',
        TINY,
        "[grid]\nseed = [0, 1]",
        "[[runs]]\nname = 'wild'\nlearning_rate = 1e30\nwarmup = 0.0\nclip = 1e30",
    )
    command = ["sweep", str(path), "--workers", "0"]
    assert main([*command, "--dry-run", "--json"]) == 0
    assert [r["name"] for r in json.loads(capsys.readouterr().out)] == ["egnn-0", "egnn-1", "wild"]
    assert not (home / "runs").exists()

    assert main([*command, "--json"]) == 1, "one run failed"
    out, err = capsys.readouterr()
    rows = json.loads(out)
    assert [(r["name"], r["state"]) for r in rows] == [
        ("egnn-0", "finished"),
        ("egnn-1", "finished"),
        ("wild", "failed"),
    ]
    assert "finite loss" in rows[2]["message"]
    assert rows == json.loads((home / "runs" / "tried.sweep.json").read_text())
    for row in rows[:2]:
        done = folder.lines(home / "runs" / row["name"] / "metrics.jsonl")
        assert row["best"] == min(line["valid"] for line in done)
        assert row["test"] > 0
        assert row["delta"] < 1e-5
        assert run.load(row["name"]).config["seed"] == int(row["name"][-1])
        assert f"{row['best']:.4g}" in err

    assert main(command) == 2, "the runs exist"
    assert "--resume" in capsys.readouterr().err
    before = (home / "runs" / "egnn-0" / "params.npz").stat().st_mtime_ns
    results = home / "runs" / "egnn-1" / "results.json"
    measured = results.read_text()
    results.unlink()  # as if the process had died before the test
    write('name = "{model}-{seed}"', TINY, "[grid]\nseed = [0, 1, 2]")
    assert main([*command, "--resume", "--json"]) == 0
    assert [r["state"] for r in json.loads(capsys.readouterr().out)] == ["finished"] * 3
    assert (home / "runs" / "egnn-0" / "params.npz").stat().st_mtime_ns == before
    assert results.read_text() == measured
    write('name = "{model}-{seed}"', TINY.replace("epochs = 4", "epochs = 5"), "[grid]\nseed = [0]")
    assert main([*command, "--resume"]) == 2
    assert "epochs 4 in place of 5" in capsys.readouterr().err


def test_without_ray_a_sentence_says_what_to_do(
    write: Write, home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    assert main(["sweep", str(write(TINY))]) == 2
    err = capsys.readouterr().err
    assert 'pip install "demetar[sweep]"' in err
    assert "--workers 0" in err
    assert main(["sweep", str(write(TINY)), "--workers", "-1"]) == 2


# ------------------------------------------------------------------------- through Ray


JOBS = """
import os, signal

def answer(value):
    if value < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return 9 // value
"""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_job_that_always_dies_leaves_the_others_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "small_jobs.py").write_text(JOBS)
    monkeypatch.syspath_prepend(tmp_path)
    here = [str(tmp_path), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(here))
    monkeypatch.setattr(cluster, "RETRIES", 1)
    answer = importlib.import_module("small_jobs").answer
    ended = {job[0]: found for job, found in cluster.each(answer, [(3,), (-1,), (0,)], 2) if found}
    assert ended[3] == 3
    assert "WorkerCrashed" in type(ended[-1]).__name__
    assert "ZeroDivisionError" in str(ended[0])


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "nowhere", "a:b"])
def test_no_cluster_at_the_address_is_a_sentence(address: str) -> None:
    with pytest.raises(InputError, match="ray start --head"):
        list(cluster.each(print, [(3,)], address=address))


def _alive_with_a_checkpoint(folder: Path, end: float) -> int:
    """The process that trains the run, once it has kept a checkpoint."""
    while time.monotonic() < end:
        if list(folder.glob("checkpoints/[0-9]*")):
            status = json.loads((folder / "status.json").read_text())
            if status["state"] == "running":
                return status["pid"]
        time.sleep(0.05)
    raise AssertionError("no checkpoint in time")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_killed_worker_is_replaced_and_its_run_goes_on(write: Write, home: Path) -> None:
    long = TINY.replace("epochs = 4", "epochs = 300\ncheckpoint_seconds = 0.2")
    long = long.replace("evaluate_every = 2", "evaluate_every = 50")
    long = long.replace("steps_per_call = 2", "steps_per_call = 1")
    path = write('name = "s{seed}"', long, "[grid]\nseed = [0, 1]")
    shared = home / "shared"
    command = [sys.executable, "-m", "demetar.cli", "sweep", str(path), "--workers", "2"]
    going = subprocess.Popen(
        [*command, "--output", f"file://{shared}", "--json"],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "RAY_worker_niceness": "0"},  # usually 15: other tests would starve it
    )
    try:
        pid = _alive_with_a_checkpoint(home / "runs" / "s0", time.monotonic() + 400)
        os.kill(pid, signal.SIGKILL)
        out, err = going.communicate(timeout=400)
    finally:
        going.kill()
    assert going.returncode == 0, err
    rows = json.loads(out)
    assert [(r["name"], r["state"]) for r in rows] == [("s0", "finished"), ("s1", "finished")]
    assert json.loads((home / "runs" / "s0" / "status.json").read_text())["pid"] != pid
    # As if nothing had happened: the same numbers as in one go, and a copy in the other place.
    # (In a process of its own too: the tests' compiles with fewer optimisations.)
    write('name = "whole"', long)
    subprocess.run([*command[:-1], "0"], cwd=ROOT, capture_output=True, check=True)

    def lines(name: str) -> list[Any]:
        found = folder.lines(home / "runs" / name / "metrics.jsonl")
        return [{k: v for k, v in line.items() if k not in TIMES} for line in found]

    assert len(lines("s0")) == 6
    assert lines("s0") == lines("whole")
    for name in ("s0", "s1"):
        copy = run.load(f"file://{shared}/{name}")
        for a, b in zip(
            folder.flatten(copy.params).values(), folder.flatten(run.load(name).params).values()
        ):
            assert np.array_equal(a, b)
