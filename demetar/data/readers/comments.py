"""Comment lines of extended XYZ: key = value pairs, and the columns that `Properties` declares.

The grammar is that of the libAtoms extended-XYZ specification as ASE writes it: bare flags, bare
values, quotes with escapes, {…} and […] with nested ones, and texts that begin with `_JSON`. A plain
XYZ comment is any text, so nothing here fails on words that are no pairs; only what is asked for is
held to its form.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from demetar.core.errors import InputError
from demetar.data.readers.lines import coordinate, fail, shown, value_of

MAX_LABEL = 1e12  # in whatever unit
MAX_COMMENT = 100_000  # characters that are read
_BLANKS, _WORD, _KEY = re.compile(r"\s*"), re.compile(r"\S+"), re.compile(r"[^\s=]+")
_QUOTED = {q: re.compile(rf"{q}([^{q}\\]*(?:\\.[^{q}\\]*)*){q}", re.DOTALL) for q in "\"'"}
_NESTING = re.compile(r'[\[\]{}]|"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_TRUTH = {"t": True, "true": True, "1": True, "f": False, "false": False, "0": False}


def pairs(text: str) -> list[tuple[str, str | None]]:
    """The keys of a comment with their raw values, in order; a flag without "=" has None.

    What opens and does not close runs to the end of the line. Takes linear time.
    """
    found: list[tuple[str, str | None]] = []
    at = _skip(text, 0)
    while at < len(text):
        key, at = _key(text, at)
        after = _skip(text, at)
        value = None
        if text[after : after + 1] == "=":
            value, at = _value(text, after + 1)
        if key:
            found.append((key, value))
        at = _skip(text, at)
    return found


def _skip(text: str, at: int) -> int:
    blanks = _BLANKS.match(text, at)
    return blanks.end() if blanks else at


def _key(text: str, at: int) -> tuple[str, int]:
    quoted = _QUOTED[text[at]].match(text, at) if text[at] in _QUOTED else None
    if quoted:
        return _plain(quoted[1]), quoted.end()
    bare = _KEY.match(text, at)
    return (bare[0], bare.end()) if bare else ("", at)


def _value(text: str, at: int) -> tuple[str, int]:
    """The value that begins at or after a place, and where it ends."""
    start = _skip(text, at)
    if start == len(text):
        return "", start
    if text[start] in _QUOTED:
        quoted = _QUOTED[text[start]].match(text, start)
        return (_plain(quoted[1]), quoted.end()) if quoted else (text[start + 1 :], len(text))
    if text[start] in "[{":
        depth = 0
        for mark in _NESTING.finditer(text, start):
            depth += (mark[0] in "[{") - (mark[0] in "]}")
            if depth == 0:
                return text[start : mark.end()], mark.end()
        return text[start:], len(text)
    word = _WORD.match(text, start)
    assert word is not None  # a character that is no blank is there
    if start > at and "=" in word[0]:  # "a= b=1": a is empty, and b is the next key
        return "", at
    return word[0], word.end()


def _plain(quoted: str) -> str:
    return re.sub(r"\\([\"'\\])", r"\1", quoted)  # ASE leaves other backslashes as they are


def words_of(value: str) -> list[str]:
    """The words of a value without its brackets, commas and `_JSON` prefix."""
    return re.sub(r"[\[\]{},]", " ", value.strip().removeprefix("_JSON")).split()


class Column(NamedTuple):
    """A declared column: its kind (S, R, I, L), where its first field stands, how many it has."""

    name: str
    kind: str
    start: int
    width: int

    def __str__(self) -> str:
        return f"{self.name}:{self.kind}:{self.width}"


class Layout(NamedTuple):
    """The columns of a frame; `total` fields a row, or None where nothing declares them."""

    columns: tuple[Column, ...]
    total: int | None

    def named(self, *names: str) -> Column | None:
        """The first of these columns that is there: by its exact name, else in other letters."""
        for name in names:
            exact = [c for c in self.columns if c.name == name]
            same = exact or [c for c in self.columns if c.name.lower() == name.lower()]
            if same:
                return same[0]
        return None


PLAIN = Layout((Column("species", "S", 0, 1), Column("pos", "R", 1, 3)), None)


@lru_cache(256)
def _layout(said: str) -> Layout | tuple[str, str]:
    """The layout that a value of `Properties` declares, or what was expected and what came."""
    parts = said.strip().split(":")
    form = "Properties as name:kind:count, such as species:S:1:pos:R:3"
    if len(parts) % 3 or not all(parts):
        return form, shown(said)
    columns, start = [], 0
    for name, kind, width in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        if not re.fullmatch(r"[1-9][0-9]{0,2}", width):
            return "Properties with column counts from 1 to 999", shown(width)
        if kind.upper() not in ("S", "R", "I", "L"):
            return "Properties of the kinds S, R, I and L", shown(kind)
        if name in (c.name for c in columns):
            return "each column of Properties once", f"{shown(name)} twice"
        columns.append(Column(name, kind.upper(), start, int(width)))
        start += int(width)
    return Layout(tuple(columns), start)


class Comment:
    """A comment line, its number in the file, and its pairs; the last may be asked by key."""

    def __init__(self, text: str, number: int):
        if len(text) > MAX_COMMENT and "=" in text[MAX_COMMENT:]:
            raise fail(number, f"at most {MAX_COMMENT} characters", str(len(text)))
        self.number = number
        self.pairs = pairs(text[:MAX_COMMENT])
        self.is_qm9 = re.match(r"\s*gdb\s+\d+\s", text) is not None

    def get(self, key: str, *, any_case: bool = False) -> str | None:
        """The raw value of a key, None where it is not there; InputError where it is there twice."""
        fold = str.lower if any_case else str
        values = [v for k, v in self.pairs if v is not None and fold(k) == fold(key)]
        if len(values) > 1:
            raise fail(self.number, f"{shown(key)} once", f"it {len(values)} times")
        return values[0] if values else None

    def keys(self) -> list[str]:
        """The keys that have a value."""
        return [key for key, value in self.pairs if value is not None]

    def numbers(self, key: str, size: int) -> list[float]:
        """The numbers that stand as a key; InputError where there are not so many."""
        value = self.get(key)
        if value is None:
            raise self.without(key)
        words = words_of(value)
        if len(words) != size:
            raise fail(self.number, f"{size} number{'s' * (size > 1)} as {key}", shown(value))
        return [value_of(word, self.number, key, MAX_LABEL) for word in words]

    def without(self, key: str) -> InputError:
        """The error that a key is not there, with those that are."""
        listed = ", ".join(ascii(k)[1:-1] for k in self.keys()[:12] if len(k) <= 40)
        return fail(self.number, f"{key}=…", f"the keys {listed}" if listed else "no key")

    def layout(self) -> Layout:
        """The declared columns, with those of species and places among them; else plain XYZ's."""
        said = self.get("Properties", any_case=True)
        if said is None:
            return PLAIN
        found = _layout(said[:5_000])
        if not isinstance(found, Layout):
            raise fail(self.number, *found)
        species, pos = species_of(found), places_of(found)
        if species is None or pos is None:
            raise fail(self.number, "Properties with species:S:1 and pos:R:3", shown(said))
        return found

    def cell(self) -> tuple[np.ndarray | None, tuple[bool, bool, bool]]:
        """The cell [3, 3] in Å, None without a Lattice, and along which vectors it repeats."""
        said = self.get("Lattice", any_case=True)
        if said is None or not any(c.isdecimal() for c in said):  # "Lattice = fcc" is a word
            return None, (False, False, False)
        values = words_of(said)
        if len(values) != 9:
            raise fail(self.number, "a Lattice of nine numbers", f"{len(values)} of them")
        cell = np.array([coordinate(value, self.number) for value in values]).reshape(3, 3)
        given = self.get("pbc", any_case=True)
        truths = [_TRUTH.get(w.strip("\"'").lower()) for w in words_of(given or "T T T")]
        truths = truths * 3 if len(truths) == 1 else truths
        if len(truths) != 3 or None in truths:
            raise fail(self.number, "pbc as three of T and F", shown(given or ""))
        return cell, (bool(truths[0]), bool(truths[1]), bool(truths[2]))


def species_of(layout: Layout) -> Column | None:
    """The column of elements: symbols, or atomic numbers."""
    symbols = layout.named("species", "element", "elements", "symbol", "symbols")
    if symbols is not None and (symbols.kind, symbols.width) == ("S", 1):
        return symbols
    numbers = layout.named("Z", "numbers", "atomic_numbers")
    return numbers if numbers is not None and (numbers.kind, numbers.width) == ("I", 1) else None


def places_of(layout: Layout) -> Column | None:
    """The column of positions."""
    found = layout.named("pos", "positions")
    return found if found is not None and found.kind in "RI" and found.width == 3 else None
