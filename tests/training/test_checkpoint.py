"""Checkpoints: whole or not there, the last but one kept, damaged ones passed over."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from demetar.core.disk import PROJECT
from demetar.core.errors import InputError
from demetar.core.remarks import heard
from demetar.training import checkpoint
from tests.support.damage import ARCHIVES, bomb


def state(value: float) -> dict[str, Any]:
    return {"a": np.full((3, 2), value, np.float32), "b": (np.int32(value), [np.float64(value)])}


def value(folder: Path) -> float | None:
    found = checkpoint.restore(folder, state(0))
    return None if found is None else float(found["b"][1][0])


def test_what_was_saved_comes_back_bit_by_bit(tmp_path: Path) -> None:
    tree = {"x": np.random.default_rng(0).normal(size=50).astype(np.float32), "n": np.int32(7)}
    checkpoint.save(tmp_path, 7, tree)
    found = checkpoint.restore(tmp_path, tree)
    assert (found["x"] == tree["x"]).all()
    assert found["x"].dtype == np.float32
    assert found["n"] == 7


def test_the_last_two_are_kept(tmp_path: Path) -> None:
    assert value(tmp_path) is None
    for step in (1, 5, 20, 100):
        checkpoint.save(tmp_path, step, state(step))
    assert checkpoint.steps(tmp_path) == [20, 100]
    assert value(tmp_path) == 100


@pytest.mark.parametrize("damage", ARCHIVES.values(), ids=ARCHIVES)
def test_a_damaged_one_costs_only_its_own_steps(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    for step in (1, 2):
        checkpoint.save(tmp_path, step, state(step))
    damage(tmp_path / "checkpoints" / "2" / "state.npz")
    with heard() as said:
        assert value(tmp_path) == 1
    assert "checkpoint of step 1: that of step 2 cannot be read" in said[0]
    checkpoint.save(tmp_path, 2, state(2))
    with heard() as said:
        assert value(tmp_path) == 2
    assert not said


def test_without_a_sound_one_nothing_begins_again_unasked(tmp_path: Path) -> None:
    for step in (1, 2):
        checkpoint.save(tmp_path, step, state(step))
        (tmp_path / "checkpoints" / str(step) / "state.npz").write_bytes(b"torn")
    with pytest.raises(InputError, match="damaged ones, .* of step 2, 1; restore one, or remove"):
        value(tmp_path)
    assert checkpoint.steps(tmp_path) == [1, 2]


def test_an_unreadable_one_goes_when_an_earlier_step_is_saved(tmp_path: Path) -> None:
    for step in (1, 9):
        checkpoint.save(tmp_path, step, state(step))
    checkpoint.save(tmp_path, 2, state(2))
    assert checkpoint.steps(tmp_path) == [1, 2]


@pytest.mark.parametrize("call", ["rename", "replace", "rmdir"])
def test_to_save_a_step_again_leaves_no_moment_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """Killed anywhere while the only checkpoint is saved once more, there is one to go on from."""
    checkpoint.save(tmp_path, 1, state(1))

    def die(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, call, die)
        patch.setattr(checkpoint.shutil, "rmtree", lambda *_, **__: None)
        try:
            checkpoint.save(tmp_path, 1, state(1))
        except KeyboardInterrupt:
            pass
    assert value(tmp_path) == 1
    checkpoint.tidy(tmp_path)
    assert [p.name for p in (tmp_path / "checkpoints").iterdir()] == ["1"]


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    """Reading it costs what the state would take, not the gigabyte that it promises."""
    for step in (1, 2):
        checkpoint.save(tmp_path, step, state(step))
    bomb(tmp_path / "checkpoints" / "2" / "state.npz")
    program = (
        "import resource, sys, pathlib; from tests.training.test_checkpoint import value\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = peak(); assert value(pathlib.Path(sys.argv[1])) == 1; print(peak() - before)"
    )
    command = [sys.executable, "-W", "ignore", "-c", program, str(tmp_path)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 300_000, "kB"


def test_a_half_written_one_is_none(tmp_path: Path) -> None:
    """Killed while it was written: the folder has no name yet."""
    checkpoint.save(tmp_path, 1, state(1))
    half = tmp_path / "checkpoints" / ".2"
    half.mkdir()
    (half / "state.npz").write_bytes(b"half")
    assert value(tmp_path) == 1
    checkpoint.save(tmp_path, 2, state(2))
    assert not half.exists()


def test_a_state_of_another_shape_is_not_taken(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, 1, state(1))
    other = state(1) | {"a": np.zeros((3, 3), np.float32)}
    with pytest.raises(InputError, match="another model's"):
        checkpoint.restore(tmp_path, other)


def test_a_disk_without_room_leaves_the_last_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint.save(tmp_path, 1, state(1))

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        checkpoint.save(tmp_path, 2, state(2))
    assert checkpoint.steps(tmp_path) == [1]
    assert not list((tmp_path / "checkpoints").glob(".*"))
