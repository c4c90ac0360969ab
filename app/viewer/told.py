"""What of a scene is told in words: what can be pointed at, and its numbers as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from app.viewer.checked import Array
from app.viewer.scene import Arrows, Atoms, Field, Item, Panel, Particles, Track

TABLE_ROWS = 100


def xyz(point: Array) -> dict[str, float]:
    x, y, z = (round(float(value), 6) for value in point)
    return {"x": x, "y": y, "z": z}


def sign_of(charge: float) -> str:
    return "+" if charge > 0 else "−" if charge < 0 else ""


def marks_of(item: Item) -> list[dict[str, Any]]:
    """Things to point at: where, how large, what the pointer says, what is written on them."""
    if isinstance(item, Atoms):
        radii = {"H": 0.3}
        return [
            {"at": list(xyz(p).values()), "r": radii.get(s, 0.42), "name": f"{s}{i + 1}"}
            for i, (s, p) in enumerate(zip(item.species, np.asarray(item.positions), strict=True))
        ]
    if isinstance(item, Particles | Track):
        points = np.asarray(item.frames)[0] if isinstance(item, Track) else item.positions
        signs = [""] * len(np.asarray(points))
        if item.charges is not None:
            signs = [sign_of(float(c)) for c in np.asarray(item.charges)]
        return [
            {"at": list(xyz(p).values()), "r": item.radius, "name": f"{i + 1}", "sign": s}
            for i, (p, s) in enumerate(zip(np.asarray(points), signs, strict=True))
        ]
    return []


def table_of(items: Sequence[Item], names: Sequence[str]) -> dict[str, Any] | None:
    """Names, positions and the vectors on them, as text; None without a structure."""
    home = next((i for i in items if isinstance(i, Atoms | Particles)), None)
    if home is None:
        return None
    points = np.asarray(home.positions)[:TABLE_ROWS]
    columns = ["", "x", "y", "z"]
    rows = [[name, *(f"{c:.3f}" for c in p)] for name, p in zip(names, points, strict=False)]
    for item in items:
        if isinstance(item, Arrows | Field) and len(np.asarray(item.vectors)) == len(names):
            unit = f" {item.unit}" if item.unit else ""
            columns += [f"{item.label or 'vector'} {axis}{unit}" for axis in "xyz"]
            for row, vector in zip(rows, np.asarray(item.vectors), strict=False):
                row.extend(f"{c:.3g}" for c in vector)
    return {"columns": columns, "rows": rows}


def hint(panels: Sequence[Panel]) -> str:
    """What hands can do."""
    text = "Drag or arrow keys: camera · Shift-drag: move · + −: zoom · 0: reset"
    if any(item for panel in panels for item in panel.items if isinstance(item, Track)):
        text += " · space: play"
    if any(panel.input for panel in panels):
        text += " · in the outlined panel, or with Shift + arrow keys: the input turns"
    return text
