"""Damaged run folders: each is named, and what is sound goes on; kills at any moment."""

import json
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from demetar.core.errors import InputError
from demetar.core.remarks import heard
from demetar.runs import folder as runs_folder
from demetar.runs import run
from demetar.runs.config import Config
from demetar.runs.folder import flatten
from demetar.training import checkpoint, fit
from tests.support.small import (
    DRIVER,
    EVERY_STEP,
    goes_on,
    metrics,
    status,
    stopped,
)

pytestmark = pytest.mark.usefixtures("straight_bodies")


@pytest.mark.parametrize(
    "bad", ["5", "[]", "{", "null", '{"step": "x"}', "[" * 100_000, '{"step": 1}']
)
def test_a_line_of_metrics_that_makes_no_sense_is_named(home: Path, bad: str) -> None:
    folder = stopped(home, "mine")
    with (folder / "metrics.jsonl").open("a") as file:
        file.write(bad + "\n")
    number = len((folder / "metrics.jsonl").read_text().splitlines())
    with pytest.raises(InputError, match=f"line {number} of .*metrics.jsonl"):
        fit.fit(Config(name="mine"), resume=True)


@pytest.mark.parametrize(
    "bad", ["", "{", "5", '{"model": "egnn"', "[" * 100_000, '{"model": 5}', "\x00", None]
)
def test_damaged_settings_are_a_sentence(home: Path, bad: str | None) -> None:
    folder = stopped(home, "mine")
    path = folder / "config.json"
    if bad is None:
        stored = json.loads(path.read_text()) | {"epochs": "ten"}
        bad = json.dumps(stored)
    path.write_text(bad)
    with pytest.raises(InputError, match="Expected .*, got .*; "):
        fit.fit(Config(name="mine"), resume=True)
    assert path.read_text() == bad


def test_a_damaged_status_does_not_keep_a_run_from_going_on(home: Path, whole: Path) -> None:
    folder = stopped(home, "mine")
    (folder / "status.json").write_text("[" * 100_000)
    assert "status" in runs_folder.fault(folder)
    goes_on(folder, whole)
    assert not runs_folder.fault(folder)


def test_a_resume_without_a_sound_checkpoint_throws_nothing_away(home: Path, whole: Path) -> None:
    folder = stopped(home, "mine")
    done = (folder / "metrics.jsonl").read_bytes()
    for step in checkpoint.steps(folder):
        (folder / "checkpoints" / str(step) / "state.npz").write_bytes(b"torn")
    with pytest.raises(InputError, match="checkpoint of the run mine that can be read"):
        fit.fit(Config(name="mine"), resume=True)
    assert (folder / "metrics.jsonl").read_bytes() == done
    assert "remove" in status(folder)["message"]
    shutil.rmtree(folder / "checkpoints")  # as it says
    with heard() as said:
        goes_on(folder, whole)
    assert any("begins again at its first step" in text for text in said)


def test_kills_at_any_moment_resume_to_the_same_numbers(home: Path, whole: Path) -> None:
    """SIGKILL after times drawn at random, again and again until the run has come to its end."""
    settings = {"name": "killed", **EVERY_STEP}
    draw, kills = random.Random(0), 0
    folder = home / "runs" / "killed"
    while runs_folder.state(folder) != "finished":
        given = json.dumps(
            settings | ({"resume": True} if (folder / "config.json").exists() else {})
        )
        child = subprocess.Popen([sys.executable, str(DRIVER), "none", given])
        begun = time.monotonic()
        while child.poll() is None and kills < 5:
            there = max(checkpoint.steps(folder), default=-1)
            if there >= 3 * kills and time.monotonic() - begun > 1:
                time.sleep(draw.uniform(0, 0.3))
                child.kill()
                kills += 1
        assert child.wait(150) in (0, -signal.SIGKILL)
    assert kills >= 3
    assert metrics(folder) == metrics(whole)
    mine, theirs = (flatten(run.load(f).params) for f in (folder, whole))
    assert all((mine[k] == theirs[k]).all() for k in theirs)
