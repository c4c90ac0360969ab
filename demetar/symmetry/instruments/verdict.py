"""Whether an equivariance error is rounding or structure: measured in two precisions.

Rounding falls with the precision: Δ in float32 over Δ in float64 is then about the ratio of their
machine epsilons, 5·10⁸. What a function's structure breaks stays as it is, and the ratio is about 1. No
threshold for Δ itself can tell the two apart: a broken model may lie below it (a GNN at 4·10⁻² "in
bfloat16"), and rounding above it (a molecule 115 Å from the origin). "Is 4e-4 reasonable?" has no answer
in one precision (equiformer_v2 issue 5).
"""

from __future__ import annotations

import dataclasses
from typing import Any

import jax.numpy as jnp
import numpy as np

from demetar.core.graph import Graph
from demetar.symmetry.elements import Elements
from demetar.symmetry.equivariance import Measurement, measure

SECOND = {"bfloat16": "float32", "float32": "float64", "float64": "float32"}
# How far the ratio may stay below that of the precisions: a sum of some hundred rounding errors varies by
# factors of ten between elements, and a maximum over elements meets its tail.
ROUNDING = 1e-2
LAST = 16  # machine epsilons of the finer precision that some operations leave where the coarser left none
STRUCTURE = 2.0  # at least half of the error is still there in the finer precision


@dataclasses.dataclass(frozen=True)
class Finding:
    """One output in both precisions: the largest Δ of each and what their ratio means."""

    word: str  # "rounding", "structure" or "mixed"
    coarse: float
    fine: float
    ratio: float


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What two precisions say together; `word` is the worst of all outputs.

    `expected` is the ratio of the precisions. `coarse` and `fine` are the measurements, with the same
    elements.
    """

    word: str
    sentence: str
    expected: float
    findings: dict[str, Finding]
    coarse: Measurement
    fine: Measurement


def verdict(
    f: Any,
    graph: Graph,
    group: str = "SO(3)",
    samples: int = 16,
    seed: int = 0,
    dtype: str = "float32",
    elements: Elements | None = None,
    **settings: Any,
) -> Verdict:
    """Rounding, structure or both: Δ in `dtype` and in a second precision, with the same elements.

    Graph moved and rebuilt count alike, so that a neighbour list can be the structure. Arguments and
    errors as in measure().
    """
    settings = {"layers": False, **settings}
    first = measure(f, graph, group, samples, seed, dtype, elements, **settings)
    second = measure(f, graph, group, samples, seed, SECOND[dtype], first.elements, **settings)
    return compare(first, second)


def compare(first: Measurement, second: Measurement) -> Verdict:
    """The verdict on two measurements of the same elements in different precisions, in any order."""
    fine, coarse = sorted((first, second), key=lambda m: float(jnp.finfo(m.dtype).eps))
    eps = float(jnp.finfo(fine.dtype).eps)
    expected = float(jnp.finfo(coarse.dtype).eps) / eps
    findings = {
        name: _finding(_worst(coarse, name), _worst(fine, name), expected, eps)
        for name in coarse.delta
    }
    severity = {"rounding": 0, "mixed": 1, "structure": 2}
    name = max(findings, key=lambda k: (severity[findings[k].word], findings[k].fine), default="")
    word = findings[name].word if name else "rounding"
    return Verdict(
        word,
        _sentence(name, findings.get(name), coarse, fine, expected),
        expected,
        findings,
        coarse,
        fine,
    )


def first_broken_layer(first: Measurement, second: Measurement) -> str | None:
    """The first layer of which something is not rounding, by two precisions; None if all of it is.

    Both with their layers and of the same elements, in any order.
    """
    fine, coarse = sorted((first, second), key=lambda m: float(jnp.finfo(m.dtype).eps))
    eps = float(jnp.finfo(fine.dtype).eps)
    expected = float(jnp.finfo(coarse.dtype).eps) / eps
    for rough, exact in zip(coarse.layers, fine.layers, strict=True):
        pairs = [(rough.features[k], exact.features[k]) for k in rough.features]
        if rough.attention is not None and exact.attention is not None:
            pairs.append((rough.attention, exact.attention))
        found = (_finding(float(np.max(a)), float(np.max(b)), expected, eps) for a, b in pairs)
        if any(f.word != "rounding" for f in found):
            return rough.name
    return None


def _worst(m: Measurement, name: str) -> float:
    return float(np.max(np.concatenate([m.delta[name], m.rebuilt.get(name, m.delta[name])])))


def _finding(coarse: float, fine: float, expected: float, eps: float) -> Finding:
    if not np.isfinite([coarse, fine]).all():
        return Finding("structure", coarse, fine, float("nan"))
    if fine == 0:
        return Finding("rounding", coarse, fine, float("inf") if coarse else expected)
    ratio = coarse / fine
    word = "mixed"
    lucky = coarse < eps * expected and fine < LAST * eps  # the coarser one hit its own last digit
    if ratio >= ROUNDING * expected or lucky:
        word = "rounding"
    elif ratio <= STRUCTURE:
        word = "structure"
    return Finding(word, coarse, fine, ratio)


def _sentence(
    name: str, found: Finding | None, coarse: Measurement, fine: Measurement, expected: float
) -> str:
    if found is None:
        return "The function has no output that could break."
    numbers = (
        f"Δ of {name} is {found.coarse:.1e} in {coarse.dtype} and {found.fine:.1e} in {fine.dtype}"
    )
    if np.isnan(found.ratio):
        return f"{numbers}: the function gives no number for some element; no precision mends that."
    if found.word == "rounding" and found.ratio <= STRUCTURE:
        return f"{numbers}: both are below the last digits of their precision, so it is rounding."
    if found.word == "rounding":
        return (
            f"{numbers}: it falls with the precision (by {found.ratio:.0e}, the precisions differ by "
            f"{expected:.0e}), so it is rounding."
        )
    if found.word == "structure":
        return (
            f"{numbers}: it does not fall with the precision (by {found.ratio:.1f}, the precisions "
            f"differ by {expected:.0e}), so the function itself breaks the symmetry."
        )
    return (
        f"{numbers}: some of it falls with the precision, but what stays in {fine.dtype} is "
        f"{expected / found.ratio:.0e} times what rounding would leave there, so part of it is structure "
        f"or is computed in fewer digits."
    )
