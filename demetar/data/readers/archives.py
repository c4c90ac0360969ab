"""Labelled systems in NPZ archives: molecules, and bodies with their later positions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from demetar.core.errors import InputError
from demetar.data.readers.bounded import npz_arrays, npz_names
from demetar.data.readers.comments import MAX_LABEL
from demetar.data.readers.labels import absent, left_out, listed, looks_like_label
from demetar.data.readers.lines import MAX_ATOMS, MAX_COORDINATE, shown

MAX_UNPACKED = 256_000_000  # bytes of float64, all arrays of a file together
MAX_SYSTEMS = 150_000
# Names by which published archives go: sGDML's first, then rMD17's and others'.
GEOMETRY = ("R", "coords", "coordinates", "positions")
ELEMENTS = ("z", "nuclear_charges", "atomic_numbers", "numbers", "species")
FORCES = ("F", "forces")


def one_of(names: Sequence[str], there: Sequence[str], what: str) -> str:
    """Which of the names is there; InputError where none is, or several are."""
    found = [name for name in names if name in there]
    if len(found) != 1:
        came = f"both {listed(found)}" if found else f"the arrays {listed(there) or '(none)'}"
        raise InputError(
            f"Expected {what} as one of the arrays {listed(names)}, got {came}; "
            f"{'keep one' if found else 'add it or name it so'}."
        )
    return found[0]


def shaped(arrays: dict[str, np.ndarray], key: str, *shapes: tuple[int, ...]) -> np.ndarray:
    """That array in the first of the shapes, of finite numbers within the limits."""
    values = arrays[key]
    if values.shape not in shapes:
        wanted = " or ".join(str(list(shape)) for shape in shapes)
        raise InputError(
            f"Expected the array {shown(key)} in the shape {wanted}, got {list(values.shape)}; "
            "correct it."
        )
    if not (np.abs(values) <= MAX_LABEL).all():
        at = np.argwhere(~(np.abs(values) <= MAX_LABEL))[0].tolist()
        raise InputError(
            f"Expected finite numbers in the array {shown(key)}, got {values[tuple(at)]} at {at}; "
            "correct it."
        )
    return values


def geometry(arrays: dict[str, np.ndarray], key: str) -> tuple[np.ndarray, int, int]:
    """The places [systems, n, 3] in an array, and how many systems of how many rows these are."""
    x = arrays[key]
    if x.ndim != 3 or x.shape[2] != 3 or 0 in x.shape:
        raise InputError(
            f"Expected the array {shown(key)} in the shape [systems, n, 3], got {list(x.shape)}; "
            "correct it."
        )
    count, n = x.shape[:2]
    if count > MAX_SYSTEMS or n > MAX_ATOMS:
        raise InputError(
            f"Expected at most {MAX_SYSTEMS} systems of {MAX_ATOMS} atoms, got {count} of {n}; cut "
            "the file down."
        )
    return shaped(arrays, key, x.shape), count, n


def read_molecules(
    data: bytes, name: str, keys: Sequence[str], width: int, forces: str | None
) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """species and positions, forces (or not) [S, n, …], label [S, width], and remarks.

    Raises InputError for what is not there, with the arrays that are, and for what does not fit.
    """
    there = npz_names(data, name)
    at = one_of(GEOMETRY, there, "the positions [systems, n, 3]")
    elements = one_of(ELEMENTS, there, "the elements [n]")
    key = one_of(keys, there, "the label")
    if forces and forces not in there:
        raise absent("forces", forces, "arrays", there)
    usual = [f for f in FORCES if f in there] if forces == "" else []
    force = forces or (one_of(FORCES, there, "the forces") if usual else None)
    wanted = [k for k in (at, elements, key, force) if k]
    arrays = npz_arrays(data, name, wanted, MAX_UNPACKED)
    x, count, n = geometry(arrays, at)
    z = np.broadcast_to(shaped(arrays, elements, (n,), (count, n)), (count, n))
    if (z != np.round(z)).any() or z.min() < 1 or z.max() > 118:
        raise InputError(
            f"Expected atomic numbers from 1 to 118 in the array '{elements}', got others; correct it."
        )
    label_shapes = ((count,), (count, 1)) if width == 1 else ((count, width),)
    found = {"positions": x, "species": z, "label": shaped(arrays, key, *label_shapes)}
    if force is not None:
        found["forces"] = shaped(arrays, force, x.shape)
    rest = [k for k in there if looks_like_label(k) and k not in wanted]
    return found, left_out([k for k in (key, force) if k], rest)


def read_scenes(data: bytes, name: str) -> dict[str, np.ndarray]:
    """positions, target_positions, velocities [S, n, 3], charges and masses [S, n] of bodies."""
    keys = ("positions", "target_positions", "velocities", "charges", "masses")
    there = npz_names(data, name)
    for key in keys[:2]:
        one_of((key,), there, f"the {key.replace('_', ' ')} of bodies")
    arrays = npz_arrays(data, name, keys, MAX_UNPACKED)
    x, count, n = geometry(arrays, "positions")
    usual = {"velocities": np.zeros(x.shape), "charges": np.zeros(n), "masses": np.ones(n)}
    arrays = usual | arrays
    found = {key: shaped(arrays, key, x.shape) for key in keys[:3]}
    for key in keys[3:]:
        found[key] = np.broadcast_to(shaped(arrays, key, (n,), (count, n)), (count, n))
    if found["masses"].min() <= 0:
        raise InputError("Expected numbers above 0 in the array 'masses', got others; correct it.")
    if np.abs(x).max() > MAX_COORDINATE:
        raise InputError(
            f"Expected coordinates up to {MAX_COORDINATE:.0f}, got more; correct them."
        )
    return found
