"""Elements that are aimed: pairs of particles exactly along an axis, one of them at the origin.

There angles have no value and sin θ divides. Random elements never meet these places.
"""

from __future__ import annotations

import numpy as np

from demetar.core.graph import Graph
from demetar.diagnosis.asked import Asked
from demetar.diagnosis.evidence.groups import BROKEN
from demetar.diagnosis.moves import Ruler, about, carried, crooked, element, orientations
from demetar.diagnosis.record import Evidence

POLES = [s * e for e in np.eye(3)[::-1] for s in (1.0, -1.0)]
PAIRS = 6


def onto(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The rotation that takes the direction a to the direction b."""
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    axis = np.cross(a, b)
    if np.linalg.norm(axis) < 1e-12:
        axis = np.cross(a, np.eye(3)[np.abs(a).argmin()])
        return np.eye(3) if a @ b > 0 else about(axis, np.pi)
    return about(axis, float(np.arctan2(np.linalg.norm(axis), a @ b)))


def aimed(asked: Asked, ruler: Ruler) -> Evidence:
    """Marks: aimed (no number, or off by far more than at random elements), not-finite."""
    graph = crooked(asked)
    x = np.asarray(graph.positions, np.float64)
    base, worst, none, where = asked.one(graph), 0.0, 0, ""
    generic = 0.0
    for g in [orientations(4, seed=5)[i] for i in range(4)]:
        generic = max(generic, *ruler.delta(g, base, asked.one(carried(g, graph))).values())
    for i, j in _pairs(x):
        for pole in POLES:
            g = _placed(x, i, j, pole)
            after = _exact(carried(g, graph), i, j, pole, float(np.linalg.norm(x[j] - x[i])))
            delta = max(ruler.delta(g, base, asked.one(after)).values())
            none += not np.isfinite(delta)
            if delta > worst:
                worst, where = delta, f"particles {i + 1} and {j + 1} along {_named(pole)}"
    straight = _straight(asked, graph)
    jump = np.isfinite(generic) and worst > max(1e-7, 1e4 * max(generic, BROKEN))
    marks = {"aimed": bool(none or jump or straight), "not-finite": bool(none or straight)}
    numbers = {
        "random": generic,
        "aimed": worst,
        "without a number": none,
        "straight line": straight,
    }
    sentence = f"No aimed element does more than others ({worst:.0e})."
    if none:
        sentence = f"There is no number with {where}."
    elif straight:
        sentence = "There is no number with three particles in a straight line."
    elif jump:
        sentence = f"Off by {worst:.0e} with {where}, by {generic:.0e} elsewhere."
    return Evidence("aimed elements", sentence, marks, numbers)


def _pairs(x: np.ndarray) -> list[tuple[int, int]]:
    """The closest pairs, each particle at most twice."""
    n = len(x)
    apart = np.linalg.norm(x[:, None] - x[None], axis=-1)
    order = sorted(
        (apart[i, j], i, j) for i in range(n) for j in range(n) if i < j and apart[i, j] > 0
    )
    used, found = np.zeros(n, int), []
    for _, i, j in order:
        if used[i] < 2 and used[j] < 2 and len(found) < PAIRS:
            used[[i, j]] += 1
            found.append((i, j))
    return found


def _placed(x: np.ndarray, i: int, j: int, pole: np.ndarray):
    matrix = onto(x[j] - x[i], pole)
    return element(matrix, -(matrix @ x[i]))


def _exact(graph: Graph, i: int, j: int, pole: np.ndarray, length: float) -> Graph:
    """Particle i at the origin and j on the axis to the last digit."""
    x = np.array(graph.positions)
    x[i], x[j] = 0.0, length * pole
    return graph.replace(positions=x)


def _straight(asked: Asked, graph: Graph) -> bool:
    x = np.asarray(graph.positions, np.float64)
    if len(x) < 3:
        return False
    i, j = _pairs(x)[0]
    far = np.linalg.norm(x - x[j], axis=1)
    far[[i, j]] = np.inf
    after = x.copy()
    after[int(far.argmin())] = 2 * x[j] - x[i]
    rows = asked.one(graph.replace(positions=after))
    return not all(np.isfinite(v).all() for v in rows.values())


def _named(pole: np.ndarray) -> str:
    axis = int(np.abs(pole).argmax())
    return f"{'+' if pole[axis] > 0 else '−'}{'xyz'[axis]}"
