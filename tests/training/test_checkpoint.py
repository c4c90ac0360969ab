"""Checkpoints: whole or not there, the last but one kept, damaged ones passed over."""

import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from demetar.training import checkpoint


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


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 no more", None])
def test_a_damaged_one_costs_only_its_own_steps(tmp_path: Path, damage: bytes | None) -> None:
    for step in (1, 2):
        checkpoint.save(tmp_path, step, state(step))
    path = tmp_path / "checkpoints" / "2" / "state.npz"
    path.write_bytes(path.read_bytes()[:-200] if damage is None else damage)
    assert value(tmp_path) == 1
    checkpoint.save(tmp_path, 2, state(2))
    assert value(tmp_path) == 2


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
    assert checkpoint.restore(tmp_path, other) is None


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
