"""Whether a value goes in steps that are powers of two, as sums and sites rounded to few bits leave them.

A table that is looked up, a neighbour that is lost: their steps have any height. Of a number that is
rounded to a mantissa of k bits each step is one unit of the last bit, exactly.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from demetar.diagnosis.asked import Asked
from demetar.diagnosis.moves import crooked

PLACES, HALVINGS = 4, 34
EXACT = 1e-5  # of a step: how far it may be from one to four last bits


def dyadic(asked: Asked, name: str, length: float) -> bool:
    """Whether the steps of an invariant, closed in by halving at four places, are one to four last bits.

    At one of the places two of them may fall together, or none be met.
    """
    graph = crooked(asked)
    x = np.asarray(graph.positions, np.float64)
    u = np.random.default_rng(15).normal(size=x.shape)
    u *= 0.06 * length / np.abs(u).max()

    def value(t: float) -> float:
        return float(asked.one(graph.replace(positions=x + t * u))[name].ravel()[0])

    steps = [_closed(value, a, a + 0.4) for a in np.linspace(-1, 0.6, PLACES)]
    return sum(step is not None and _power(step) for step in steps) >= PLACES - 1


def _closed(value: Callable[[float], float], a: float, b: float) -> float | None:
    """The step of the value to which halving leads; None if none is left beside the slope."""
    x, y = value(a), value(b)
    slope = (y - x) / (b - a)
    for _ in range(HALVINGS):
        m = (a + b) / 2
        z = value(m)
        expected = slope * (m - a)
        a, x, b, y = (a, x, m, z) if abs(z - x - expected) > abs(y - z - expected) else (m, z, b, y)
    step = abs(y - x)
    return step if step > 1e3 * np.finfo(float).eps * max(abs(x), abs(y)) else None


def _power(step: float) -> bool:
    bits = step / 2.0 ** np.floor(np.log2(step))  # from 1 to 2: one bit, or two; three are 1.5
    return any(abs(bits - whole) < EXACT for whole in (1.0, 1.5, 2.0))
