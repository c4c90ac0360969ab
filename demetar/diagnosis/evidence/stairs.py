"""Whether something inside is rounded: the answer to motions far below float32's last digit.

A smooth function in float64 answers a motion of 1e-8 in proportion. One that rounds its input, a sum or a
product to fewer bits stands still and then jumps, whatever its symmetry. Constants in few digits leave it
smooth: that tells them apart.
"""

from __future__ import annotations

import numpy as np

from demetar.diagnosis.asked import Asked
from demetar.diagnosis.moves import Ruler, crooked, rms
from demetar.diagnosis.record import Evidence

TINY, SEEN, SMALL, TRIALS = 1e-8, 1e-6, 1e-4, 5


def stairs(asked: Asked, ruler: Ruler) -> Evidence:
    """Marks: stairs, stairs-of-value-only, stairs-coarse, float32-twin."""
    graph = crooked(asked)
    x = np.asarray(graph.positions, np.float64)
    rng = np.random.default_rng(8)
    ratios: dict[str, list[float]] = {k: [] for k in asked.kinds}
    noise, still = dict.fromkeys(asked.kinds, 0.0), dict.fromkeys(asked.kinds, 0)
    base = asked.one(graph)
    for _ in range(TRIALS):
        u = rng.normal(size=x.shape)
        there, back, near, beside = asked.many(
            [graph.replace(positions=x + s * u) for s in (SMALL, -SMALL, TINY, SEEN)]
        )
        for k in asked.kinds:
            slope = (there[k] - back[k]) / (2 * SMALL)
            expected = TINY * slope
            apart = rms(near[k] - base[k] - expected)
            floor = 1e-15 * max(ruler.size[k], rms(base[k]))  # digits that float64 itself lacks
            ratios[k].append(apart / max(rms(expected), 100 * floor, np.finfo(float).tiny))
            noise[k] = max(noise[k], apart / ruler.unit[k])
            still[k] += np.array_equal(beside[k], base[k]) and ruler.unit[k] > 2e-9 * ruler.size[k]
    steps = {k: float(np.median(r)) for k, r in ratios.items()}
    rough = {k for k, r in steps.items() if r > 0.3 or 2 * still[k] > TRIALS}
    twin = asked.one(graph.replace(positions=x.astype(np.float32).astype(np.float64)))
    values = {k for k, kind in asked.kinds.items() if kind.irreps == "1x0e"}
    marks = {
        "stairs": bool(rough),
        "stairs-of-value-only": bool(rough) and rough <= values and rough != set(asked.kinds),
        "stairs-coarse": max(noise.values()) > 2e-5 and bool(rough),
        "last-digit": bool(rough)
        and all(noise[k] * ruler.unit[k] < 3e-7 * ruler.size[k] for k in rough),
        "float32-twin": all(np.array_equal(twin[k], base[k]) for k in asked.kinds),
    }
    sentence = (
        "A motion of 1e-8 is answered in proportion: nothing inside is rounded to fewer digits."
    )
    if rough:
        sentence = (
            f"A motion of 1e-8 is answered by standing still or by a jump, in {', '.join(sorted(rough))}: "
            f"something inside is rounded, to about {max(noise[k] for k in rough):.0e}."
        )
    if marks["float32-twin"]:
        sentence += " Rounding the positions to float32 beforehand changes nothing at all."
    return Evidence("rounding inside", sentence, marks, {"off by": steps, "jump": noise})
