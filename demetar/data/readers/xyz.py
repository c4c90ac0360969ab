"""The parser of XYZ and extended XYZ: structures, and the labels that a comment line announces."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from demetar.core.errors import InputError
from demetar.data.readers.comments import (
    MAX_LABEL,
    PLAIN,
    Column,
    Comment,
    Layout,
    places_of,
    species_of,
    words_of,
)
from demetar.data.readers.labels import listed, looks_like_label
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


class Header(NamedTuple):
    """What stands before a frame's atoms: how many, the comment, and where the atoms begin."""

    count: int
    comment: Comment
    layout: Layout
    begin: int  # index of the first atom's line


class Labelled(NamedTuple):
    """A frame with its labels: numbers by key, rows [n, k] by column name, and its comment's line."""

    frame: Frame
    values: dict[str, list[float]]
    columns: dict[str, list[list[float]]]
    line: int


def headers(lines: Sequence[str]) -> Iterator[Header]:
    """The frames' headers alone; their atoms are not looked at."""
    at = 0
    while at < len(lines):
        if not lines[at].strip():
            at += 1
            continue
        count = atom_count(lines[at], at + 1)
        comment = Comment(line_at(lines, at + 1, "a comment line"), at + 2)
        yield Header(count, comment, comment.layout(), at + 2)
        at += 2 + count
        if comment.is_qm9 and _is_spectrum(lines, at):
            at += 3


class Survey:
    """What the headers of a file name: keys and columns, and whether all could be looked at."""

    def __init__(self) -> None:
        self.keys: dict[str, bool] = {}  # whether a number stands there
        self.columns: dict[Column, None] = {}
        self.first: Header | None = None
        self.whole = False

    def named(self, column: str) -> str | None:
        """The name of that column as the file spells it; None where no frame has it."""
        found = Layout(tuple(self.columns), None).named(column)
        return found.name if found else None

    def rest(self, lines: Sequence[str], *used: str | None) -> list[str]:
        """What looks like a label beside what is used, columns first."""
        found = [c.name for c in self.columns if looks_like_label(c.name) and c.name not in used]
        found = [f"column {name}" for name in dict.fromkeys(found)]
        keys = (k for k, is_number in self.keys.items() if is_number and looks_like_label(k))
        found += [f"key {key}" for key in keys if key not in used]
        if self.first is not None and self.first.begin < len(lines):
            declared = self.first.layout.total or 4
            fields = len(lines[self.first.begin].split(None, 1_000))
            if fields > declared:
                found.append(f"columns {declared + 1} to {fields}, which no Properties names")
        return found


def survey(heads: Iterator[Header]) -> Survey:
    """What these headers name, up to the first that cannot be read."""
    found = Survey()
    with contextlib.suppress(InputError):  # is raised, with its line, when the frames are read
        for head in heads:
            for key, value in head.comment.pairs:
                if value is not None and not found.keys.get(key):
                    found.keys[key] = _begins_with_number(value)
            found.first = found.first or head
            if head.layout is not PLAIN:
                found.columns |= dict.fromkeys(head.layout.columns)
        found.whole = True
    return found


def _begins_with_number(value: str) -> bool:
    try:
        value_of((words_of(value[:200]) or [""])[0], 0, "", MAX_LABEL)
    except InputError:
        return False
    return True


def _is_spectrum(lines: Sequence[str], at: int) -> bool:
    """Whether frequencies, SMILES and InChI follow, as in a record of the original QM9 archive."""
    words = lines[at].split() if at + 2 < len(lines) else []
    try:
        numbers = [value_of(word, at + 1, "frequencies", MAX_LABEL) for word in words]
    except InputError:
        return False
    return bool(numbers) and lines[at + 2].strip().startswith("InChI=")


def parse(
    lines: Sequence[str], values: Mapping[str, int], columns: Mapping[str, int]
) -> Iterator[Labelled]:
    """Frames with the asked labels: `values` and `columns` give the numbers of each key or column.

    Raises InputError, with its line, for what is missing, not a number, or beyond the limits.
    """
    for head in headers(lines):
        yield _frame(lines, head, values, columns)


def _frame(
    lines: Sequence[str], head: Header, values: Mapping[str, int], columns: Mapping[str, int]
) -> Labelled:
    count, comment, layout, begin = head
    labels = {key: comment.numbers(key, size) for key, size in values.items()}
    spans = {name: column_of(head, name, width) for name, width in columns.items()}
    named, places = species_of(layout), places_of(layout)
    assert named is not None  # else the comment gives no layout
    assert places is not None
    pos = slice(places.start, places.start + 3)
    total = layout.total or 4
    species, positions, rows = [], [], {name: [] for name in columns}
    for index in range(begin, begin + count):
        line = line_at(lines, index, f"{count} atoms")
        fields = line.split(None, total)
        if len(fields) < total:
            expected = (
                f"{total} columns as Properties says"
                if layout.total
                else ("an element and three coordinates")
            )
            raise fail(index + 1, expected, shown(line))
        species.append(element(fields[named.start], index + 1))
        positions.append([coordinate(field, index + 1) for field in fields[pos]])
        for name, span in spans.items():
            rows[name].append([_label(field, index + 1) for field in fields[span]])
    return Labelled(Frame(species, positions, *comment.cell()), labels, rows, comment.number)


def column_of(head: Header, name: str, width: int) -> slice:
    """Where the fields of a column stand; InputError where it is not there with that many numbers."""
    found = head.layout.named(name)
    if found is None or found.kind not in "RI" or found.width != width:
        there = listed([str(column) for column in head.layout.columns])
        said = "no Properties" if head.layout is PLAIN else f"the columns {there}"
        raise fail(head.comment.number, f"Properties with {name}:R:{width}", said)
    return slice(found.start, found.start + width)


def _label(text: str, number: int) -> float:
    return value_of(text, number, "labels", MAX_LABEL)


def parse_xyz(lines: Sequence[str]) -> Iterator[Frame]:
    """Frames of an XYZ or extended-XYZ file: species, position, Lattice; other columns are left."""
    return (labelled.frame for labelled in parse(lines, {}, {}))
