"""The first layer of the trace that breaks, where the function shows what happens inside."""

from __future__ import annotations

import jax
import numpy as np

from demetar.core.output import Layer, Output
from demetar.diagnosis.asked import Asked
from demetar.diagnosis.moves import carried, crooked, element, orientations, representation, rms
from demetar.diagnosis.record import Evidence

LIMIT = 1e-9
FLOOR = 1e-3  # of a layer's size: an irrep that vanishes by symmetry has none of its own


def layers(asked: Asked) -> Evidence:
    """No marks; the sentence names the first bad layer, the numbers give Δ of each."""
    graph = crooked(asked)
    base = _trace(asked, graph)
    if not base:
        return Evidence("layers", "The function shows no layers.", {}, {})
    found: dict[str, float] = {}
    for g in [*(orientations(2, seed=3)[i] for i in range(2)), element(-np.eye(3))]:
        after = _trace(asked, carried(g, graph))
        for a, b in zip(base, after, strict=True):
            found[a.name] = max(found.get(a.name, 0.0), _delta(a, b, np.asarray(g.matrix)))
    bad = next((name for name, d in found.items() if d > LIMIT), None)
    sentence = f"The first layer that breaks is {bad}." if bad else "Every layer turns as it says."
    return Evidence("layers", sentence, {"a-layer-breaks": bad is not None}, {"delta": found})


def _trace(asked: Asked, graph) -> tuple[Layer, ...]:
    answer = asked.whole(graph)
    return jax.device_get(answer.trace) if isinstance(answer, Output) else ()


def _delta(a: Layer, b: Layer, matrix: np.ndarray) -> float:
    sizes = [rms(np.asarray(f.values, np.float64)) for f in a.features]
    floor = FLOOR * max(sizes, default=0.0)
    found = [0.0]
    for size, f, after in zip(sizes, a.features, b.features, strict=True):
        d = representation(f"1x{f.irrep}", matrix)
        turned = np.einsum("ij,njc->nic", d, np.asarray(f.values, np.float64))
        apart = rms(turned - np.asarray(after.values, np.float64))
        found.append(apart / max(size, floor, np.finfo(float).tiny))
    if a.attention is not None and b.attention is not None:
        before, after = (np.asarray(x.weights, np.float64) for x in (a.attention, b.attention))
        real = np.asarray(a.attention.mask)
        found.append(
            np.abs(before - after)[real].max(initial=0) / max(np.abs(before).max(initial=0), 1e-300)
        )
    return float(max(found))
