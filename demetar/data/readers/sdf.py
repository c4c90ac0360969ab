"""Molecules in SDF and MOL files, V2000 and V3000 (BIOVIA, "CTfile formats")."""

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

_DIMENSION = slice(20, 22)  # of a molecule's second line: "2D" or "3D"
_V30 = "M  V30 "


def _statements(lines: Sequence[str], at: int) -> Iterator[tuple[int, str]]:
    """The V3000 statements from there on, each with its first line's index; "-" at an end goes on."""
    begun, text = at, ""
    for index in range(at, len(lines)):
        line = lines[index].rstrip()
        if line.split()[:2] == ["M", "END"] or line.startswith("$$$$"):
            break
        if line.split(None, 2)[:2] != ["M", "V30"]:
            continue
        begun = begun if text else index
        text += line.split("V30", 1)[1].lstrip() if not text else line.removeprefix(_V30)
        if text.endswith("-"):
            text = text[:-1]
            if len(text) > 10_000:
                raise fail(begun + 1, "at most 10000 characters in a statement", "more")
        else:
            yield begun, text
            text = ""
    if text:
        yield begun, text


def _sdf_v3000(lines: Sequence[str], at: int) -> tuple[list[int], list[list[float]]]:
    species, positions, inside, count = [], [], False, None
    for index, statement in _statements(lines, at):
        fields = statement.split(None, 6)
        if fields[:1] == ["COUNTS"]:
            count = atom_count(fields[1] if len(fields) > 1 else "", index + 1)
        elif fields[:2] in (["BEGIN", "ATOM"], ["END", "ATOM"]):
            inside = fields[0] == "BEGIN"
        elif inside:
            if len(fields) < 5:
                raise fail(index + 1, "an element and three coordinates", shown(lines[index]))
            check_count(len(species) + 1)
            species.append(element(fields[1], index + 1))
            positions.append([coordinate(field, index + 1) for field in fields[2:5]])
    if count != len(species):
        raise InputError(
            f"Expected the {count or 0} atoms that the COUNTS line announces, got {len(species)}; "
            "give the whole file."
        )
    return species, positions


def _check_depth(lines: Sequence[str], at: int, frame: Frame) -> None:
    """Refuse a drawing: no depth, and said to be flat or without a hydrogen on its carbons.

    A flat molecule in space (benzene, CO2) has its hydrogens, or says 3D.
    """
    if len(frame.species) < 2 or any(z for _, _, z in frame.positions):
        return
    said = lines[at + 1][_DIMENSION].upper()
    bare = 6 in frame.species and 1 not in frame.species
    if said == "2D" or (said != "3D" and bare):
        why = "2D in its second line" if said == "2D" else "every z at 0 and no hydrogens"
        raise InputError(
            f"Expected a molecule in space from line {at + 1} on, got a flat drawing ({why}); give "
            "coordinates in three dimensions with all hydrogens, or, where it is flat, write 3D in "
            f"columns 21-22 of line {at + 2}."
        )


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
        frame = Frame(species, positions)
        _check_depth(lines, at, frame)
        yield frame
        while at < len(lines) and not lines[at].startswith("$$$$"):
            at += 1
        at += 1
