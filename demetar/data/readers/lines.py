"""Plain parsers of structure files: text lines in, frames out; every error names its line.

Files come from strangers. So each parser counts atoms while it reads and stops at the limits, reads
only species, coordinates and cell, evaluates nothing, and keeps no free text. XYZ, PDB and SDF are
not read by ASE, whose readers trust the sizes that a file declares (an extended-XYZ comment can ask
for a billion columns) and name no lines. CIF needs space groups, so ASE expands it, after the counts
and lengths that decide its cost have been checked here.
"""

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from ase.data import atomic_numbers

from demetar.core.errors import InputError

MAX_ATOMS = 500
MAX_FRAMES = 200
MAX_COORDINATE = 1e5
_PERIODIC_TABLE = {name.upper(): z for name, z in atomic_numbers.items() if z > 0}
_PERIODIC_TABLE |= {"D": 1, "T": 1} | {str(z): z for z in range(1, 119)}
_NUMBERED = re.compile(
    r"([A-Za-z]{1,2})(_[A-Za-z0-9]{0,8}|[0-9]{1,4})?([0-9]?[+-]{1,4}|[+-][0-9])?"
)
_EXPONENT = re.compile(r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))(?:[dD]|\*\^)([+-]?[0-9]{1,9})")


class Frame(NamedTuple):
    """One structure: atomic numbers [n], positions [n, 3] in Å, and a cell [3, 3] in Å or None."""

    species: list[int]
    positions: list[list[float]]
    cell: np.ndarray | None = None
    pbc: tuple[bool, bool, bool] = (True, True, True)  # along which vectors of the cell it repeats


def shown(text: str) -> str:
    """A short, quoted, printable form of what a file says, for a message."""
    return ascii(text if len(text) <= 20 else text[:20] + "...")


def fail(number: int, expected: str, came: str) -> InputError:
    """The error about that line of a file."""
    return InputError(f"Expected {expected} in line {number}, got {came}; correct it.")


def line_at(lines: Sequence[str], index: int, expected: str) -> str:
    """The line itself; InputError when the file ends before it."""
    if index >= len(lines):
        raise InputError(
            f"Expected the file to go on with {expected}, got its end after line "
            f"{len(lines)}; give the whole file."
        )
    return lines[index]


def element(symbol: str, number: int) -> int:
    """The atomic number for a symbol on that line; D and T are hydrogen.

    The symbol may be numbered, named or charged (O1, C_3, Na+, Fe3+), or an atomic number. Raises
    InputError for all others, and where capitals leave two readings (HG11: mercury, or the gamma
    hydrogen of a protein).
    """
    z = _PERIODIC_TABLE.get(symbol.strip().upper())
    if z is not None:
        return z
    symbol = symbol.strip()
    parts = _NUMBERED.fullmatch(symbol)
    letters = parts[1] if parts else ""
    z = _PERIODIC_TABLE.get(letters.upper())
    if parts is None or z is None:
        raise fail(number, "an element of the periodic table", shown(symbol))
    if parts[2] and two_readings(letters):
        one, two = letters[0], letters.capitalize()
        raise fail(number, f"{two} or {one} as an element", f"{shown(symbol)}, which may be either")
    return z


def two_readings(letters: str) -> bool:
    """Whether two capitals can be an element, or one of a protein's atoms with its place (CA, HG)."""
    if not re.fullmatch("[HCNOSP][A-Z]", letters) or letters not in _PERIODIC_TABLE:
        return False
    return letters[0] == "H" or letters[1] in "ABGDEZHX"


def value_of(text: str, number: int, what: str, limit: float) -> float:
    """The number that a text on that line says; InputError unless it is finite and within limits.

    Exponents may be written as in Fortran (1.0D-3) and in Mathematica (1.0*^-3).
    """
    try:
        value = float(text) if "_" not in text else math.nan
    except ValueError:
        other = _EXPONENT.fullmatch(text.strip())
        if other is None:
            raise fail(number, f"a number as {what}", shown(text)) from None
        value = float(f"{other[1]}e{other[2]}")
    if not abs(value) <= limit:
        raise fail(number, f"finite numbers up to {limit:g} as {what}", shown(text))
    return value


def coordinate(text: str, number: int) -> float:
    """The coordinate that a text on that line says."""
    return value_of(text, number, "coordinates", MAX_COORDINATE)


def atom_count(text: str, number: int) -> int:
    """The number of atoms that a text on that line says."""
    if not re.fullmatch(r"\s*\d{1,9}\s*", text):
        raise fail(number, "the number of atoms", shown(text.strip()))
    return check_count(int(text))


def check_count(count: int) -> int:
    """The number of atoms itself; InputError when it is 0 or beyond the limit."""
    if count == 0:
        raise InputError("Expected at least one atom in a structure, got 0; add atoms.")
    if count > MAX_ATOMS:
        raise InputError(
            f"Expected at most {MAX_ATOMS} atoms in a structure, got {count} or more; cut it down."
        )
    return count
