"""Whether something inside is rounded: the answer to motions far below float32's last digit.

A smooth function in float64 answers a motion of 1e-8 in proportion. One that rounds its input, a sum or a
product to fewer bits stands still and then jumps, whatever its symmetry. Constants in few digits leave it
smooth: that tells them apart. How high the steps are is what a parabola leaves over a short straight path.
"""

from __future__ import annotations

import numpy as np

from demetar.core.graph import Graph
from demetar.diagnosis.answers import Rows
from demetar.diagnosis.asked import Asked
from demetar.diagnosis.moves import Ruler, crooked, rms
from demetar.diagnosis.record import Evidence

TINY, SEEN, DIGITS, SMALL, TRIALS = 1e-8, 1e-6, 5e-7, 1e-4, 5
PATHS, POINTS = (1e-3, 3e-2), 16
COARSE = 2e-5  # of an output's unit: float32 leaves 1e-6 (measured), bfloat16 1e-3


def stairs(asked: Asked, ruler: Ruler) -> Evidence:
    """Marks: stairs, stairs-of-value-only, stairs-coarse, last-digit, float32-twin."""
    graph = crooked(asked)
    base = asked.one(graph)
    rough = _rough(asked, ruler, graph, base)
    height = _heights(asked, graph)
    values = {k for k, kind in asked.kinds.items() if kind.irreps == "1x0e"}
    marks = {
        "stairs": bool(rough),
        "stairs-of-value-only": bool(rough) and rough <= values and rough != set(asked.kinds),
        "stairs-coarse": any(height[k] > COARSE * ruler.unit[k] for k in rough),
        # Of the whole value: next to a large constant a last digit may be more than all changes.
        "last-digit": bool(rough) and all(height[k] < 3e-7 * ruler.size[k] for k in rough),
        "float32-twin": bool(rough) and _twin(asked, graph, base),
    }
    sentence = (
        "A motion of 1e-8 is answered in proportion: nothing inside is rounded to fewer digits."
    )
    if rough:
        most = max(height[k] / ruler.unit[k] for k in rough)
        sentence = (
            f"A motion of 1e-8 is answered by standing still or by a jump, in {', '.join(sorted(rough))}: "
            f"something inside is rounded, to {most:.0e} of what the output varies by."
        )
    if marks["float32-twin"]:
        sentence += " Rounding the positions to float32 beforehand changes nothing at all."
    return Evidence(
        "rounding inside", sentence, marks, {"height": height, "outputs": sorted(rough)}
    )


def _rough(asked: Asked, ruler: Ruler, graph: Graph, base: Rows) -> set[str]:
    """The outputs that do not answer tiny motions in proportion, or do not answer small ones at all."""
    x, rng = np.asarray(graph.positions, np.float64), np.random.default_rng(8)
    off: dict[str, list[float]] = {k: [] for k in asked.kinds}
    still = dict.fromkeys(asked.kinds, 0)
    for _ in range(TRIALS):
        u = rng.normal(size=x.shape)
        steps = (SMALL, -SMALL, TINY, SEEN)
        there, back, near, beside = asked.many([_at(graph, x + s * u) for s in steps])
        for k in asked.kinds:
            expected = TINY * (there[k] - back[k]) / (2 * SMALL)
            apart = rms(near[k] - base[k] - expected)
            floor = 1e-13 * max(ruler.size[k], rms(base[k]))  # digits that float64 itself lacks
            off[k].append(apart / max(rms(expected), floor, np.finfo(float).tiny))
            still[k] += np.array_equal(beside[k], base[k]) and ruler.unit[k] > 2e-9 * ruler.size[k]
    return {k for k, v in off.items() if np.median(v) > 0.3 or 2 * still[k] > TRIALS}


def _heights(asked: Asked, graph: Graph) -> dict[str, float]:
    """How far outputs are from a cubic over a short path; over a longer one where they do not move."""
    x = np.asarray(graph.positions, np.float64)
    u = np.random.default_rng(9).normal(size=x.shape)
    t = np.linspace(-1, 1, POINTS)
    found = dict.fromkeys(asked.kinds, 0.0)
    for length in PATHS:
        rows = asked.many([_at(graph, x + length * s * u) for s in t])
        for k in [k for k, height in found.items() if height == 0]:
            series = np.stack([r[k].ravel() for r in rows])
            fit = np.polynomial.polynomial.polyfit(t, series, 3)
            rest = np.abs(series - np.polynomial.polynomial.polyval(t, fit).T).max()
            found[k] = float(rest) if np.ptp(series, axis=0).any() else 0.0
        if all(found.values()):
            break
    return found


def _twin(asked: Asked, graph: Graph, base: Rows) -> bool:
    """Whether positions in float32 give the same answer, while a few of their last digits do not."""
    x = np.asarray(graph.positions, np.float64)
    u = np.sign(np.random.default_rng(10).normal(size=x.shape))
    twin, other = asked.many([_at(graph, y) for y in (x.astype(np.float32), x + DIGITS * u)])
    same = all(np.array_equal(twin[k], base[k]) for k in base)
    return same and not all(np.array_equal(other[k], base[k]) for k in base)


def _at(graph: Graph, positions: np.ndarray) -> Graph:
    return graph.replace(positions=np.asarray(positions, np.float64))
