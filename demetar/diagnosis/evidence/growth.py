"""How Δ grows with the angle of a rotation and with the length of a shift."""

from __future__ import annotations

import numpy as np

from demetar.diagnosis.asked import Asked
from demetar.diagnosis.moves import Ruler, about, carried, crooked, element
from demetar.diagnosis.record import Evidence

ANGLES = (1e-3, 1e-2, 1e-1, 1.0, 3.0)
SHIFTS = (1.0, 30.0, 1000.0)
AXIS = np.array([0.36, -0.48, 0.8])


def growth(asked: Asked, ruler: Ruler) -> Evidence:
    """Marks: grows-with-angle (in proportion to it), grows-with-shift."""
    graph = crooked(asked)
    base = asked.one(graph)

    def delta(g) -> float:
        return max(ruler.delta(g, base, asked.one(carried(g, graph))).values())

    angles = [delta(element(about(AXIS, a))) for a in ANGLES]
    shifts = [delta(element(shift=s * AXIS)) for s in SHIFTS]
    marks = {
        "grows-with-angle": angles[2] > 1e-9 and angles[2] > 30 * angles[0],
        "grows-with-shift": shifts[2] > 1e-9 and shifts[2] > 30 * shifts[0],
    }
    sentence = (
        f"Δ is {angles[0]:.0e} at 1e-3 rad and {angles[3]:.0e} at 1 rad, "
        f"{shifts[0]:.0e} after a shift by 1 and {shifts[2]:.0e} by 1000."
    )
    return Evidence("growth", sentence, marks, {"angle": angles, "shift": shifts})
