"""Outputs of every usual type at a molecule: their signs under inversion, and the law that fits each.

All host numpy; lengths in Å. No Streamlit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ase
import numpy as np
from ase import units

from app.backend.measuring.faulty import crooked
from app.backend.measuring.later import Later
from app.backend.molecules import Element, Source, brief, isometries, molecule
from demetar.core.graph import Graph, from_arrays, from_atoms
from demetar.diagnosis.typed import typed
from demetar.runs.run import Run
from demetar.symmetry import equivariance
from demetar.symmetry.instruments.laws import Law, laws, turned

OUTPUTS = {
    "energy": "a number",
    "dipole": "an arrow",
    "forces": "an arrow an atom",
    "angular momentum": "an axial vector",
    "polarizability": "a symmetric tensor",
}
# What can be declared wrongly: (output, irreps) and why somebody would.
WRONG = {
    "energy as 0o": ("energy", "1x0o"),
    "dipole as 1e": ("dipole", "1x1e"),
    "forces as three numbers, 3×0e": ("forces", "3x0e"),
    "angular momentum as 1o": ("angular momentum", "1x1o"),
    "polarizability as six numbers, 6×0e": ("polarizability", "6x0e"),
    "polarizability as 0e + 2o": ("polarizability", "1x0e+1x2o"),
}
KELVIN = 300.0
answers = Later()


@dataclass(frozen=True)
class Typed:
    """What is known of the outputs of one function: `law` of each, at a crooked copy of the molecule.

    `delta`: Δ_EQ by the declared irreps at the page's g, in float32; of runs the law alone is measured.
    """

    law: dict[str, Law]
    delta: dict[str, float]


def questions(
    wrong: str, runs: dict[str, tuple[Run, float]], source: Source, element: Element
) -> dict[Any, Callable[[], Typed]]:
    """What `answers` is asked: of the small model by g and what is declared wrongly, of runs by name."""
    place = brief(source)

    def of(run: Run) -> Callable[[], Typed]:
        return lambda: Typed(laws(run, crooked(from_atoms(molecule(source)))), {})

    return {
        ("small", wrong, place, element): lambda: small(wrong, molecule(source), element),
        **{(name, stamp, place): of(run) for name, (run, stamp) in runs.items()},
    }


def moving(atoms: ase.Atoms, seed: int = 0) -> Graph:
    """The molecule with masses, and velocities (Å/fs) drawn at 300 K, its centre at rest."""
    masses = atoms.get_masses()
    drawn = np.random.default_rng(seed).standard_normal((len(atoms), 3))
    velocities = drawn * np.sqrt(units.kB * KELVIN / masses)[:, None] * units.fs
    velocities -= (masses[:, None] * velocities).sum(0) / masses.sum()
    return from_arrays(atoms.positions, atoms.numbers, velocities=velocities, masses=masses)


def small(wrong: str, atoms: ase.Atoms, element: Element) -> Typed:
    """The small model, one of its outputs perhaps declared wrongly; what it computes stays the same."""
    output, irreps = WRONG.get(wrong, ("", ""))
    graph = moving(atoms)
    found = laws(typed(), crooked(graph), {output: irreps})
    g = isometries(element, (0.0, 0.0, 1.0), len(atoms))[:1]
    m = equivariance.measure(
        typed(), graph, dtype="float32", elements=g, layers=False, rebuild=False
    )
    delta = {name: float(d[0]) for name, d in m.delta.items()}
    if output:
        expected = turned(irreps, g.matrix[0], m.prediction[output])
        if m.kinds[output].per == "node" and g.permutation is not None:
            expected = expected[g.permutation[0]]
        right = m.move_then_predict[output][0]
        delta[output] = float(np.linalg.norm(expected - right) / np.linalg.norm(expected))
    return Typed({name: found[name] for name in OUTPUTS}, {name: delta[name] for name in OUTPUTS})
