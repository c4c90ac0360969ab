"""Sound functions of molecules in NumPy alone, as a stranger's model is: a dict of arrays, no trace.

Written apart from `demetar.diagnosis.faults`, with other formulas, so that what is tuned to those shows here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ase
import ase.build
import numpy as np

from demetar.core.graph import Graph, from_atoms
from demetar.diagnosis.asked import Asked
from demetar.diagnosis.moves import Ruler

CHARGE = {1: 0.4, 6: 1.0, 7: 1.2, 8: 1.5, 9: 1.7, 17: 2.1, 35: 2.6}
Answer = dict[str, np.ndarray]
Function = Callable[[Graph], Answer]


def molecules() -> dict[str, Graph]:
    """An ordinary, an asymmetric and two symmetric molecules."""
    bent = ase.Atoms(
        "CHFClBr",
        [
            (0, 0, 0),
            (0.63, 0.63, 0.6),
            (-0.8, -0.78, 0.77),
            (-1.0, 1.02, -1.01),
            (1.1, -1.12, -1.15),
        ],
    )
    made = {"ethanol": ase.build.molecule("CH3CH2OH"), "CHFClBr": bent}
    made |= {"methane": ase.build.molecule("CH4"), "benzene": ase.build.molecule("C6H6")}
    return {k: from_atoms(v) for k, v in made.items()}


def charges(graph: Graph, like: np.ndarray) -> np.ndarray:
    """Charges [n] by species, in the precision of `like`."""
    return np.array([CHARGE[int(z)] for z in graph.species], like.dtype)


def pairs(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Differences x_i − x_j [n, n, 3] and their squares [n, n]."""
    r = x[:, None] - x[None]
    return r, (r * r).sum(-1)


def vectors(x: np.ndarray, q: np.ndarray, width: float = 3.0) -> np.ndarray:
    """Σ_j q_j exp(−d²/width) (x_i − x_j) [n, 3]."""
    r, square = pairs(x)
    return ((q[None] * np.exp(-square / width))[:, :, None] * r).sum(1)


def bonds(graph: Graph) -> Answer:
    """Energy and forces of pairs, exact: Σ_{i<j} q_i q_j exp(−d²/3)."""
    x = np.asarray(graph.positions)
    q = charges(graph, x)
    r, square = pairs(x)
    w = q[:, None] * q[None] * np.exp(-square / 3) * (1 - np.eye(len(x), dtype=x.dtype))
    return {"energy": w.sum() / 2, "forces": (2 / 3 * w[:, :, None] * r).sum(1)}


def squares(
    graph: Graph,
    change: Callable[[np.ndarray], np.ndarray] = lambda v: v,
    extra: Callable[[np.ndarray, np.ndarray, np.ndarray], Any] = lambda x, q, v: 0.0,
    place: Callable[[np.ndarray], np.ndarray] = lambda x: x,
) -> Answer:
    """Energy Σ log(1 + |v_i|²) and dipole Σ q_i² v_i of changed vectors, without forces."""
    x = place(np.asarray(graph.positions))
    q = charges(graph, x)
    v, u = change(vectors(x, q)), change(vectors(x, q, 1.5))
    energy = np.log1p((v * v).sum(-1) + 0.5 * (v * u).sum(-1)).sum() + extra(x, q, v)
    return {"energy": energy, "dipole": (q[:, None] ** 2 * (v + 0.3 * u)).sum(0)}


def sound(graph: Graph) -> Answer:
    """Pairs and vectors together."""
    return bonds(graph) | {"dipole": squares(graph)["dipole"]}


def prepared(f: Any, molecule: str = "CHFClBr") -> tuple[Asked, Ruler]:
    """A function at a molecule, ready for a piece of evidence."""
    asked = Asked(f, molecules()[molecule])
    return asked, Ruler(asked)
