"""The stored ablations: trained/ablation-<experiment>/result.json."""

from __future__ import annotations

import json
from typing import Any

from demetar.core.disk import trained

MOLECULES = ("ethanol", "aspirin", "benzene")  # of the experiments, also before they are made
PARTS = {"settings", "table", "comparisons", "runs", "statement"}
MORE = {"invariants": {"distances", "emphasis", "lengths"}, "envelopes": set(), "equiformer": set()}


def stored(experiment: str) -> dict[str, Any] | None:
    """The result as benchmarks/ablation.py wrote it; None if there is none or it is damaged."""
    path = trained() / f"ablation-{experiment}" / "result.json"
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and PARTS | MORE[experiment] <= set(found) else None


def molecules(result: dict[str, Any] | None) -> list[str]:
    """The molecules in the order of the experiment."""
    have = {row["molecule"] for row in result["table"]} if result else set(MOLECULES)
    return [m for m in MOLECULES if m in have] + sorted(have - set(MOLECULES))
