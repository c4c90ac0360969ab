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
            f"Expected two {kind} to be at least {smallest:g}{unit} apart, got {kind} {first + 1} and "
            f"{second + 1} at {distances.min():.3g}{unit}; move or remove one."
        )


def _atoms(frame: Frame, name: str) -> ase.Atoms:
    check_count(len(frame.species))
    positions = np.array(frame.positions, np.float64)
    if not (np.abs(positions) <= MAX_COORDINATE).all():
        raise InputError(
            f"Expected finite coordinates up to {MAX_COORDINATE:.0f} Å, got others; correct the file."
        )
    if min(frame.species) < 1 or max(frame.species) > 118:
        raise InputError("Expected elements of the periodic table only, got others; name them.")
    check_apart(positions, "atoms", SMALLEST_DISTANCE, " Å")
    pbc = frame.pbc if frame.cell is not None else False
    atoms = ase.Atoms(frame.species, positions, cell=frame.cell, pbc=pbc)
    atoms.info["name"] = name
    return atoms


def read_atoms(source: Source, name: str = "") -> list[ase.Atoms]:
    """The structures in a file: XYZ, extended XYZ, PDB, SDF, MOL or CIF, told apart by its ending.

    `source` is a path, or the file's bytes with its `name`. Positions in Å. Of a file's texts only
    a cleaned file name is kept (`atoms.info["name"]`). At most 10 MB, 500 atoms a structure and 200
    structures. Raises InputError, with a line number where there is one, for anything else.
    """
    data, name = contents(source, name, MAX_BYTES)
    structures = _some(data, name, MAX_FRAMES + 1)
    if len(structures) > MAX_FRAMES:
        raise InputError(
            f"Expected at most {MAX_FRAMES} structures, got more in {safe_name(name)!r}; cut it down."
        )
    return structures


def first_atoms(source: Source, name: str = "", count: int = 1) -> list[ase.Atoms]:
    """The first `count` structures of a file, or all where it has fewer; as `read_atoms` gives them.

    For one structure a file may go on for any length: not more than 10 MB of it is read.
    """
    data, name = contents(source, name, MAX_BYTES, cut=count == 1)
    return _some(data, name, count)


def _some(data: bytes, name: str, count: int) -> list[ase.Atoms]:
    ending = Path(name.lower()).suffix
    if ending not in PARSERS:
        raise InputError(
            f"Expected a structure file that ends in {', '.join(PARSERS)}, got "
            f"{re.sub(r'[^a-z0-9.]', '', ending)[:10]!r}; convert it or correct its name."
        )
    label = safe_name(name)
    frames = PARSERS[ending](text_lines(data, name))
    found = [_atoms(frame, label) for frame in islice(frames, count)]
    if not found:
        raise InputError(
            f"Expected a {ending[1:].upper()} file, got {label!r}: No atoms were found in it; "
            "check that its ending tells its format."
        )
    return found
