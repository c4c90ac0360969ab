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
from typing import TypeVar

import numpy as np

from demetar.core.errors import InputError
from demetar.data.readers.bounded import Source, contents, npz_arrays, text_lines
from demetar.data.readers.lines import MAX_ATOMS, MAX_COORDINATE, fail, shown, value_of
from demetar.data.readers.sdf import parse_sdf
from demetar.data.readers.structures import SMALLEST_DISTANCE
from demetar.data.readers.xyz import MAX_LABEL, declares, parse

MAX_BYTES = 64_000_000
MAX_SYSTEMS = 150_000
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

    def __len__(self) -> int:
        return len(self.sizes)


def read_labelled(
    source: Source, name: str = "", key: str = "energy", width: int = 1, forces: str = "",
    table: Source | None = None,
) -> Labelled:  # fmt: skip
    """The molecules in a file with the label `key` (of `width` numbers) and, where given, forces.

    `source` is a path, or bytes with a `name` that ends in .xyz, .extxyz, .sdf or .npz. In extended
    XYZ the key stands on the comment lines and forces are the column `forces`, if the first frame
    declares it; an SDF takes its labels from the CSV `table`, a row a molecule in the same order
    (a column "name" there must equal the molecules' titles); an NPZ holds z [n] or [S, n], R
    [S, n, 3], the array `key` [S] or [S, width], and forces [S, n, 3]. Raises InputError, with its
    line where there is one, for anything else, and beyond 64 MB, 500 atoms or 150,000 systems.
    """
    data, name = contents(source, name, MAX_BYTES)
    ending = Path(name.lower()).suffix
    if ending not in ENDINGS:
        raise InputError(
            f"A labelled file must end in {', '.join(ENDINGS)}, not "
            f"{re.sub(r'[^a-z0-9.]', '', ending)[:10]!r}; convert it or correct its name."
        )
    if ending == ".npz":
        found = _npz(data, name, key, width, forces)
    elif ending == ".sdf":
        found = _sdf(text_lines(data, name), table, key)
    else:
        found = _xyz(text_lines(data, name), key, width, forces)
    _check(found)
    return found


def _bounded(items: Iterator[T]) -> list[T]:
    found = list(islice(items, MAX_SYSTEMS + 1))
    if not found:
        raise InputError("The file must hold labelled systems, but none was found; add some.")
    if len(found) > MAX_SYSTEMS:
        raise InputError(
            f"A file may have at most {MAX_SYSTEMS} systems, but it has more; cut it down."
        )
    return found


def _xyz(lines: Sequence[str], key: str, width: int, forces: str) -> Labelled:
    with_forces = bool(forces) and declares(lines, forces)
    columns = {forces: 3} if with_forces else {}
    found = _bounded(parse(lines, {key: width}, columns))
    return Labelled(
        sizes=np.array([len(f.frame.species) for f in found]),
        positions=np.concatenate([np.array(f.frame.positions, np.float64) for f in found]),
        label=np.array([f.values[key] for f in found], np.float64),
        species=np.concatenate([np.array(f.frame.species, np.uint8) for f in found]),
        forces=np.concatenate([np.array(f.columns[forces]) for f in found]) if columns else None,
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
            "An SDF takes its labels from a CSV file, but none was given; name it with labels=."
        )
    found = _bounded(parse_sdf(lines))
    titles = list(islice(_titles(lines), len(found)))
    return Labelled(
        sizes=np.array([len(f.species) for f in found]),
        positions=np.concatenate([np.array(f.positions, np.float64) for f in found]),
        label=np.array(_column(table, column, titles))[:, None],
        species=np.concatenate([np.array(f.species, np.uint8) for f in found]),
    )


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
            f"The CSV must have a row for each of the {len(titles)} molecules, not {len(values)}; "
            "give the whole file."
        )
    return values


def _shaped(arrays: dict[str, np.ndarray], key: str, *shapes: tuple[int, ...]) -> np.ndarray:
    """That array in the first of the shapes, of finite numbers within the limits."""
    if key not in arrays:
        raise InputError(f"The archive must hold the array {key!r}, but lacks it; add it.")
    values = arrays[key]
    if values.shape not in shapes:
        wanted = " or ".join(str(list(shape)) for shape in shapes)
        raise InputError(
            f"The array {key!r} must have the shape {wanted}, not {list(values.shape)}; correct it."
        )
    if not (np.abs(values) <= MAX_LABEL).all():
        at = np.argwhere(~(np.abs(values) <= MAX_LABEL))[0].tolist()
        raise InputError(
            f"The array {key!r} must hold finite numbers, but {at} is {values[tuple(at)]}; correct it."
        )
    return values


def _geometry(arrays: dict[str, np.ndarray], key: str) -> tuple[np.ndarray, int, int]:
    x = arrays.get(key, np.zeros(0))
    if x.ndim != 3 or x.shape[2] != 3 or 0 in x.shape:
        raise InputError(
            f"The archive must hold {key!r} of the shape [systems, n, 3], not {list(x.shape)}; add it."
        )
    count, n = x.shape[:2]
    if count > MAX_SYSTEMS or n > MAX_ATOMS:
        raise InputError(
            f"A file may have at most {MAX_SYSTEMS} systems of {MAX_ATOMS} atoms, not {count} of {n}; "
            "cut it down."
        )
    return _shaped(arrays, key, x.shape), count, n


def _npz(data: bytes, name: str, key: str, width: int, forces: str) -> Labelled:
    wanted = ["R", "z", key, *([forces] if forces else [])]
    arrays = npz_arrays(data, name, wanted, 4 * MAX_BYTES)
    x, count, n = _geometry(arrays, "R")
    z = np.broadcast_to(_shaped(arrays, "z", (n,), (count, n)), (count, n))
    if (z != np.round(z)).any() or z.min() < 1 or z.max() > 118:
        raise InputError("The array 'z' must hold atomic numbers from 1 to 118; correct it.")
    label_shapes = ((count,), (count, 1)) if width == 1 else ((count, width),)
    label = _shaped(arrays, key, *label_shapes).reshape(count, width)
    f = _shaped(arrays, forces, x.shape).reshape(-1, 3) if forces in arrays else None
    species = z.reshape(-1).astype(np.uint8)
    return Labelled(np.full(count, n), x.reshape(-1, 3), label, species, f)


def read_bodies(source: Source, name: str = "") -> Labelled:
    """The bodies in an NPZ file with their later positions as label, in scene units.

    positions and target_positions [S, n, 3]; velocities of that shape (missing: at rest); charges
    (missing: 0) and masses (missing: 1) [n] or [S, n]. Raises InputError as `read_labelled` does.
    """
    data, name = contents(source, name, MAX_BYTES)
    keys = ("positions", "target_positions", "velocities", "charges", "masses")
    arrays = npz_arrays(data, name, keys, 4 * MAX_BYTES)
    x, count, n = _geometry(arrays, "positions")

    def rows(key: str, default: float) -> np.ndarray:
        values = _shaped({key: np.full(n, default)} | arrays, key, (n,), (count, n))
        return np.broadcast_to(values, (count, n)).reshape(-1)

    velocities = _shaped({"velocities": np.zeros(x.shape)} | arrays, "velocities", x.shape)
    masses = rows("masses", 1.0)
    if masses.min() <= 0:
        raise InputError("The array 'masses' must hold numbers above 0; correct it.")
    found = Labelled(
        sizes=np.full(count, n), positions=x.reshape(-1, 3),
        label=_shaped(arrays, "target_positions", x.shape).reshape(-1, 3),
        velocities=velocities.reshape(-1, 3), charges=rows("charges", 0.0), masses=masses,
    )  # fmt: skip
    _check(found)
    return found


def _check(found: Labelled) -> None:
    """Raises InputError for places beyond the limits, touching atoms, or a system that repeats."""
    if not np.abs(found.positions).max() <= MAX_COORDINATE:
        raise InputError(
            f"Coordinates must be at most {MAX_COORDINATE:.0f}, but some are beyond; correct the file."
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
                f"Every system must be there once, but system {i} repeats system {seen[content]}, so a "
                "split could train on what it tests; remove one."
            )
        seen[content] = i
        squares = ((x[:, None] - x[None]) ** 2).sum(-1)
        np.fill_diagonal(squares, np.inf)
        if squares.min() < SMALLEST_DISTANCE**2 and found.species is not None:
            a, b = sorted(np.unravel_index(squares.argmin(), squares.shape))
            raise InputError(
                f"Two atoms must be at least {SMALLEST_DISTANCE:g} apart, but atoms {a + 1} and {b + 1} "
                f"of system {i} are {np.sqrt(squares.min()):.3g} apart; correct it."
            )
