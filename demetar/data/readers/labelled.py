"""Labelled systems from files that anybody may have made: checked line by line, or refused.

Extended XYZ with labels on its comment lines and columns, SDF with a CSV of labels, and NPZ arrays.
Whatever the bytes are, the functions here give systems or raise InputError with one sentence. Units
are given by whoever asks: nothing in a file tells them reliably, so none are guessed.
"""

from __future__ import annotations

import csv
import dataclasses
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np

from demetar.core.errors import InputError
from demetar.data.readers import archives
from demetar.data.readers.bounded import Source, contents, text_lines
from demetar.data.readers.comments import MAX_LABEL
from demetar.data.readers.labels import absent, left_out, looks_like_label
from demetar.data.readers.lines import MAX_COORDINATE, fail, shown, value_of
from demetar.data.readers.sdf import parse_sdf
from demetar.data.readers.structures import SMALLEST_DISTANCE
from demetar.data.readers.xyz import Labelled as Found
from demetar.data.readers.xyz import headers, parse, survey

MAX_BYTES = 64_000_000
ENDINGS = (".xyz", ".extxyz", ".sdf", ".npz")
T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Labelled:
    """Systems with one label each, rows one after the other, in the file's own units.

    sizes [S]; positions [rows, 3]; label: [S, k], or [rows, 3] for the positions of bodies later on;
    species [rows], forces [rows, 3] of atoms; velocities [rows, 3], charges, masses [rows] of bodies.
    """

    sizes: np.ndarray
    positions: np.ndarray
    label: np.ndarray
    species: np.ndarray | None = None
    forces: np.ndarray | None = None
    velocities: np.ndarray | None = None
    charges: np.ndarray | None = None
    masses: np.ndarray | None = None
    remarks: tuple[str, ...] = ()  # sentences on what was left out

    def __len__(self) -> int:
        return len(self.sizes)


def read_labelled(
    source: Source,
    name: str = "",
    key: str | Sequence[str] = "energy",
    width: int = 1,
    forces: str | None = None,
    table: Source | None = None,
) -> Labelled:
    """The molecules in a file with the label `key` (of `width` numbers) and, if asked for, forces.

    `source` is a path, or bytes with a `name` that ends in .xyz, .extxyz, .sdf or .npz. Of several
    keys one must be there. In extended XYZ it stands on the comment lines and forces are a column;
    an SDF takes its labels from the CSV `table`, a row a molecule in the same order (a column "name"
    there must equal the molecules' titles); an NPZ holds z [n] or [S, n], R [S, n, 3], the array
    `key` [S] or [S, width], and forces [S, n, 3]. `forces` is a name that must be there, "" for the
    usual name where it is there, or None. What is there for one frame must be there for all. Raises
    InputError, with its line where there is one, for anything else, and beyond 64 MB, 500 atoms or
    150,000 systems. What looks like a label and is left out is named in the result's `remarks`.
    """
    keys = (key,) if isinstance(key, str) else tuple(key)
    data, name = contents(source, name, MAX_BYTES)
    ending = Path(name.lower()).suffix
    if ending not in ENDINGS:
        raise InputError(
            f"Expected a labelled file that ends in {', '.join(ENDINGS)}, got "
            f"{re.sub(r'[^a-z0-9.]', '', ending)[:10]!r}; convert it or correct its name."
        )
    if table is not None and ending != ".sdf":
        raise InputError(
            f"Expected a table of labels beside an SDF only, got {ending}; leave it out."
        )
    if ending == ".npz":
        found = _npz(data, name, keys, width, forces)
    elif ending == ".sdf":
        if forces:
            raise absent("forces", forces, "columns", ())
        found = _sdf(text_lines(data, name), table, keys[0])
    else:
        found = _xyz(text_lines(data, name), keys[0], width, forces)
    _check(found)
    return found


def _bounded(items: Iterator[T]) -> list[T]:
    found = list(islice(items, archives.MAX_SYSTEMS + 1))
    if not found:
        raise InputError("Expected labelled systems in the file, got none; add some.")
    if len(found) > archives.MAX_SYSTEMS:
        raise InputError(
            f"Expected at most {archives.MAX_SYSTEMS} systems in a file, got more; cut it down."
        )
    return found


def _xyz(lines: Sequence[str], key: str, width: int, forces: str | None) -> Labelled:
    holds = survey(islice(headers(lines), archives.MAX_SYSTEMS + 1))
    column = None if forces is None else holds.named(forces or "forces")
    if forces and column is None and holds.whole:
        raise absent(
            "forces", forces, "columns", list(dict.fromkeys(c.name for c in holds.columns))
        )
    column = column or forces or None  # what cannot be read says why
    asked = parse(lines, {key: width}, {column: 3} if column else {})
    found = _bounded(_packed(frame, key, column) for frame in asked)
    return Labelled(
        sizes=np.array([len(f.species) for f in found]),
        positions=np.concatenate([f.positions for f in found]),
        label=np.array([f.label for f in found], np.float64),
        species=np.concatenate([f.species for f in found]),
        forces=np.concatenate([f.forces for f in found]) if column else None,
        remarks=(
            *left_out([key, *([column] if column else [])], holds.rest(lines, key, column)),
            *_cells(found),
        ),
    )


class _Packed(NamedTuple):
    """A frame as arrays, which take less memory than its lists."""

    species: np.ndarray
    positions: np.ndarray
    label: list[float]
    forces: np.ndarray
    is_periodic: bool


def _packed(found: Found, key: str, column: str | None) -> _Packed:
    frame = found.frame
    return _Packed(
        np.array(frame.species, np.uint8),
        np.array(frame.positions, np.float64),
        found.values[key],
        np.array(found.columns[column] if column else (), np.float64),
        frame.cell is not None and any(frame.pbc),
    )


def _cells(found: Sequence[_Packed]) -> tuple[str, ...]:
    """The remark on periodic cells, where there are any."""
    count = sum(f.is_periodic for f in found)
    if not count:
        return ()
    return (
        f"Of {len(found)} frames {count} have a periodic cell, which no model uses: their atoms are "
        "taken as molecules without periodic images.",
    )


def _titles(lines: Sequence[str]) -> Iterator[str]:
    """The first line of each molecule of an SDF."""
    begins = True
    for line in lines:
        if begins:
            yield line.strip()
        begins = line.startswith("$$$$")


def _sdf(lines: Sequence[str], table: Source | None, column: str) -> Labelled:
    if table is None:
        raise InputError(
            "Expected a CSV file of labels beside an SDF, got none; name it with labels=."
        )
    found = _bounded(parse_sdf(lines))
    titles = list(islice(_titles(lines), len(found)))
    return Labelled(
        sizes=np.array([len(f.species) for f in found]),
        positions=np.concatenate([np.array(f.positions, np.float64) for f in found]),
        label=np.array(_column(table, column, titles))[:, None],
        species=np.concatenate([np.array(f.species, np.uint8) for f in found]),
        remarks=left_out([f"the column {column} of the table"], _fields(lines)),
    )


def _fields(lines: Sequence[str]) -> list[str]:
    """The data fields of an SDF whose names look like labels."""
    names = (re.match(r"> [^<]{0,80}<([^<>]{1,60})>", line) for line in lines)
    return [name for name in dict.fromkeys(m[1] for m in names if m) if looks_like_label(name)]


def _column(table: Source, column: str, titles: Sequence[str]) -> list[float]:
    """One number for each molecule from a CSV file with a header line."""
    data, name = contents(table, "labels.csv" if isinstance(table, bytes) else "", MAX_BYTES)
    rows = csv.reader(text_lines(data, name))
    values: list[float] = []
    try:
        header = [cell.strip() for cell in next(rows, [])]
        if header.count(column) != 1:
            listed = ", ".join(shown(cell) for cell in header[:8])
            raise fail(1, f"one column named {shown(column)}", f"the columns {listed}")
        at = header.index(column)
        named = header.index("name") if header.count("name") == 1 else None
        for row in rows:
            number = rows.line_num
            if not any(cell.strip() for cell in row):
                continue
            if len(row) != len(header):
                raise fail(number, f"{len(header)} cells as its header", f"{len(row)}")
            if len(values) == len(titles):
                raise fail(number, f"the label of one of {len(titles)} molecules", "one more row")
            if named is not None and row[named].strip() != titles[len(values)]:
                expected = f"the molecule {shown(titles[len(values)])}, the next one of the SDF"
                raise fail(number, expected, shown(row[named].strip()))
            values.append(value_of(row[at].strip(), number, column[:20], MAX_LABEL))
    except csv.Error as error:
        raise fail(rows.line_num, "comma-separated cells", shown(str(error))) from None
    if len(values) != len(titles):
        raise InputError(
            f"Expected a row of the CSV for each of the {len(titles)} molecules, got {len(values)}; "
            "give the whole file."
        )
    return values


def _npz(data: bytes, name: str, keys: Sequence[str], width: int, forces: str | None) -> Labelled:
    found, remarks = archives.read_molecules(data, name, keys, width, forces)
    count, n = found["positions"].shape[:2]
    return Labelled(
        np.full(count, n),
        found["positions"].reshape(-1, 3),
        found["label"].reshape(count, width),
        found["species"].reshape(-1).astype(np.uint8),
        found["forces"].reshape(-1, 3) if "forces" in found else None,
        remarks=remarks,
    )


def read_bodies(source: Source, name: str = "") -> Labelled:
    """The bodies in an NPZ file with their later positions as label, in scene units.

    positions and target_positions [S, n, 3]; velocities of that shape (missing: at rest); charges
    (missing: 0) and masses (missing: 1) [n] or [S, n]. Raises InputError as `read_labelled` does.
    """
    data, name = contents(source, name, MAX_BYTES)
    rows = archives.read_scenes(data, name)
    count, n = rows["positions"].shape[:2]
    found = Labelled(
        sizes=np.full(count, n),
        positions=rows["positions"].reshape(-1, 3),
        label=rows["target_positions"].reshape(-1, 3),
        velocities=rows["velocities"].reshape(-1, 3),
        charges=rows["charges"].reshape(-1),
        masses=rows["masses"].reshape(-1),
    )
    _check(found)
    return found


def _check(found: Labelled) -> None:
    """Raises InputError for places beyond the limits, touching atoms, or a system that repeats."""
    if not np.abs(found.positions).max() <= MAX_COORDINATE:
        raise InputError(
            f"Expected coordinates up to {MAX_COORDINATE:.0f}, got some beyond; correct the file."
        )
    ends = np.cumsum(found.sizes)
    seen: dict[bytes, int] = {}
    for i, (start, end) in enumerate(zip(ends - found.sizes, ends, strict=True), 1):
        x = found.positions[start:end]
        content = x.tobytes() + (
            b"" if found.species is None else found.species[start:end].tobytes()
        )
        if content in seen:
            raise InputError(
                f"Expected every system once, got two that are equal: system {i} repeats system "
                f"{seen[content]}, so a split could train on what it tests; remove one."
            )
        seen[content] = i
        squares = ((x[:, None] - x[None]) ** 2).sum(-1)
        np.fill_diagonal(squares, np.inf)
        if squares.min() < SMALLEST_DISTANCE**2 and found.species is not None:
            a, b = sorted(np.unravel_index(squares.argmin(), squares.shape))
            raise InputError(
                f"Expected atoms to be at least {SMALLEST_DISTANCE:g} apart, got atoms {a + 1} and "
                f"{b + 1} of system {i} at {np.sqrt(squares.min()):.3g}; correct it."
            )
