"""Atoms of the Protein Data Bank's format (wwPDB, "Atomic Coordinate Entry Format", version 3.3)."""

import math
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from demetar.core.errors import InputError
from demetar.core.remarks import remark
from demetar.data.readers.lines import (
    Frame,
    check_count,
    coordinate,
    element,
    fail,
    shown,
    two_readings,
    value_of,
)

# Amino acids, nucleotides and water: their atoms' names begin with the element (CA is a carbon).
_BIOLOGICAL = frozenset(
    "ALA ARG ASN ASP CYS GLN GLU GLY HIS ILE LEU LYS MET PHE PRO SER THR TRP TYR VAL ASX GLX SEC PYL "
    "HID HIE HIP HSD HSE HSP CYX CYM ASH GLH LYN ACE NME NH2 A C G U I DA DC DG DT DU DI "
    "HOH WAT H2O DOD TIP TIP3 TIP4 SOL".split()
)
_BREAKS = ("MODEL", "ENDMDL", "END", "CRYST1", "HEADER")  # a model ends where the next one begins


class _Atom(NamedTuple):
    species: int
    position: list[float]
    name: str
    residue: tuple[str, str]  # chain with number and insertion code, and its name
    alternate: str
    occupancy: float


def _pdb_element(line: str, number: int) -> int:
    """The element by columns 77-78, else by the columns of the atom's name.

    Before version 2 there is no element column, and programs still leave it out: the symbol is then
    right-aligned in columns 13-14, but a hydrogen's name of four letters begins in column 13.
    """
    symbol = line[76:78].strip()
    if symbol.isalpha():
        return element(symbol, number)
    name, residue = line[12:16], line[17:21].strip().upper()
    letters = re.sub(r"[^A-Z]", "", name.upper())
    two, one = name[:2].strip().upper(), letters[:1]
    if len(two) == 2 and two.isalpha() and _known(two):
        if not _known(one) or residue.startswith(two) or (residue, two) == ("MSE", "SE"):
            return element(two, number)
        full = len(name.strip()) == 4 and one in "HD"
        if residue not in _BIOLOGICAL and not full and two_readings(two):
            said = (
                f"none there and the name {shown(name)}, which may be {two.capitalize()} or {one}"
            )
            raise fail(number, "an element in columns 77-78", said)
        if residue not in _BIOLOGICAL and not full:
            return element(two, number)
    return element(one or name.strip(), number)


def _known(symbol: str) -> bool:
    try:
        return element(symbol, 0) > 0
    except InputError:
        return False


def _atom(line: str, number: int) -> _Atom:
    position = [coordinate(span, number) for span in (line[30:38], line[38:46], line[46:54])]
    occupancy = line[54:60].strip()
    return _Atom(
        _pdb_element(line, number),
        position,
        line[12:16].strip(),
        (line[21:27], line[17:21].strip()),
        line[16:17].strip(),
        value_of(occupancy, number, "occupancy", 1e3) if occupancy else 1.0,
    )


def _of_one_conformer(atoms: list[_Atom]) -> list[_Atom]:
    """The atoms without alternates: of each residue the most occupied location, or the first.

    An atom that the residue's location lacks stands at its own most occupied one.
    """
    alternates: dict[str, dict[str, list[_Atom]]] = {}
    for atom in atoms:
        if atom.alternate:
            alternates.setdefault(atom.residue[0], {}).setdefault(atom.alternate, []).append(atom)
    if not alternates:
        return atoms
    chosen = {
        place: max(found, key=lambda a: sum(x.occupancy for x in found[a]) / len(found[a]))
        for place, found in alternates.items()
    }
    taken: dict[tuple[str, str], _Atom] = {}
    for place, found in alternates.items():
        first = found.pop(chosen[place])
        others = sorted((x for group in found.values() for x in group), key=lambda x: -x.occupancy)
        for atom in [*first, *others]:
            if atom.residue[1] == first[0].residue[1]:  # else another residue at the same place
                taken.setdefault((place, atom.name), atom)
    kept = {id(atom) for atom in taken.values()}
    left = [a for a in atoms if not a.alternate or id(a) in kept]
    if len(left) < len(atoms):
        remark(
            "Of alternate locations the most occupied ones are taken, or the first; "
            f"left out at others: {len(atoms) - len(left)}."
        )
    return left


def _pdb_cell(line: str, number: int) -> np.ndarray | None:
    spans = ((6, 15), (15, 24), (24, 33), (33, 40), (40, 47), (47, 54))
    a, b, c, alpha, beta, gamma = (coordinate(line[i:j], number) for i, j in spans)
    if (a, b, c) in ((1, 1, 1), (0, 0, 0)):  # what programs write where there is no crystal
        return None
    return cell_matrix((a, b, c), (alpha, beta, gamma), number)


def cell_matrix(
    lengths: tuple[float, float, float], angles: tuple[float, float, float], number: int
) -> np.ndarray:
    """The rows of a cell from lengths (Å) and angles (degrees): a along x, b in the xy plane."""
    ca, cb, cg = (math.cos(math.radians(angle)) for angle in angles)
    sg = math.sin(math.radians(angles[2]))
    height = 1 - ca * ca - cb * cb - cg * cg + 2 * ca * cb * cg
    if min(lengths) <= 0 or abs(sg) < 1e-6 or height <= 1e-9:
        raise fail(number, "a cell with a volume", "one without")
    a, b, c = lengths
    third = [cb, (ca - cb * cg) / sg, math.sqrt(height) / sg]
    return np.array([[a, 0, 0], [b * cg, b * sg, 0], [c * x for x in third]])


def parse_pdb(lines: Sequence[str]) -> Iterator[Frame]:
    """Frames (models) of a PDB file: ATOM and HETATM lines, of alternate locations one."""
    atoms: list[_Atom] = []
    cell = None
    for number, line in enumerate(lines, 1):
        record = line[:6].rstrip()
        if record in ("ATOM", "HETATM"):
            check_count(len(atoms) + 1)
            atoms.append(_atom(line, number))
        elif record in _BREAKS and atoms:
            yield _frame(atoms, cell)
            atoms = []
        if record == "CRYST1":
            cell = _pdb_cell(line, number)
    if atoms:
        yield _frame(atoms, cell)


def _frame(atoms: list[_Atom], cell: np.ndarray | None) -> Frame:
    atoms = _of_one_conformer(atoms)
    return Frame([a.species for a in atoms], [a.position for a in atoms], cell)
