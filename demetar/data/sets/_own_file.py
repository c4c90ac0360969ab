"""Own labelled files, read once while they are unchanged: which label is meant, single atoms apart."""

import dataclasses
import functools
import os
from pathlib import Path

import numpy as np
from ase.data import chemical_symbols

from demetar.core.disk import data_root
from demetar.core.errors import InputError
from demetar.core.remarks import remark
from demetar.data.readers.labelled import Labelled, read_bodies, read_labelled
from demetar.data.sets import _frames

TARGETS = ("energy", "value", "dipole", "positions")
# The usual keys of extended XYZ and SDF tables, and of NPZ archives (one of them).
_KEYS = {
    "energy": (("energy",), ("E", "energies", "energy")),
    "dipole": (("dipole",), ("D", "dipoles", "dipole")),
}
Free = tuple[tuple[int, float], ...]  # single atoms: atomic number and label


def place_of(path: str) -> Path:
    """The path as it is given, or in the data folder where it is not found from here."""
    return Path(path) if os.path.exists(path) else data_root() / path


def read(
    path: str,
    target: str = "energy",
    labels: str = "",
    column: str = "",
    forces: str = "",
) -> Labelled:
    """What the file holds for a target, in its own units; a file is read once while it is unchanged.

    Remarks say what looks like a label and is left out. Raises InputError for everything that
    `demetar.data.readers.labelled` refuses, and for an option that the file or target does not have.
    """
    data, _ = parts(path, target, labels, column, forces)
    for text in data.remarks:
        remark(text)
    return data


def parts(path: str, target: str, labels: str, column: str, forces: str) -> tuple[Labelled, Free]:
    """As `read`, without its remarks, and the single atoms among the systems."""
    _frames.require("target", target, TARGETS, "a file")
    if not path:
        raise InputError("Expected the path of the file, got none; give path=….")
    if forces and target != "energy":
        raise InputError(
            f"Expected forces=… beside the target energy only, got it beside {target}; leave it out."
        )
    if (labels or column) and target == "positions":
        raise InputError(
            "Expected no labels=… and column=… beside the target positions, got one; leave it out."
        )
    places = [place_of(name) for name in (path, labels) if name]
    return _read(target, column, forces, *((place, _stamp(place)) for place in places))


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a file name"
        raise InputError(
            f"Expected a file at {str(path)!r}, got '{reason}'; check the path."
        ) from None
    return found.st_mtime_ns, found.st_size


Stamped = tuple[Path, tuple[int, int]]


@functools.lru_cache(maxsize=2)
def _read(
    target: str, column: str, forces: str, file: Stamped, table: Stamped | None = None
) -> tuple[Labelled, Free]:
    path = file[0]
    if target == "positions":
        return read_bodies(path), ()
    usual = _KEYS.get(target, ((), ()))[path.suffix.lower() == ".npz"]
    keys = (column,) if column else usual
    if not keys:
        raise InputError(
            "Expected column=… to say which value of the file is meant, got none; give it."
        )
    wanted = forces if target == "energy" else None
    width = 3 if target == "dipole" else 1
    data = read_labelled(path, "", keys, width, wanted, table and table[0])
    return _without_single_atoms(data) if target == "energy" else (data, ())


def _without_single_atoms(data: Labelled) -> tuple[Labelled, Free]:
    """The molecules alone, with a remark on single atoms among them, and these atoms.

    Files for training list free atoms beside their frames. Their energies are references: as
    systems to learn they would shift the mean by keV.
    """
    single = data.sizes == 1
    if data.species is None or single.all() or not single.any():
        return data, ()
    rows = np.repeat(single, data.sizes)
    numbers = data.species[rows]
    at = ", ".join(str(i + 1) for i in np.flatnonzero(single)[:8])
    named = ", ".join(dict.fromkeys(chemical_symbols[z] for z in numbers[:8]))
    more = ", …" if len(numbers) > 8 else ""
    text = (
        f"Of {len(data)} systems {len(numbers)} are single atoms ({named}: systems {at}{more}) and no "
        "systems to train on; with references=free their energies are those of free atoms."
    )
    kept = dataclasses.replace(
        data,
        sizes=data.sizes[~single],
        positions=data.positions[~rows],
        label=data.label[~single],
        species=data.species[~rows],
        remarks=(*data.remarks, text),
        forces=None if data.forces is None else data.forces[~rows],
    )
    return kept, tuple(zip(numbers.tolist(), data.label[single, 0].tolist(), strict=True))
