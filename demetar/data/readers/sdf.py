"""Molecules in SDF and MOL files, V2000 and V3000."""

from collections.abc import Iterator, Sequence

from demetar.core.errors import InputError
from demetar.data.readers.lines import (
    Frame,
    atom_count,
    check_count,
    coordinate,
    element,
    fail,
    line_at,
    shown,
)


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
