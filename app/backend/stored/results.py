"""The stored results at equal cost: trained/equal_cost/result.json."""

from __future__ import annotations

import json
from typing import Any

from demetar.core.disk import trained

PLACES = ("nbody", "nbody clean", "qm9", "rmd17")  # of the experiments, also before they are made
PARTS = {"made", "places", "table", "claims"}
ABOUT = {"title", "split", "minutes", "metric", "unit", "baselines", "note"}
COSTS = ("parameters", "seconds_a_step", "epochs")
DONE = {"test", "delta", "seeds", "processor", *COSTS}


def stored() -> dict[str, Any] | None:
    """The result as benchmarks/results.py wrote it; None if there is none or it is damaged."""
    path = trained() / "equal_cost" / "result.json"
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return found if _sound(found) else None


def _sound(found: Any) -> bool:
    if not isinstance(found, dict) or not set(found) >= PARTS or not found["places"]:
        return False
    tables = all(isinstance(a, dict) and set(a) >= ABOUT for a in found["places"].values())
    rows = all(
        isinstance(r, dict) and (r.get("state") != "finished" or set(r) >= DONE)
        for r in found["table"]
    )
    return tables and rows


def places(result: dict[str, Any] | None) -> list[str]:
    """The tables in the order of the experiments."""
    have = set(result["places"]) if result else set(PLACES)
    return [p for p in PLACES if p in have] + sorted(have - set(PLACES))


def rows(result: dict[str, Any], place: str) -> list[dict[str, Any]]:
    """The models of a table: the least error first, then what has not been run."""
    found = [r for r in result["table"] if r["place"] == place]
    return sorted(found, key=lambda r: (not finished(r), r["test"]["mean"] if finished(r) else 0))


def finished(row: dict[str, Any]) -> bool:
    """Whether there is anything to show of a model."""
    return row["state"] == "finished"
