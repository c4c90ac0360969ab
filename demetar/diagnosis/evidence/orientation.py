"""The orientation spectrum: which degrees ℓ the answer carries as a function of the orientation."""

from __future__ import annotations

import numpy as np

from demetar.diagnosis.asked import Asked
from demetar.diagnosis.moves import Ruler, carried, crooked
from demetar.diagnosis.record import Evidence
from demetar.symmetry.elements import from_matrix
from demetar.symmetry.instruments.spectrum import expanded, quadrature, turned_back

COST = 1183  # evaluations


def orientation(asked: Asked, ruler: Ruler) -> Evidence:
    """Marks: low-, high-, cubic-degrees, degrees-1-and-3, degree-1-only; of the crooked copy."""
    matrices, weights = quadrature()
    elements, copy = from_matrix(matrices), crooked(asked)
    found = asked.many([carried(elements[i], copy) for i in range(len(elements))])
    power, by_output = np.zeros(8), {}
    for name, kind in asked.kinds.items():
        rows = np.stack([f[name] for f in found])
        if kind.affine:
            rows = rows - np.asarray(copy.positions) @ np.swapaxes(matrices, 1, 2)
        rows = turned_back(kind.irreps, rows, matrices).reshape(len(rows), -1)
        if not np.isfinite(rows).all():
            continue
        s = expanded(rows, weights, ruler.unit[name] * np.sqrt(rows.shape[1]))
        by_output[name] = [*s.power.tolist(), s.beyond]
        power += np.array(by_output[name])
    whole = max(power[1:].sum(), np.finfo(float).tiny)
    part, noise = power[1:] / whole, ruler.coarsest**2 / whole  # what rounding adds at any degree
    marks = {
        # Measured beyond ℓ = 4: norms by component at most 3e-4, perceptrons of vectors from 2e-2 on.
        "low-degrees": part[4:].sum() < 2e-3 + noise,
        # Measured at ℓ = 1 and 2: rings of 5 and 7 points at most 4e-5 and 2e-2, perceptrons from 4e-3.
        # Spirals of 20 and 40 points leave out ℓ = 3: at most 6e-4 of ℓ = 4; perceptrons do not.
        "high-degrees": (part[0] < 1e-3 and part[1] < 0.05) or part[2] < 1e-3 * part[3],
        "cubic-degrees": part[[0, 1, 2, 4]].sum() < 1e-6 + noise,
        # Differences along three axes, of one side: measured 1e-4; rectifiers have 4e-3 elsewhere.
        "degrees-1-and-3": part[[0, 2]].sum() > 1 - 1e-3,
        "degree-1-only": part[1:].sum() < 1e-6 + noise,
    }
    shares = ", ".join(f"ℓ = {i + 1}: {p:.1e}" for i, p in enumerate(part[:6]))
    sentence = f"Of what depends on the orientation: {shares}, higher: {part[6]:.1e}."
    marks = {k: bool(v) for k, v in marks.items()}
    return Evidence("orientation spectrum", sentence, marks, {"share": part, "power": by_output})
