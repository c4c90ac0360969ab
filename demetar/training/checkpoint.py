"""The state of an interrupted training: one array file a step, replaced in one move.

`checkpoints/<step>/state.npz` holds the leaves of the state in order. A folder of that name is
complete: it is written beside, synchronised, and then renamed. The last but one is kept too, so a
damaged file costs the steps since then and not the run.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Any

import jax
import numpy as np

from demetar.core.errors import InputError
from demetar.data.readers.bounded import stored_arrays

KEPT = 2


def steps(folder: Path) -> list[int]:
    """The steps of the complete checkpoints of a run folder, ascending."""
    names = [p.name for p in (folder / "checkpoints").glob("[0-9]*")]
    return sorted(int(name) for name in names if re.fullmatch(r"[0-9]{1,18}", name))


def tidy(folder: Path) -> None:
    """Removes what a killed process left half written."""
    for part in (folder / "checkpoints").glob(".*"):
        shutil.rmtree(part, ignore_errors=True)


def save(folder: Path, step: int, state: Any) -> None:
    """Writes the state (a tree of arrays and numbers) as the checkpoint of that step.

    Raises OSError if the disk does not take it, or the run folder is gone; earlier checkpoints are
    then as they were.
    """
    root = folder / "checkpoints"
    part, whole = root / f".{step}", root / str(step)
    for stale in [part, *(root / str(s) for s in steps(folder) if s >= step)]:
        shutil.rmtree(stale, ignore_errors=True)  # half a one, or one that could not be read
    try:
        root.mkdir(exist_ok=True)
        part.mkdir()
        with (part / "state.npz").open("wb") as file:
            arrays = {f"{i:05d}": np.asarray(x) for i, x in enumerate(jax.tree.leaves(state))}
            np.savez(file, allow_pickle=False, **arrays)
            file.flush()
            os.fsync(file.fileno())
        os.rename(part, whole)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    for old in steps(folder)[:-KEPT]:
        shutil.rmtree(root / str(old), ignore_errors=True)


def restore(folder: Path, like: Any) -> Any | None:
    """The newest state that can be read, as a tree like `like`; None if there is none.

    Newer ones that cannot be read, or are of another model, are passed over. What a file would take
    is measured before it is unpacked.
    """
    structure, leaves = jax.tree.structure(like), [np.asarray(x) for x in jax.tree.leaves(like)]
    limit = 10**6 + 8 * sum(leaf.size for leaf in leaves)
    for step in reversed(steps(folder)):
        path = folder / "checkpoints" / str(step) / "state.npz"
        try:
            arrays = stored_arrays(path, path.name, None, limit, axes=8)
            found = [np.array(arrays[f"{i:05d}"]) for i in range(len(leaves))]
        except (OSError, InputError, KeyError):
            found = []
        if [(x.shape, x.dtype) for x in found] == [(x.shape, x.dtype) for x in leaves]:
            return jax.tree.unflatten(structure, found)
    return None
