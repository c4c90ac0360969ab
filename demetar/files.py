"""Structures and N-body scenes from files that anybody may have made: checked, or refused.

Whatever the bytes are, the functions here give a result or raise InputError with one sentence.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import ase
import numpy as np

from demetar.errors import InputError
from demetar.extxyz import parse_xyz
from demetar.formats import (
    MAX_COORDINATE,
    MAX_FRAMES,
    Frame,
    check_count,
    parse_cif,
    parse_pdb,
    parse_sdf,
)
from demetar.graph import Graph, from_arrays, from_atoms
from demetar.scenes import MAX_BODIES, Scene
from demetar.scenes import MAX_FRAMES as MAX_SCENE_FRAMES
from demetar.sources import Source, contents, npz_arrays, safe_name, text_lines

MAX_BYTES = 10_000_000
SMALLEST_DISTANCE = 0.05
PARSERS: dict[str, Callable[[Sequence[str]], Iterator[Frame]]] = {
    ".xyz": parse_xyz,
    ".extxyz": parse_xyz,
    ".pdb": parse_pdb,
    ".sdf": parse_sdf,
    ".mol": parse_sdf,
    ".cif": parse_cif,
}


def _check_apart(positions: np.ndarray, kind: str, smallest: float, unit: str) -> None:
    distances = np.linalg.norm(positions[:, None] - positions[None], axis=-1)
    np.fill_diagonal(distances, np.inf)
    if distances.min() < smallest:
        first, second = sorted(np.unravel_index(distances.argmin(), distances.shape))
        raise InputError(
            f"Two {kind} must be at least {smallest:g}{unit} apart, but {kind} {first + 1} and "
            f"{second + 1} are {distances.min():.3g}{unit} apart; move or remove one."
        )


def _atoms(frame: Frame, name: str) -> ase.Atoms:
    check_count(len(frame.species))
    positions = np.array(frame.positions, np.float64)
    if not (np.abs(positions) <= MAX_COORDINATE).all():
        raise InputError(
            f"Coordinates must be finite and at most {MAX_COORDINATE:.0f} Å, but some are not; "
            "correct the file."
        )
    if min(frame.species) < 1 or max(frame.species) > 118:
        raise InputError("Every atom must be an element of the periodic table; name the others.")
    _check_apart(positions, "atoms", SMALLEST_DISTANCE, " Å")
    periodic = frame.cell is not None
    atoms = ase.Atoms(frame.species, positions, cell=frame.cell, pbc=periodic)
    atoms.info["name"] = name
    return atoms


def read_atoms(source: Source, name: str = "") -> list[ase.Atoms]:
    """The structures in a file: XYZ, extended XYZ, PDB, SDF, MOL or CIF, told apart by its ending.

    `source` is a path, or the file's bytes with its `name`. Positions in Å. Of a file's texts only
    a cleaned file name is kept (`atoms.info["name"]`). At most 10 MB, 500 atoms a structure and 200
    structures. Raises InputError, with a line number where there is one, for anything else.
    """
    data, name = contents(source, name, MAX_BYTES)
    ending = Path(name.lower()).suffix
    if ending not in PARSERS:
        raise InputError(
            f"A structure file must end in {', '.join(PARSERS)}, not "
            f"{re.sub(r'[^a-z0-9.]', '', ending)[:10]!r}; convert it or correct its name."
        )
    frames = PARSERS[ending](text_lines(data, name))
    label = safe_name(name)
    structures = [_atoms(frame, label) for frame in islice(frames, MAX_FRAMES + 1)]
    if not structures:
        raise InputError(
            f"No atoms were found in {label!r}, which must be a {ending[1:].upper()} file; "
            "check that its ending tells its format."
        )
    if len(structures) > MAX_FRAMES:
        raise InputError(
            f"A file may have at most {MAX_FRAMES} structures, but {label!r} has more; cut it down."
        )
    return structures


_SCENE_KEYS = ("positions", "velocities", "charges", "masses")


def _fitted(arrays: dict[str, np.ndarray], key: str, shape: tuple[int, ...], default: float):
    values = arrays.get(key, np.full(shape, default))
    if values.shape != shape:
        raise InputError(
            f"The array {key!r} must have the shape {list(shape)} that fits the positions, "
            f"not {list(values.shape)}; correct it."
        )
    if not (np.abs(values) <= MAX_COORDINATE).all():
        raise InputError(
            f"The array {key!r} must hold finite numbers up to {MAX_COORDINATE:.0f}, but some are "
            "not; correct them."
        )
    return values


def read_scene(source: Source, name: str = "") -> Scene:
    """The N-body scene in an NPZ file, in scene units.

    Keys: positions [n 3] or [frames n 3]; velocities of the same shape (missing: at rest), charges
    [n] (missing: 0), masses [n] (missing: 1). Other keys are not read. At most 10 MB, 50 bodies and
    2,000 frames; times number the frames. Raises InputError for anything else.
    """
    data, name = contents(source, name, MAX_BYTES)
    arrays = npz_arrays(data, name, _SCENE_KEYS, 4 * MAX_BYTES)
    positions = arrays.get("positions")
    if positions is None:
        raise InputError(
            f"A scene needs the array 'positions' [n 3], which {safe_name(name)!r} lacks; add it."
        )
    if positions.ndim not in (2, 3) or positions.shape[-1] != 3 or 0 in positions.shape:
        raise InputError(
            "The array 'positions' must have the shape [n 3] or [frames n 3], not "
            f"{list(positions.shape)}; correct it."
        )
    shape, n = positions.shape, positions.shape[-2]
    if n > MAX_BODIES or positions.size // (3 * n) > MAX_SCENE_FRAMES:
        raise InputError(
            f"A scene may have at most {MAX_BODIES} bodies and {MAX_SCENE_FRAMES} frames, not "
            f"positions of shape {list(shape)}; cut it down."
        )
    positions = _fitted(arrays, "positions", shape, 0.0).reshape(-1, n, 3)
    velocities = _fitted(arrays, "velocities", shape, 0.0).reshape(-1, n, 3)
    charges, masses = (_fitted(arrays, k, (n,), d) for k, d in (("charges", 0.0), ("masses", 1.0)))
    if (masses <= 0).any():
        raise InputError(
            "The array 'masses' must hold numbers above 0, but some are not; correct them."
        )
    _check_apart(positions[0], "bodies", 1e-6, "")
    return Scene(
        positions, velocities, charges, masses, np.arange(len(positions), dtype=np.float64)
    )


def read(source: Source, name: str = "", cutoff: float | str | None = None) -> Graph:
    """The first system in a file as a graph: a molecule, or an N-body scene from an NPZ file.

    `source` is a path, or the file's bytes with its `name`; all pairs are joined unless `cutoff`
    (Å, or "bonds") says otherwise. Raises InputError as `read_atoms` and `read_scene` do.
    """
    if str(name or source).lower().endswith(".npz"):
        scene = read_scene(source, name)
        return from_arrays(
            scene.positions[0],
            velocities=scene.velocities[0],
            charges=scene.charges,
            masses=scene.masses,
            cutoff=cutoff,
        )
    return from_atoms(read_atoms(source, name)[0], cutoff)
