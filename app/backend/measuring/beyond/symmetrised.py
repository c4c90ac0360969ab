"""What averaging a run over n rotations leaves of its Δ_EQ at g, and what it costs.

All host numpy. No Streamlit.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ase

from app.backend.measuring.later import Later
from app.backend.molecules import Element, Source, brief, isometries, molecule
from demetar.core.graph import from_atoms
from demetar.runs.run import Run
from demetar.symmetry import equivariance
from demetar.symmetry.instruments.averaging import (
    EXACT,
    Averaged,
    Rule,
    polyhedral,
    product,
    sampled,
)

RULES: dict[str, Callable[[int], Rule]] = {
    "random": sampled, "polyhedron": polyhedral, "product": product,
}  # fmt: skip
# Rule and its argument: a number of rotations, for a product the degree up to which it is exact.
ORDERS = (
    ("random", 1), ("random", 8), ("random", 24), ("random", 60),
    ("polyhedron", 12), ("polyhedron", 24), ("polyhedron", 60), ("product", 6), ("product", 8),
)  # fmt: skip
answers = Later()


@dataclass(frozen=True)
class Average:
    """Δ_EQ at g in float32 by "value" and "gradient", of the average over `calls` rotations.

    `seconds`: for both ways around the square, compiled. `exact`: the degree up to which the rule is, if any.
    """

    rule: str
    calls: int
    exact: int | None
    delta: dict[str, float]
    seconds: float


def questions(
    name: str, stamp: float, run: Run, source: Source, element: Element
) -> dict[Any, Callable[[], Average]]:
    """What `answers` is asked of a run: (its name, rule, argument, …) -> the average."""

    def of(rule: str, argument: int) -> Callable[[], Average]:
        return lambda: average(run, molecule(source), element, rule, argument)

    return {
        (name, rule, argument, stamp, brief(source), element): of(rule, argument)
        for rule, argument in ORDERS
    }


def average(run: Run, atoms: ase.Atoms, element: Element, rule: str, argument: int) -> Average:
    """One order of averaging, measured twice: the second time tells the seconds."""
    turns = RULES[rule](argument)
    f, graph = Averaged(run, turns), from_atoms(atoms)
    g = isometries(element, (0.0, 0.0, 1.0), len(atoms))[:1]

    def measured() -> equivariance.Measurement:
        return equivariance.measure(
            f, graph, dtype="float32", elements=g, layers=False, rebuild=False
        )

    m = measured()
    began = time.perf_counter()
    measured()
    seconds = time.perf_counter() - began
    target = str(run.config["target"])
    vectors = "forces" if "forces" in m.delta else f"{target}_gradient"
    exact = {"random": None, "polyhedron": EXACT.get(argument), "product": argument}[rule]
    return Average(
        rule,
        len(turns[1]),
        exact,
        {"value": float(m.delta[target][0]), "gradient": float(m.delta[vectors][0])},
        seconds,
    )
