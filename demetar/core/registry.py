"""Finds models, data sets, groups and lessons by the names of their files."""

import difflib
import importlib
import pkgutil
from types import ModuleType

from demetar.core.errors import InputError

SHELVES = {
    "models": "demetar.models",
    "groups": "demetar.symmetry.groups",
    "datasets": "demetar.data.sets",
    "mirrors": "demetar.training.mirrors",
    "lessons": "demetar.lessons",
}


def names(kind: str) -> list[str]:
    """The registered names of a kind of SHELVES, such as "models", in alphabetical order."""
    package = importlib.import_module(SHELVES[kind])
    found = (m.name for m in pkgutil.iter_modules(package.__path__) if not m.ispkg)
    return sorted(name for name in found if not name.startswith("_"))


def load(kind: str, name: str) -> ModuleType:
    """The module of that name; raises InputError that names the closest match on a miss."""
    known = names(kind)
    if name not in known:
        raise InputError(
            f"Expected one of the {kind} {', '.join(known)}, got {name!r}{closest(name, known)}."
        )
    return importlib.import_module(f"{SHELVES[kind]}.{name}")


def closest(name: str, known: list[str]) -> str:
    """The hint that ends a sentence about an unknown name: the nearest known one, if any."""
    match = difflib.get_close_matches(str(name), known, n=1)
    return f"; did you mean {match[0]!r}?" if match else "; choose one of them"
