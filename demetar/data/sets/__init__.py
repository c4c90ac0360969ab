"""Data sets, one file each: `ABOUT = DataSet(…)` and the functions that read it.

`systems(split, target, size, **options)`, `present(**options)`, `read`, `baselines(target, **options)`
and `published(target, **options)` stand in every file; `facts(target, **options)` where an option
changes what a target is (a file), `free_atoms(target, **options)` where those are known.
"""

from collections.abc import Mapping
from types import ModuleType
from typing import Any

from demetar.core.registry import unknown
from demetar.data.sets._about import SPLITS, DataSet, Facts, Target

__all__ = ["SPLITS", "DataSet", "Facts", "Target", "checked_options", "facts_of", "published_of"]


def published_of(module: ModuleType, target: str, options: object = None) -> dict[str, float]:
    """What papers report on a target by model, for these options of the set's `systems`."""
    given = options if isinstance(options, dict) else {}
    known = {key: given[key] for key in module.ABOUT.options if key in given}
    return module.published(target, **known)


def checked_options(module: ModuleType, options: Mapping[str, Any]) -> dict[str, str]:
    """The options as texts; InputError for a key or a value that the set does not know."""
    about = module.ABOUT
    known = [*about.options, *about.free_options]
    for key, value in options.items():
        if key not in known:
            raise unknown(f"an option of the data set {about.title}", known, key)
        if key in about.options and str(value) not in about.options[key]:
            named = [text or "nothing" for text in about.options[key]]
            raise unknown(f"a value of {key} of the data set {about.title}", named, value)
    return {key: str(value) for key, value in options.items()}


def facts_of(module: ModuleType, target: str, options: Mapping[str, str]) -> Facts:
    """The facts of a target; a set whose facts depend on its options (a file) tells them itself."""
    return getattr(module, "facts", module.ABOUT.facts)(target, **options)
