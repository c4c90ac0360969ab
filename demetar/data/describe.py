"""What a data set is, whether it is here, and how its labels are spread, as plain values."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from demetar.core import registry
from demetar.core.disk import data_root
from demetar.core.errors import InputError
from demetar.data.sets import SPLITS, checked_options, published_of

BINS = 40


def spread(values: np.ndarray, bins: int = BINS) -> dict[str, Any]:
    """Count, mean, standard deviation, least and greatest of numbers, and their histogram."""
    values = np.asarray(values, np.float64).reshape(-1)
    low, high = float(values.min()), float(values.max())
    if not high - low > abs(low) * 1e-12:  # a histogram of equal values needs a width
        high = low + max(abs(low) * 1e-6, 1e-12)
    counts, edges = np.histogram(values, bins, (low, high))
    return {
        "count": len(values),
        "mean": float(values.mean()),
        "std": float(values.std()),
        "min": float(values.min()),
        "max": float(values.max()),
        "histogram": {"counts": counts.tolist(), "edges": edges.tolist()},
    }


def statistics(module: ModuleType, options: dict[str, str]) -> dict[str, Any]:
    """The spread of every target over the training split, with its unit; of forces where labelled.

    Vectors and positions are counted by component.
    """
    found: dict[str, Any] = {}
    for target, stated in module.ABOUT.targets.items():
        try:
            data = module.systems("train", target, None, **options)
        except InputError as error:  # a file need not hold every label
            found[target] = {"unit": stated.unit, "missing": str(error)}
            continue
        found[target] = {"unit": data.unit, **spread(data.targets)}
        if data.forces is not None:
            found["forces"] = {"unit": f"{data.unit}/Å", **spread(data.forces)}
    return found


def describe(name: str, options: dict[str, str]) -> dict[str, Any]:
    """Everything that a data set states about itself, and its labels' spread if it is here.

    Raises InputError for a data set or an option that there is not.
    """
    module = registry.load("datasets", name)
    options = checked_options(module, options)
    here = bool(module.present(**options))
    own = module.ABOUT
    published = {target: published_of(module, target) for target in own.targets}
    return {
        "name": name,
        "title": own.title,
        "summary": own.summary,
        "bytes": own.size,
        "licence": own.licence,
        "citation": own.citation,
        "sources": [dict(source) for source in own.sources],
        "inputs": own.inputs,
        "targets": {
            target: {"irreps": t.irreps, "unit": t.unit, "output": t.kind}
            for target, t in own.targets.items()
        },
        "forces": own.forces,
        "units": dict(own.units),
        "options": {key: list(values) for key, values in own.options.items()},
        "chosen": {**own.usual, **options},
        "notes": dict(own.notes),
        "published": {target: found for target, found in published.items() if found},
        "folder": str(data_root() / name),
        "here": here,
        "splits": sizes(module, options) if here else None,
        "statistics": statistics(module, options) if here else None,
    }


def sizes(module: ModuleType, options: dict[str, str]) -> dict[str, int]:
    """How many systems each split has; InputError where no target can be read."""
    problems = []
    for target in module.ABOUT.targets:
        try:
            return {s: len(module.systems(s, target, None, **options)) for s in SPLITS}
        except InputError as error:
            problems.append(error)
    raise problems[0]


def text(about: dict[str, Any]) -> str:
    """`describe`'s answer for a reader."""

    def listed(values: dict[str, Any]) -> str:
        return ", ".join(f"{key}: {value}" for key, value in values.items())

    size = (
        f"{about['bytes'] / 1e6:,.1f} MB to download" if about["bytes"] else "nothing to download"
    )
    get = " ".join(["demetar data get", about["name"], *_flags(about)])
    lines = [
        f"{about['title']} ({about['name']}): {size}; {about['licence']}",
        about["summary"],
        f"Cite: {about['citation']}",
        f"Units: {listed(about['units'])}",
        *(f"Option {key}: {', '.join(values)}" for key, values in about["options"].items()),
        *_notes(about),
        f"Folder: {about['folder']}" + ("" if about["here"] else f" (not here yet; {get})"),
    ]
    if about["here"]:
        chosen = f" ({listed(about['chosen'])})" if about["chosen"] else ""
        lines.append(f"Systems{chosen}: {listed(about['splits'])}")
    for target, row in (about["statistics"] or {}).items():
        if "missing" in row:
            lines.append(f"{target}: {row['missing']}")
            continue
        numbers = ", ".join(f"{key} {row[key]:.6g}" for key in ("mean", "std", "min", "max"))
        lines.append(f"{target} ({row['unit']}, train): {numbers}")
    return "\n".join(lines)


def _notes(about: dict[str, Any]) -> list[str]:
    """What has to be said of the chosen options, or of the set where nothing is said of those."""
    notes = about["notes"]
    own = [notes[value] for value in about["chosen"].values() if value in notes]
    return own or [notes[value] for value in ("",) if value in notes]


def _flags(about: dict[str, Any]) -> list[str]:
    usual = {key: values[0] for key, values in about["options"].items()}
    return [f"--option {k}={v}" for k, v in about["chosen"].items() if usual.get(k) != v]
