"""Finds models, data sets, groups and lessons by the names of their files."""

import difflib
import functools
import importlib
import os
import pkgutil
from collections.abc import Iterable
from types import ModuleType

from demetar.core.errors import LONGEST, InputError, quoted

SHELVES = {
    "models": "demetar.models",
    "groups": "demetar.symmetry.groups",
    "datasets": "demetar.data.sets",
    "mirrors": "demetar.training.mirrors",
    "lessons": "demetar.lessons",
}
ONE = {
    "models": "a model", "groups": "a group", "datasets": "a data set", "mirrors": "a mirror",
    "lessons": "a lesson",
}  # fmt: skip


def names(kind: str) -> list[str]:
    """The registered names of a kind of SHELVES, such as "models", in alphabetical order."""
    paths = tuple(importlib.import_module(SHELVES[kind]).__path__)
    return list(_names(paths, tuple(_changed(path) for path in paths)))


def _changed(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:  # in an archive, which stays as it is
        return 0


@functools.lru_cache(maxsize=32)
def _names(paths: tuple[str, ...], changed: tuple[int, ...]) -> tuple[str, ...]:
    found = (m.name for m in pkgutil.iter_modules(paths) if not m.ispkg)
    return tuple(sorted(name for name in found if not name.startswith("_")))


def load(kind: str, name: str) -> ModuleType:
    """The module of that name; raises InputError that names the closest match on a miss."""
    known = names(kind)
    if name not in known:
        raise unknown(ONE[kind], known, name)
    return importlib.import_module(f"{SHELVES[kind]}.{name}")


def closest(name: str, known: Iterable[str], otherwise: str = "choose one of them") -> str:
    """How a sentence about an unknown name ends: the nearest known one, if any is near."""
    match = difflib.get_close_matches(str(name)[:LONGEST], list(known), n=1)
    return f"; did you mean {match[0]!r}?" if match else f"; {otherwise}."


def unknown(what: str, known: Iterable[str], name: object) -> InputError:
    """The error that a name is none of the known ones, which it lists, with the nearest."""
    known = list(known)
    if not known:
        return InputError(
            f"Expected no {what.split(' ', 1)[-1]}, got {quoted(name)}; leave it out."
        )
    return InputError(
        f"Expected {what} among {', '.join(known)}, got {quoted(name)}{closest(str(name), known)}"
    )
