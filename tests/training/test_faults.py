"""What can end a training: each fault for real, and what it leaves behind."""

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from demetar.core import disk
from demetar.core.errors import InputError
from demetar.data.sets import nbody
from demetar.runs.config import Config
from demetar.training import checkpoint, fit, loop
from tests.support.small import DRIVER, EVERY_STEP, goes_on, metrics, status

pytestmark = pytest.mark.usefixtures("straight_bodies")


def fails(name: str, sentence: str, progress: Callable[[dict], None] | None = None) -> Path:
    """A training that ends with the sentence, and says so in its status."""
    with pytest.raises(InputError, match=sentence):
        fit.fit(Config(name=name, **EVERY_STEP), progress=progress)
    folder = disk.home() / "runs" / name
    assert status(folder)["state"] == "failed"
    assert status(folder)["message"].startswith("Expected")
    texts = (folder / "metrics.jsonl").read_text().splitlines()
    assert all(json.loads(text) for text in texts if text.strip()), "no line is torn"
    return folder


# ------------------------------------------------------------------------- killed


@pytest.mark.parametrize(
    "fault", ["at step 11", "while a checkpoint is written", "between metrics and checkpoint"]
)
def test_a_killed_run_resumes_to_the_same_numbers(fault: str, whole: Path, home: Path) -> None:
    command = [sys.executable, str(DRIVER), fault, json.dumps({"name": "killed", **EVERY_STEP})]
    assert subprocess.run(command, timeout=150, check=False).returncode == -signal.SIGKILL
    folder = home / "runs" / "killed"
    assert status(folder)["state"] == "running", "nobody was left to say otherwise"
    assert 0 < len(metrics(folder)) < 3
    goes_on(folder, whole)


# ------------------------------------------------------------------------- a full disk


@pytest.fixture
def limit() -> Iterator[Callable[[int], None]]:
    """Sets how large a file this process may write, as a full disk would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_no_room_for_a_checkpoint(whole: Path, home: Path, limit: Callable[[int], None]) -> None:
    soft = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    folder = fails("full", "room on the disk", lambda line: line["step"] == 11 and limit(4096))
    limit(soft)
    assert checkpoint.steps(folder) == [10, 11]
    assert not list(folder.glob("checkpoints/.*")), "nothing half is left"
    assert not (folder / ".reserve").exists()
    goes_on(folder, whole)


def test_no_room_for_a_line_of_metrics(
    whole: Path, home: Path, limit: Callable[[int], None]
) -> None:
    """The write that fits in part is taken back: lines are whole or not there."""
    soft = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    metrics = home / "runs" / "full" / "metrics.jsonl"

    def fill(line: dict[str, Any]) -> None:
        if line["step"] == 15:
            size = metrics.stat().st_size
            with metrics.open("ab") as file:  # as long a file as a checkpoint still fits into
                file.write(b" " * (60_000 - size) + b"\n")
            limit(60_000 + 10)

    folder = fails("full", "room on the disk", fill)
    limit(soft)
    assert metrics.stat().st_size == 60_001
    goes_on(folder, whole)


def test_a_reserve_lets_a_full_disk_take_the_last_word(home: Path) -> None:
    seen: list[bool] = []

    def look(line: dict[str, Any]) -> None:
        seen.append((home / "runs" / "short" / ".reserve").stat().st_size >= 4096)

    fit.fit(Config(name="short", **{**EVERY_STEP, "epochs": 1}), progress=look)
    assert all(seen)


# ------------------------------------------------------------------------- numbers and devices


def test_a_loss_that_is_no_number_leaves_the_last_good_state(
    whole: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = loop.make_step

    def poisoned(*given: Any) -> Any:
        step = usual(*given)

        def run(state: tuple, batches: Any, factor: Any) -> tuple:
            state, losses = step(state, batches, factor)
            return state, losses * (np.nan if int(state[0]) == 12 else 1)

        return run

    monkeypatch.setattr(loop, "make_step", poisoned)
    folder = fails("nan", "finite loss.*learning rate")
    assert checkpoint.steps(folder)[-1] == 11
    monkeypatch.undo()
    monkeypatch.setenv("DEMETAR_HOME", str(home))
    goes_on(folder, whole)


def test_parameters_that_are_no_numbers_are_not_kept(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loss before them was finite still."""
    usual = loop.make_step

    def poisoned(*given: Any) -> Any:
        step = usual(*given)

        def run(state: tuple, batches: Any, factor: Any) -> tuple:
            state, losses = step(state, batches, factor)
            spoilt = jax.tree.map(lambda x: x * np.float32(np.nan), state[1])
            return (state[0], spoilt, *state[2:]) if int(state[0]) == 5 else state, losses

        return run

    monkeypatch.setattr(loop, "make_step", poisoned)
    with pytest.raises(InputError, match="finite parameters"):
        fit.fit(Config(name="nan", **EVERY_STEP))
    assert checkpoint.steps(home / "runs" / "nan")[-1] == 4


@pytest.mark.parametrize(
    ("message", "sentence"),
    [("INTERNAL: CUDA error: device lost", "devices"), ("RESOURCE_EXHAUSTED: 3 GiB", "memory")],
)
def test_a_vanished_device(
    message: str, sentence: str, whole: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = loop.make_step

    def vanishing(*given: Any) -> Any:
        step = usual(*given)

        def run(state: tuple, batches: Any, factor: Any) -> tuple:
            if int(state[0]) == 9:
                raise jax.errors.JaxRuntimeError(message)
            return step(state, batches, factor)

        return run

    monkeypatch.setattr(loop, "make_step", vanishing)
    folder = fails("lost", f"{sentence}.*--resume")
    monkeypatch.undo()
    monkeypatch.setenv("DEMETAR_HOME", str(home))
    goes_on(folder, whole)


# ------------------------------------------------------------------------- data and folders


def test_a_damaged_data_file_is_a_sentence(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMETAR_DATA", str(home / "data"))
    (home / "data" / "qm9").mkdir(parents=True)
    (home / "data" / "qm9" / "qm9.npz").write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(InputError, match="qm9"):
        fit.fit(Config(dataset="qm9", target="homo", name="torn"))
    assert not (home / "runs" / "torn").exists(), "a refused start leaves nothing"


def test_numbers_that_are_none_in_the_data_are_a_sentence(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = nbody.systems

    def spoilt(*given: Any, **named: Any) -> Any:
        found = usual(*given, **named)
        found.positions[3, 1] = np.nan
        return found

    monkeypatch.setattr(nbody, "systems", spoilt)
    with pytest.raises(InputError, match="finite numbers as the train split of nbody"):
        fit.fit(Config(name="holes", **EVERY_STEP))


def test_a_damaged_checkpoint_falls_back_to_the_one_before(whole: Path, home: Path) -> None:
    def stop(line: dict[str, Any]) -> None:
        if line["step"] == 11:
            os.kill(os.getpid(), signal.SIGTERM)

    folder = fit.fit(Config(name="torn", **EVERY_STEP), progress=stop)
    newest = checkpoint.steps(folder)[-1]
    (folder / "checkpoints" / str(newest) / "state.npz").write_bytes(b"torn")
    goes_on(folder, whole)
