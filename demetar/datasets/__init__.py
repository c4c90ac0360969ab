"""Data sets, one file each: SOURCES, TARGETS, LICENCE, CITATION and read()."""

from types import ModuleType


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
