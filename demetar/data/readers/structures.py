"""Structures and N-body scenes from files that anybody may have made: checked, or refused.

Whatever the bytes are, the functions here give a result or raise InputError with one sentence.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import ase
import numpy as np

from demetar.core.errors import InputError
from demetar.data.readers.bounded import Source, contents, safe_name, text_lines
from demetar.data.readers.cif import parse_cif
from demetar.data.readers.lines import MAX_COORDINATE, MAX_FRAMES, Frame, check_count
from demetar.data.readers.pdb import parse_pdb
from demetar.data.readers.sdf import parse_sdf
from demetar.data.readers.xyz import parse_xyz

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


def check_apart(positions: np.ndarray, kind: str, smallest: float, unit: str) -> None:
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
    check_apart(positions, "atoms", SMALLEST_DISTANCE, " Å")
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
