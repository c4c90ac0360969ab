"""Whether forces are the slope of the energy, atom by atom, and the gradient of anything at all."""

from __future__ import annotations

import numpy as np

from demetar.diagnosis.asked import Asked
from demetar.diagnosis.moves import crooked
from demetar.diagnosis.record import Evidence
from demetar.symmetry.instruments import gradient, jacobian

STEP = 2e-4
WRONG, RIGHT = 1e-4, 1e-5  # measured on sound models: at most 3e-8 (a step of 2e-4)
STEPS = (1e-3, 1e-4)


class _At:
    """The crooked copy of the system as an instrument asks for it."""

    def __init__(self, asked: Asked) -> None:
        self.asked, self.kinds, self.graph = asked, asked.kinds, crooked(asked)

    @property
    def positions(self) -> np.ndarray:
        return np.asarray(self.graph.positions, np.float64)

    def __call__(self, places: np.ndarray, names: tuple[str, ...]) -> dict[str, np.ndarray]:
        found = self.asked.many([self.graph.replace(positions=x) for x in places])
        return {name: np.stack([rows[name] for rows in found]) for name in names}


def forces_of(asked: Asked) -> tuple[str, ...]:
    """Outputs that claim to be forces or a gradient by their name and kind."""
    return tuple(
        k for k, v in asked.kinds.items()
        if (v.irreps, v.per, v.affine) == ("1x1o", "node", False)
        and (k in ("forces", "force") or k.endswith("gradient"))
    )  # fmt: skip


def gradients(asked: Asked) -> Evidence:
    """Marks: gradient-wrong, gradient-right-somewhere, gradient-by-a-factor, jacobian-asymmetric."""
    names, at = forces_of(asked), _At(asked)
    marks: dict[str, bool] = {}
    numbers: dict = {}
    parts = []
    if not names:
        return Evidence("gradient", "No forces and no gradient are declared.", marks, numbers)
    pairs = gradient.pairs(asked.kinds)
    if pairs:
        found = gradient.errors(at, STEP)
        errors = np.max(list(found.values()), axis=0)
        numbers["error by particle"] = errors
        wrong = int((errors > WRONG).sum())
        marks["gradient-wrong"] = wrong > 0
        marks["gradient-right-somewhere"] = 0 < wrong and bool((errors < RIGHT).any())
        parts.append(
            f"The gradient is off by {errors.max():.0e} at most, at {wrong} of {len(errors)} particles"
        )
        if wrong:
            marks["gradient-by-a-factor"] = _factor(at, pairs)
    if marks.get("gradient-wrong", True):
        apart = jacobian.asymmetries(at, names, STEPS)
        numbers["asymmetry"] = {k: v.tolist() for k, v in apart.items()}
        least = max(float(v.min()) for v in apart.values())
        marks["jacobian-asymmetric"] = least > WRONG
        parts.append(f"the Jacobian of the forces is asymmetric by {least:.0e}")
    return Evidence("gradient", "; ".join(parts) + ".", marks, numbers)


def _factor(at: _At, pairs: dict[str, tuple[str, float]]) -> bool:
    """Whether each declared gradient is one number times the slope."""
    places = at.positions + STEP * np.eye(at.positions.size).reshape(-1, *at.positions.shape)
    back = at.positions - STEP * np.eye(at.positions.size).reshape(-1, *at.positions.shape)
    values = tuple({name for name, _ in pairs.values()})
    forth, behind, here = at(places, values), at(back, values), at(at.positions[None], tuple(pairs))
    for name, (value, sign) in pairs.items():
        slope = sign * ((forth[value] - behind[value])[:, 0, 0] / (2 * STEP))
        declared = here[name][0].ravel()
        factor = slope @ declared / max(slope @ slope, np.finfo(float).tiny)
        if np.linalg.norm(declared - factor * slope) > 1e-4 * np.linalg.norm(declared):
            return False
    return True
