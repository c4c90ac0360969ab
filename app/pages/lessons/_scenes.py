"""What lessons show in space: panels for the viewer, which keeps its canvas while the numbers change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from app import viewer as look

BOHR = 0.529177210903  # Å
SYMBOLS = {1: "H", 6: "C", 7: "N", 8: "O"}


def isosurfaces(named: Mapping[str, Mapping[str, Any]], about: str) -> list[Any]:
    """Surfaces of equal value, "above" vermillion and "below" blue, and the atoms in them; in bohr.

    Both are "corners" [v, 3], "faces" [f, 3] and "normals" [v, 3]; "positions" [n, 3] and "species". A
    panel a title; `about` is said of the first.
    """
    panels = []
    for title, found in named.items():
        symbols = [SYMBOLS[int(s)] for s in found["species"]]
        items: list[Any] = [look.Atoms(symbols, found["positions"] * BOHR)]
        for part, hue in (("above", look.VERMILLION), ("below", look.BLUE)):
            mesh = found[part]
            if len(mesh["faces"]):
                corners = mesh["corners"] * BOHR
                items.append(look.Mesh(corners, mesh["faces"], mesh["normals"], hue))
        panels.append(look.Panel(title, items, about="" if panels else about))
    return panels


def spherical(
    named: Mapping[str, np.ndarray], directions: np.ndarray, faces: np.ndarray
) -> list[Any]:
    """Functions on the sphere, [k] values at directions [k, 3], drawn at the distance of their size."""
    origin, panels = np.zeros((1, 3)), []
    for title, values in named.items():
        lobes = look.Lobes(origin, values[None], directions, faces)
        axes = look.Arrows(np.zeros((3, 3)), 0.7 * np.eye(3), look.GREY, width=0.01)
        about = "axes at first: x right, y up, z to you" if panels else "+ blue, − vermillion"
        panels.append(look.Panel(title, [lobes, axes], caption=about))
    return panels


def clouds(panels: Mapping[str, Mapping[str, np.ndarray]]) -> list[Any]:
    """Points [n, 3] in space, a panel each; the first of a panel are balls joined in their order, the
    second ones are halos around where they should be."""
    spread = max(float(np.abs(x).max()) for panel in panels.values() for x in panel.values())
    size, found = 0.09 * max(spread, 1e-9), []
    for title, panel in panels.items():
        items: list[Any] = []
        for k, (name, x) in enumerate(panel.items()):
            hue = look.GREY if k else look.BLUE
            items.append(
                look.Particles(
                    x, color=hue, radius=(1.6 if k else 1) * size, ghost=bool(k), label=name
                )
            )
            if not k:
                items.append(_joined(x))
        found.append(look.Panel(title, items))
    return found


def _joined(x: np.ndarray) -> Any:
    """Rods from each point to the next."""
    steps: Sequence[int] = range(len(x) - 1)
    return look.Edges(
        x, list(steps), [i + 1 for i in steps], np.full(len(x) - 1, 0.3), look.BLUE, ""
    )
