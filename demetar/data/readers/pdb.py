"""Atoms of the Protein Data Bank's format."""

import math
import re
from collections.abc import Iterator, Sequence

import numpy as np

from demetar.data.readers.lines import Frame, check_count, coordinate, element, fail


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
