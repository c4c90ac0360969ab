"""The parser of XYZ and extended XYZ: structures, and the labels that a comment line announces."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from demetar.data.readers.lines import (
    Frame,
    atom_count,
    coordinate,
    element,
    fail,
    line_at,
    shown,
    value_of,
)

MAX_LABEL = 1e12  # in whatever unit
_COMMENT = 10_000  # characters that are read


class Labelled(NamedTuple):
    """A frame with its labels: numbers by key, rows [n, k] by column name, and its comment's line."""

    frame: Frame
    values: dict[str, list[float]]
    columns: dict[str, list[list[float]]]
    line: int


def _columns(comment: str, number: int) -> dict[tuple[str, str, int], int]:
    """Where each column starts that an extended-XYZ comment declares, by (name, kind, width)."""
    found = re.search(r"\bProperties\s*=\s*\"?([\w:]{1,1000})", comment)
    if found is None:
        return {("species", "S", 1): 0, ("pos", "R", 3): 1}
    parts = found[1].split(":")
    starts, start = {}, 0
    for name, kind, width in zip(parts[::3], parts[1::3], parts[2::3], strict=False):
        if not re.fullmatch(r"[1-9]\d{0,2}", width):
            raise fail(number, "Properties with column counts from 1 to 999", shown(width))
        starts[name.lower(), kind.upper(), int(width)] = start
        start += int(width)
    if ("species", "S", 1) not in starts and ("z", "I", 1) not in starts:
        raise fail(number, "Properties with species:S:1 and pos:R:3", shown(found[1]))
    if ("pos", "R", 3) not in starts:
        raise fail(number, "Properties with species:S:1 and pos:R:3", shown(found[1]))
    return starts


def _lattice(comment: str, number: int) -> np.ndarray | None:
    found = re.search(r"\bLattice\s*=\s*\"([^\"]{1,400})\"", comment)
    if found is None:
        return None
    values = found[1].split()
    if len(values) != 9:
        raise fail(number, "a Lattice of nine numbers", f"{len(values)} of them")
    return np.array([coordinate(value, number) for value in values]).reshape(3, 3)


def _value(comment: str, key: str, size: int, number: int) -> list[float]:
    found = re.search(rf"(?:^|\s){re.escape(key)}\s*=\s*(?:\"([^\"]*)\"|(\S+))", comment)
    if found is None:
        keys = re.findall(r"(?:^|\s)(\w{1,30})\s*=", comment)[:8]
        raise fail(number, f"{key}=…", f"the keys {', '.join(keys)}" if keys else "no key")
    words = (found[1] or found[2] or "").strip("[]").replace(",", " ").split()
    if len(words) != size:
        raise fail(number, f"{size} number{'s' * (size > 1)} as {key}", f"{len(words)}")
    return [value_of(word, number, key, MAX_LABEL) for word in words]


def declares(lines: Sequence[str], column: str) -> bool:
    """Whether the first frame's comment declares that column as three numbers."""
    first = next((i for i, line in enumerate(lines) if line.strip()), 0)
    comment = lines[first + 1][:_COMMENT] if first + 1 < len(lines) else ""
    return (column.lower(), "R", 3) in _columns(comment, first + 2)


def parse(
    lines: Sequence[str], values: dict[str, int], columns: dict[str, int]
) -> Iterator[Labelled]:
    """Frames with the asked labels: `values` and `columns` give the numbers of each key or column.

    Raises InputError, with its line, for what is missing, not a number, or beyond the limits.
    """
    at = 0
    while at < len(lines):
        if not lines[at].strip():
            at += 1
            continue
        count = atom_count(lines[at], at + 1)
        comment = line_at(lines, at + 1, "a comment line")[:_COMMENT]
        labels = {key: _value(comment, key, size, at + 2) for key, size in values.items()}
        starts = _columns(comment, at + 2)
        species_at = starts.get(("species", "S", 1), starts.get(("z", "I", 1), 0))
        wanted = {"pos": 3} | columns
        spans = {}
        for name, width in wanted.items():
            start = starts.get((name.lower(), "R", width))
            if start is None:
                raise fail(at + 2, f"Properties with {name}:R:{width}", "others")
            spans[name] = slice(start, start + width)
        needed = max(species_at + 1, *(span.stop for span in spans.values()))
        species, rows = [], {name: [] for name in wanted}
        for index in range(at + 2, at + 2 + count):
            fields = line_at(lines, index, f"{count} atoms").split(None, needed)
            if len(fields) < needed:
                expected = (
                    "an element and three coordinates" if not columns else f"{needed} columns"
                )
                raise fail(index + 1, expected, shown(lines[index]))
            species.append(element(fields[species_at], index + 1))
            for name, span in spans.items():
                read = coordinate if name == "pos" else _label
                rows[name].append([read(field, index + 1) for field in fields[span]])
        positions = rows.pop("pos")
        yield Labelled(Frame(species, positions, _lattice(comment, at + 2)), labels, rows, at + 2)
        at += 2 + count


def _label(text: str, number: int) -> float:
    return value_of(text, number, "labels", MAX_LABEL)


def parse_xyz(lines: Sequence[str]) -> Iterator[Frame]:
    """Frames of an XYZ or extended-XYZ file: species, position, Lattice; other columns are left."""
    return (labelled.frame for labelled in parse(lines, {}, {}))
