"""Lectures from TOML files: scenes that show a page of the explorer. No Streamlit.

    title = "Equivariance for beginners"
    sentence = "What the audience will know afterwards."

    [[scenes]]
    title = "Turn first or predict first?"
    sentence = "What to look at."
    notes = "What the speaker says."            # shown small, on a key
    page = "molecule"
    parameters = {molecule = "ethanol", angle = 60}   # as in that page's address
    hide = ["controls", "tools"]                # what of the page is not shown
    large = true                                # the default: type for a projector

Everything is checked on reading: a mistake is one sentence that names the file and the scene.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from demetar.core.disk import PROJECT, home
from demetar.core.errors import InputError, quoted, reason
from demetar.core.registry import closest

OF_LECTURE = {"title": str, "sentence": str, "scenes": list}
OF_SCENE = {
    "title": str, "sentence": str, "notes": str, "page": str, "parameters": dict, "hide": list,
    "large": bool,
}  # fmt: skip
NEEDED = ("title", "page")
KINDS = {
    str: "a text in quotes", list: "a list in brackets", dict: "a table", bool: "true or false",
}  # fmt: skip
MOST = 100  # scenes
LISTED = 12  # names that a sentence lists


class Values(Protocol):
    """What a parameter may be."""

    def wrong(self, text: str) -> str | None:
        """What was expected instead of this text, and how to go on; None if it is right."""
        ...


@dataclass(frozen=True)
class OneOf:
    """One of these names."""

    names: Sequence[str]

    def wrong(self, text: str) -> str | None:
        """None, or the names with the closest one."""
        return None if text in self.names else _among(self.names, text)


@dataclass(frozen=True)
class SomeOf:
    """One or more of these names, with commas between them."""

    names: Sequence[str]

    def wrong(self, text: str) -> str | None:
        """None, or the names with the one closest to the first that is unknown."""
        unknown = next((part for part in text.split(",") if part not in self.names), None)
        return None if unknown is None else _among(self.names, unknown)


@dataclass(frozen=True)
class Between:
    """A number from `low` to `high`; a whole one where `low` is."""

    low: float
    high: float

    def wrong(self, text: str) -> str | None:
        """None, or the range."""
        whole = isinstance(self.low, int)
        try:
            value = int(text) if whole else float(text)
        except ValueError:
            value = math.nan
        if self.low <= value <= self.high:
            return None
        kind = "whole number" if whole else "number"
        return f"a {kind} from {self.low:g} to {self.high:g}, got {quoted(text)}; correct it."


@dataclass(frozen=True)
class Direction:
    """The name of an axis, or three numbers that are not all zero, such as 1,0,0."""

    names: Sequence[str]

    def wrong(self, text: str) -> str | None:
        """None, or what an axis is."""
        if text in self.names:
            return None
        try:
            parts = [float(part) for part in text.split(",")]
        except ValueError:
            parts = []
        square = sum(part * part for part in parts)
        if len(parts) == 3 and 1e-6 < square < 1e6:
            return None
        return f"{', '.join(self.names)} or three numbers such as 1,0,0, got {quoted(text)}; correct it."


@dataclass(frozen=True)
class Showable:
    """What a scene may say of a page: its parameters, and what of it can be hidden.

    `further`: for a parameter the parameters that each of its values brings along.
    """

    parameters: Mapping[str, Values] = field(default_factory=dict)
    controls: Sequence[str] = ()
    further: Mapping[str, Mapping[str, Mapping[str, Values]]] = field(default_factory=dict)

    def beside(self, given: Mapping[str, Any]) -> dict[str, Values]:
        """The parameters, with those that the given ones bring along."""
        found = dict(self.parameters)
        for name, by_value in self.further.items():
            found |= by_value.get(str(given.get(name)), {})
        return found


Known = Mapping[str, Showable]


@dataclass(frozen=True)
class Scene:
    """One scene: words above, a page with its parameters below."""

    title: str
    page: str
    sentence: str = ""
    notes: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    hide: tuple[str, ...] = ()
    large: bool = True


@dataclass(frozen=True)
class Lecture:
    """A lecture by the name of its file."""

    name: str
    title: str
    sentence: str
    scenes: tuple[Scene, ...]


def files() -> dict[str, Path]:
    """The files by name, the project's own first; those in `data/lectures` of $DEMETAR_HOME follow."""
    folders = dict.fromkeys((PROJECT / "data" / "lectures", home().resolve() / "data" / "lectures"))
    return {path.stem: path for folder in folders for path in sorted(folder.glob("*.toml"))}


def read(path: Path, known: Known) -> Lecture:
    """The lecture in a file; InputError with its first mistake. `known`: what pages can show."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"Expected a lecture as a TOML file in {path.name}, got '{reason(error)}'; correct it."
        ) from None
    _checked(content, OF_LECTURE, ("title", "scenes"), path.name)
    tables = content["scenes"]
    if not 1 <= len(tables) <= MOST:
        raise InputError(
            f"Expected 1 to {MOST} scenes in {path.name}, got {len(tables)}; add or take away some."
        )
    scenes = [_scene(t, f"scene {i} of {path.name}", known) for i, t in enumerate(tables, 1)]
    return Lecture(path.stem, content["title"], content.get("sentence", ""), tuple(scenes))


def _scene(table: Any, where: str, known: Known) -> Scene:
    if not isinstance(table, dict):
        raise InputError(
            f"Expected {where} to be a table [[scenes]], got {quoted(table)}; correct it."
        )
    _checked(table, OF_SCENE, NEEDED, where)
    page = table["page"]
    _named(page, list(known), f"the page in {where}")
    showable, parameters = known[page], {}
    allowed = showable.beside(table.get("parameters", {}))
    for name, value in table.get("parameters", {}).items():
        _named(name, list(allowed), f"a parameter of the page {page} in {where}")
        parameters[name] = _text(value, f"{name} in {where}")
        wrong = allowed[name].wrong(parameters[name])
        if wrong is not None:
            wanted, _, got = wrong.partition(", got ")
            given, _, advice = got.partition("; ")
            advice = advice or "correct it."
            raise InputError(f"Expected {name} in {where} to be {wanted}, got {given}; {advice}")
    for control in table.get("hide", []):
        _named(control, showable.controls, f"what is hidden of the page {page} in {where}")
    plain = {k: table[k] for k in ("title", "page", "sentence", "notes", "large") if k in table}
    return Scene(parameters=parameters, hide=tuple(table.get("hide", [])), **plain)


def _checked(
    table: Mapping[str, Any], kinds: Mapping[str, type], needed: Sequence[str], where: str
) -> None:
    for key, value in table.items():
        _named(key, list(kinds), f"a key in {where}")
        if not isinstance(value, kinds[key]):
            raise InputError(
                f"Expected {key} in {where} to be {KINDS[kinds[key]]}, got {quoted(value)}; correct it."
            )
    for key in needed:
        if not table.get(key):
            raise InputError(f"Expected {key} in {where}, got none; add it.")


def _named(name: Any, names: Sequence[str], what: str) -> None:
    if name not in names:
        wanted, _, got = _among(names, name).partition(", got ")
        given, _, advice = got.partition("; ")
        advice = advice or "correct it."
        raise InputError(f"Expected {what} to be {wanted}, got {given}; {advice}")


def _among(names: Sequence[str], name: Any) -> str:
    """The rest of the sentence about a name that is none of `names`."""
    if not names:
        return f"left out, got {quoted(name)}; take it away."
    listed = ", ".join(names[:LISTED]) + (" …" if len(names) > LISTED else "")
    return f"one of {listed}, got {quoted(name)}{closest(str(name), names)}"


def _text(value: Any, what: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise InputError(
            f"Expected {what} to be a text or a number, got {quoted(value)}; correct it."
        )
    return str(value)
