"""Data sets, one file each: SOURCES, TARGETS, LICENCE, CITATION and read()."""

import dataclasses
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from demetar.core.errors import InputError
from demetar.core.registry import closest


def output_of(module: ModuleType, target: str) -> str | None:
    """What a model has to give for a target: "positions", "scalar", …; None where none can."""
    return getattr(module, "OUTPUTS", {}).get(target, module.OUTPUT)


def forces_of(module: ModuleType) -> bool:
    """Whether the set labels forces, the negative gradient of its target, beside the target."""
    return getattr(module, "FORCES", False)


def options_of(module: ModuleType) -> dict[str, tuple[str, ...]]:
    """The values of each keyword option of the set's `systems`, the usual one first."""
    return getattr(module, "OPTIONS", {})


def published_of(module: ModuleType, target: str, options: object = None) -> dict[str, float]:
    """What papers report on a target by model, for these options of the set's `systems`."""
    if not hasattr(module, "published"):
        return module.PUBLISHED.get(target, {})
    given = options if isinstance(options, dict) else {}
    known = {key: given[key] for key in options_of(module) if key in given}
    return module.published(target, **known)


def checked_options(module: ModuleType, options: Mapping[str, Any]) -> dict[str, str]:
    """The options as texts; InputError for one that the set's `systems` does not take."""
    known = [*options_of(module), *getattr(module, "FREE_OPTIONS", ())]
    for key in options:
        if key not in known:
            which = f"an option among {', '.join(known)}" if known else "no option"
            raise InputError(
                f"Expected {which} for the data set {module.TITLE}, got {key!r}{closest(key, known)}."
            )
    return {key: str(value) for key, value in options.items()}


@dataclasses.dataclass(frozen=True)
class Facts:
    """What a run has to know of a target: what the model reads and gives, the target's unit, whether
    forces are labelled, and the atomic numbers that occur, if they are not the usual ones."""

    inputs: str | None
    output: str | None
    unit: str
    forces: bool
    species: tuple[int, ...] | None = None


def facts_of(module: ModuleType, target: str, options: Mapping[str, str]) -> Facts:
    """The facts of a target; a set whose facts depend on its options (a file) tells them itself."""
    if hasattr(module, "facts"):
        return module.facts(target, **options)
    output = output_of(module, target)
    return Facts(module.INPUTS, output, module.TARGETS[target][1], forces_of(module))
