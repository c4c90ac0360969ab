"""The stored comparison of distance invariants: trained/ablation-invariants/result.json."""

from __future__ import annotations

import json
from typing import Any

from demetar.run import home

MOLECULES = ("ethanol", "aspirin", "benzene")  # of the experiment, also before it has been made
PARTS = (
    "settings",
    "table",
    "comparisons",
    "distances",
    "emphasis",
    "lengths",
    "runs",
    "statement",
)


def stored() -> dict[str, Any] | None:
    """The result as benchmarks/ablation.py wrote it; None if there is none or it is damaged."""
    try:
        found = json.loads((home() / "trained" / "ablation-invariants" / "result.json").read_text())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and set(PARTS) <= set(found) else None


def molecules(result: dict[str, Any] | None) -> list[str]:
    """The molecules in the order of the experiment."""
    have = {row["molecule"] for row in result["table"]} if result else set(MOLECULES)
    return [m for m in MOLECULES if m in have] + sorted(have - set(MOLECULES))
