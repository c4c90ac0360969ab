"""Plain parsers of structure files: text lines in, frames out; every error names its line.

Files come from strangers. So each parser counts atoms while it reads and stops at the limits, reads
only species, coordinates and cell, evaluates nothing, and keeps no free text. XYZ (in
`demetar.extxyz`), PDB and SDF are not read by ASE, whose readers trust the sizes that a file declares
(an extended-XYZ comment can ask for a billion columns) and name no lines. CIF needs space groups, so
ASE expands it, after the counts and lengths that decide its cost have been checked here.
"""

import io
import math
import re
import warnings
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np
from ase.data import atomic_numbers
from ase.io.cif import CIFBlock, parse_cif_ase

from demetar.errors import InputError

MAX_ATOMS = 500
MAX_FRAMES = 200
MAX_COORDINATE = 1e5
_CIF_LENGTH, _CIF_LINE_LENGTH, _CIF_SITE_IMAGES = 2_000_000, 2_048, 20_000
_PERIODIC_TABLE = {name.upper(): z for name, z in atomic_numbers.items() if z > 0}
_PERIODIC_TABLE |= {"D": 1, "T": 1} | {str(z): z for z in range(1, 119)}


class Frame(NamedTuple):
    """One structure: atomic numbers [n], positions [n, 3] in Å, and a cell [3, 3] in Å or None."""

    species: list[int]
    positions: list[list[float]]
    cell: np.ndarray | None = None


def shown(text: str) -> str:
    """A short, quoted, printable form of what a file says, for a message."""
    return ascii(text if len(text) <= 20 else text[:20] + "...")


def fail(number: int, expected: str, came: str) -> InputError:
    """The error about that line of a file."""
    return InputError(f"Line {number} must hold {expected}, not {came}; correct it.")


def line_at(lines: Sequence[str], index: int, expected: str) -> str:
    """The line itself; InputError when the file ends before it."""
    if index >= len(lines):
        raise InputError(
            f"The file must go on with {expected}, but it ends after line {len(lines)}; "
            "give the whole file."
        )
    return lines[index]


def element(symbol: str, number: int) -> int:
    """The atomic number for a symbol (or a number as text) on that line; D and T are hydrogen."""
    z = _PERIODIC_TABLE.get(symbol.strip().upper())
    if z is None:
        raise fail(number, "an element of the periodic table", shown(symbol.strip()))
    return z


def value_of(text: str, number: int, what: str, limit: float) -> float:
    """The number that a text on that line says; InputError unless it is finite and within limits."""
    try:
        value = float(text) if "_" not in text else math.nan
    except ValueError:
        raise fail(number, f"a number as {what}", shown(text)) from None
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
        raise InputError(
            "A structure must have at least one atom, but the file gives 0; add atoms."
        )
    if count > MAX_ATOMS:
        raise InputError(
            f"A structure may have at most {MAX_ATOMS} atoms, but the file has {count} or more; "
            "cut it down."
        )
    return count


def _pdb_element(line: str, number: int) -> int:
    symbol = line[76:78].strip()
    if not symbol:
        # Before version 2 there is no element column: the name is right-aligned in columns 13-14.
        symbol = re.sub(r"[^A-Za-z]", "", line[12:14]) or line[12:16].strip()[:1]
    return element(symbol, number)


def _pdb_cell(line: str, number: int) -> np.ndarray | None:
    spans = ((6, 15), (15, 24), (24, 33), (33, 40), (40, 47), (47, 54))
    a, b, c, alpha, beta, gamma = (coordinate(line[i:j], number) for i, j in spans)
    if (a, b, c) == (1, 1, 1):  # what programs write for a molecule without a crystal
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
    """Frames (models) of a PDB file: ATOM and HETATM lines, the first of alternate locations."""
    species, positions, cell = [], [], None
    for number, line in enumerate(lines, 1):
        record = line[:6].rstrip()
        if record in ("ATOM", "HETATM") and line[16:17] in ("", " ", "A", "1"):
            check_count(len(species) + 1)
            spans = (line[30:38], line[38:46], line[46:54])
            positions.append([coordinate(span, number) for span in spans])
            species.append(_pdb_element(line, number))
        elif record == "CRYST1":
            cell = _pdb_cell(line, number)
        elif record in ("ENDMDL", "END") and species:
            yield Frame(species, positions, cell)
            species, positions = [], []
    if species:
        yield Frame(species, positions, cell)


def _sdf_v3000(lines: Sequence[str], at: int) -> tuple[list[int], list[list[float]]]:
    species, positions, inside, count = [], [], False, None
    for index in range(at, len(lines)):
        fields = lines[index].split(None, 8)
        if fields[:2] == ["M", "END"] or lines[index].startswith("$$$$"):
            break
        if fields[:2] != ["M", "V30"]:
            continue
        if fields[2:3] == ["COUNTS"]:
            count = atom_count(fields[3] if len(fields) > 3 else "", index + 1)
        elif fields[2:4] in (["BEGIN", "ATOM"], ["END", "ATOM"]):
            inside = fields[2] == "BEGIN"
        elif inside:
            if len(fields) < 7:
                raise fail(index + 1, "an element and three coordinates", shown(lines[index]))
            check_count(len(species) + 1)
            species.append(element(fields[3], index + 1))
            positions.append([coordinate(field, index + 1) for field in fields[4:7]])
    if count != len(species):
        raise InputError(
            f"The atom block must hold the {count or 0} atoms that its COUNTS line announces, "
            f"not {len(species)}; give the whole file."
        )
    return species, positions


def parse_sdf(lines: Sequence[str]) -> Iterator[Frame]:
    """Frames (molecules) of an SDF or MOL file, versions V2000 and V3000; bonds are left."""
    at = 0
    while any(line.strip() for line in lines[at : at + 5]):
        counts = line_at(lines, at + 3, "the counts line of a molecule")
        if "V3000" in counts:
            species, positions = _sdf_v3000(lines, at + 4)
        else:
            count = atom_count(counts[:3], at + 4)
            species, positions = [], []
            for index in range(at + 4, at + 4 + count):
                line = line_at(lines, index, f"{count} atoms")
                spans = (line[:10], line[10:20], line[20:30])
                positions.append([coordinate(span, index + 1) for span in spans])
                species.append(element(line[30:34], index + 1))
        yield Frame(species, positions)
        while at < len(lines) and not lines[at].startswith("$$$$"):
            at += 1
        at += 1


def _check_cif(lines: Sequence[str]) -> None:
    """Refuse what would cost ASE's parser much: much text, long lines, many atom sites."""
    sites = False
    count = 0
    for number, line in enumerate(lines, 1):
        word = line.strip().lower()
        if word.startswith("_"):
            sites = word.startswith(("_atom_site_", "_atom_site."))
            count = 0
        elif word.startswith(("loop_", "data_")) or not word:
            sites = False
        elif sites:
            count += 1
            check_count(count)
        if len(line) > _CIF_LINE_LENGTH:
            raise fail(number, f"at most {_CIF_LINE_LENGTH} characters", str(len(line)))
    if sum(map(len, lines)) > _CIF_LENGTH:
        raise InputError(f"A CIF file may have at most {_CIF_LENGTH // 10**6} MB; cut it down.")


def _cif_frame(block: CIFBlock) -> Frame:
    sites = check_count(len(block.get_symbols()))
    if block.get_cell().rank == 3:
        images = sites * len(block.get_spacegroup(True).get_symop())
        if images > _CIF_SITE_IMAGES:
            check_count(images)
    atoms = block.get_atoms()
    cell = np.array(atoms.cell) if atoms.cell.rank == 3 else None
    return Frame(atoms.numbers.tolist(), atoms.positions.tolist(), cell)


def parse_cif(lines: Sequence[str]) -> Iterator[Frame]:
    """Frames (data blocks) of a CIF file, with the space group's images of each site."""
    _check_cif(lines)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            blocks = parse_cif_ase(io.StringIO("\n".join(lines)))
            structures = islice((b for b in blocks if b.has_structure()), MAX_FRAMES + 1)
            return iter([_cif_frame(block) for block in structures])
        except InputError:
            raise
        except Exception as error:  # ASE's parser raises whatever comes
            said = shown(str(error) or type(error).__name__)
            raise InputError(
                f"The file must be CIF with a cell and atom sites, but reading it gave {said}; "
                "write it again from the program that made it."
            ) from None
