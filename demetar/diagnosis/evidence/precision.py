"""The precision ladder: the same rotations and renumberings in float64, float32 and bfloat16."""

from __future__ import annotations

import numpy as np

from demetar.core.errors import InputError
from demetar.diagnosis.asked import Asked
from demetar.diagnosis.evidence.groups import BROKEN, elements_of, worst
from demetar.diagnosis.moves import Ruler, carried, crooked, element
from demetar.diagnosis.record import Evidence

# Δ in float32 beyond what rounding makes of it. Measured on sound models: at most 5e-5 (trained runs).
TOO_LARGE = 2e-4
# Δ in float64 that constants in float32 may have, and its median over SIZES of a more crooked copy.
# Measured of the median: at most 1.9e-7; where an axis is longer by 1e-4 in a hundredth of an energy
# 3.8e-7 to 2.8e-6.
ABOUT, IN_FLOAT32 = 2e-6, 2.8e-7
SIZES = (0.7, 1.0, 1.5, 2.0)


def precision(
    asked: Asked, ruler: Ruler, ladder: tuple[str, ...] = ("float32", "bfloat16")
) -> Evidence:
    """Marks: float32-sized, worse-in-float32, value-worse-in-float32."""
    graph = crooked(asked)
    chosen = elements_of(len(graph.species), asked.positions, seed=1)
    some = [*chosen["SO"][:3], *chosen["C_i"][:1], *chosen["S_n"][:1]]
    moved = [carried(g, graph) for g in some]
    numbers: dict[str, dict[str, float]] = {}
    missing = []
    for dtype in ("float64", *ladder):
        try:
            base = asked.one(graph, dtype)
            deltas = [
                ruler.delta(g, base, asked.one(m, dtype)) for g, m in zip(some, moved, strict=True)
            ]
            if dtype == "float32":
                sums = _of_sums(asked, ruler, base, graph)
        except InputError:
            missing.append(dtype)
            continue
        numbers[dtype] = {k: max(d[k] for d in deltas) for k in asked.kinds}
    fine, coarse = numbers["float64"], numbers.get("float32", {})
    largest = max(fine.values())
    whole = {k: coarse[k] * ruler.unit[k] / ruler.size[k] for k in coarse}
    values = {k for k in coarse if asked.kinds[k].irreps == "1x0e"}
    bad = {k for k, v in coarse.items() if v > TOO_LARGE and fine[k] <= BROKEN}
    numbers["float32, of the whole"] = whole
    marks = {
        "float32-sized": BROKEN < largest <= ABOUT
        and bool(np.median([_resized(asked, s) for s in SIZES]) <= IN_FLOAT32),
        "worse-in-float32": bool(bad),
        # A value so much larger than its changes that float32 has no digits left for them.
        "value-worse-in-float32": bool(bad) and bad <= values and all(whole[k] < 3e-6 for k in bad),
    }
    if coarse:
        numbers["float32 from float64"] = sums
    sentence = ", ".join(
        f"{max(v.values()):.0e} in {d}" for d, v in numbers.items() if d in ("float64", *ladder)
    )
    sentence = f"The largest Δ is {sentence}."
    if missing:
        sentence += f" It cannot be computed in {', '.join(missing)}."
    return Evidence("precision ladder", sentence, marks, numbers)


def _resized(asked: Asked, factor: float) -> float:
    """The largest Δ of two rotations at the system made larger, in units of the outputs there."""
    graph = crooked(asked, 1, 0.25)
    graph = graph.replace(positions=factor * np.asarray(graph.positions, np.float64))
    ruler = Ruler(asked, around=graph)
    return max(
        worst(
            asked, ruler, graph, elements_of(len(graph.species), asked.positions)["SO"][:4]
        ).values()
    )


def _of_sums(asked: Asked, ruler: Ruler, base: dict[str, np.ndarray], graph) -> dict[str, float]:
    """How far float32 is from float64 itself."""
    return ruler.delta(element(), asked.one(graph), base)
