"""A row of the line-up: what one run's Δ_EQ is at g, over rotations, and what else is known of the run.

All host numpy. No Streamlit.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import ase
import jax
import numpy as np

from app.backend.measuring import square
from app.backend.measuring.later import Later
from app.backend.molecules import Element, Source, brief, isometries, molecule
from demetar.core.graph import from_atoms
from demetar.runs.run import Run
from demetar.symmetry import equivariance
from demetar.symmetry.elements import Elements, rotations
from demetar.symmetry.equivariance import Measurement

TURNS = 63  # beside g itself: the measure's compilations are shared up to 64 elements
answers = Later()


@dataclass(frozen=True)
class Row:
    """One run by "value" and "gradient": Δ_EQ at g in float32 and float64 and the word of both together.

    `median` and `worst` are over g's rotations in float32: TURNS random ones, and that of g.
    """

    coarse: dict[str, float]
    fine: dict[str, float]
    word: dict[str, str]
    median: dict[str, float]
    worst: dict[str, float]
    claims: str
    parameters: int


def questions(
    runs: Mapping[str, tuple[Run, float]], source: Source, element: Element
) -> dict[Any, Callable[[], Row]]:
    """What `answers` is asked of runs, each with the time of its parameters: (name, …) -> its row."""

    def of(run: Run) -> Callable[[], Row]:
        return lambda: row(run, molecule(source), element)

    return {(name, stamp, brief(source), element): of(run) for name, (run, stamp) in runs.items()}


def row(run: Run, atoms: ase.Atoms, element: Element) -> Row:
    """The row of a run at a molecule; InputError if the run cannot read it."""
    n = len(atoms)
    graph = from_atoms(atoms)
    all_of = equivariance.measure(
        run, graph, dtype="float32", elements=around(element, n), layers=False, rebuild=False
    )
    judged = square.judged_by(run, atoms, _first(all_of))
    names = {"value": str(run.config["target"]), "gradient": _vectors(all_of.delta)}
    return Row(
        coarse=judged.coarse,
        fine=judged.fine,
        word=judged.word,
        median={k: float(np.median(all_of.delta[name])) for k, name in names.items()},
        worst={k: float(all_of.delta[name].max()) for k, name in names.items()},
        claims=run.symmetry,
        parameters=sum(int(leaf.size) for leaf in jax.tree.leaves(run.params)),
    )


def _first(m: Measurement) -> Measurement:
    """The same of the first element alone, without layers."""
    arrays = (
        "delta",
        "classic",
        "absolute",
        "scale",
        "rebuilt",
        "predict_then_move",
        "move_then_predict",
    )
    some: dict[str, Any] = {
        name: {k: v[:1] for k, v in getattr(m, name).items()} for name in arrays
    }
    return dataclasses.replace(
        m, elements=m.elements[:1], edges_changed=m.edges_changed[:1], layers=(), **some
    )


def _vectors(outputs: Iterable[str]) -> str:
    return next(k for k in outputs if k.endswith("_gradient") or k == "forces")


def around(element: Element, n: int, seed: int = 0) -> Elements:
    """g, then TURNS uniformly random rotations with all that comes after g's rotation."""
    g = isometries(element, (0.0, 0.0, 1.0), n)[:1]
    mirrored = -1 if element.invert else 1
    order = np.arange(n)[None] if g.permutation is None else g.permutation
    count = 1 + TURNS
    return Elements(
        np.concatenate([g.matrix, mirrored * rotations(TURNS, seed)]),
        np.repeat(g.shift, count, 0),
        np.repeat(order, count, 0),
    )
