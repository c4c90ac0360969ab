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
from demetar.core.remarks import remark
from demetar.data.readers.bounded import stored_arrays

KEPT, FILE = 2, "state.npz"


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
    shutil.rmtree(part, ignore_errors=True)
    try:
        root.mkdir(exist_ok=True)
        part.mkdir()
        with (part / FILE).open("wb") as file:
            arrays = {f"{i:05d}": np.asarray(x) for i, x in enumerate(jax.tree.leaves(state))}
            np.savez(file, allow_pickle=False, **arrays)
            file.flush()
            os.fsync(file.fileno())
        if whole.is_dir():  # at no time is there none of that step
            os.replace(part / FILE, whole / FILE)
            part.rmdir()
        else:
            os.rename(part, whole)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    found = steps(folder)
    later = [s for s in found if s > step]  # these could not be read
    for old in (*later, *[s for s in found if s <= step][:-KEPT]):
        shutil.rmtree(root / str(old), ignore_errors=True)


def restore(folder: Path, like: Any) -> Any | None:
    """The newest state that can be read, as a tree like `like`; None where none was ever written.

    Newer ones that cannot be read, or are of another model, are passed over with a remark. What a
    file would take is measured before it is unpacked. Raises InputError where none can be read:
    to begin again unasked would throw the run's work away.
    """
    structure, leaves = jax.tree.structure(like), [np.asarray(x) for x in jax.tree.leaves(like)]
    limit = 10**6 + 8 * sum(leaf.size for leaf in leaves)
    passed: list[str] = []
    for step in reversed(steps(folder)):
        path = folder / "checkpoints" / str(step) / FILE
        try:
            arrays = stored_arrays(path, path.name, None, limit, axes=8)
            found = [np.array(arrays[f"{i:05d}"]) for i in range(len(leaves))]
        except (OSError, InputError, KeyError):
            found = []
        if [(x.shape, x.dtype) for x in found] == [(x.shape, x.dtype) for x in leaves]:
            if passed:
                remark(
                    f"The run {folder.name} goes on from its checkpoint of step {step}: that of step "
                    f"{', '.join(passed)} cannot be read."
                )
            return jax.tree.unflatten(structure, found)
        passed.append(str(step))
    if passed:
        raise InputError(
            f"Expected a checkpoint of the run {folder.name} that can be read, got damaged ones, or "
            f"another model's, of step {', '.join(passed)}; restore one, or remove "
            f"{folder / 'checkpoints'} to begin the run again at its first step."
        )
    return None
