"""The stored result of augmentation: trained/augmentation/result.json."""

from __future__ import annotations

import json
import math
import statistics
from typing import Any

from demetar.core.disk import trained

SETS = {"rmd17": "Ethanol", "nbody": "Charged bodies"}
ARMS = {"": "as they lie", "SO(3)": "turned at random"}
MEASURED = {"SO(3)", "T(3)", "error", "error_turned"}
ROW = {"set", "augment", "seed", "epochs", "before", "after"}


def stored() -> list[dict[str, Any]] | None:
    """The trainings as benchmarks/lieconv.py wrote them; None if there are none or they are damaged."""
    try:
        found = json.loads((trained() / "augmentation" / "result.json").read_text())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, list) and found and all(map(_sound, found)) else None


def _sound(row: Any) -> bool:
    if not isinstance(row, dict) or not set(row) >= ROW:
        return False
    known = row["set"] in list(SETS) and row["augment"] in list(ARMS)
    counted = isinstance(row["seed"], int) and isinstance(row["epochs"], int)
    return known and counted and all(_numbers(row[when]) for when in ("before", "after"))


def _numbers(found: Any) -> bool:
    """Finite and not negative; Δ under rotations has a logarithm: no input is so symmetric."""
    if not isinstance(found, dict) or not all(type(found.get(k)) in (int, float) for k in MEASURED):
        return False
    return all(0 <= found[k] < math.inf for k in MEASURED) and found["SO(3)"] > 0


def sets(rows: list[dict[str, Any]]) -> list[str]:
    """The data that were trained on both ways, in the order of SETS."""
    return [s for s in SETS if all(values(rows, s, arm, "after", "error") for arm in ARMS)]


def values(rows: list[dict[str, Any]], name: str, augment: str, when: str, key: str) -> list[float]:
    """One number of each seed, "before" or "after" training."""
    return [r[when][key] for r in rows if (r["set"], r["augment"]) == (name, augment)]


def middle(rows: list[dict[str, Any]], name: str, augment: str, when: str, key: str) -> float:
    """The median over the seeds: of three one can lie far off."""
    return statistics.median(values(rows, name, augment, when, key))
