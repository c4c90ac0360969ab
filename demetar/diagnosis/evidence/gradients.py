"""Whether forces are the slope of the energy, atom by atom, and the gradient of anything at all."""

from __future__ import annotations

import numpy as np

from demetar.diagnosis.asked import Asked
from demetar.diagnosis.moves import Ruler, crooked
from demetar.diagnosis.record import Evidence
from demetar.symmetry.instruments import gradient, jacobian

STEP = 2e-4
WRONG, RIGHT = 1e-4, 1e-5  # measured on sound models: at most 3e-8 (a step of 2e-4)
STEPS = (1e-3, 1e-4)
# Where outputs come in steps: wider differences, and what the steps make of them is no error.
WIDE, WIDE_STEPS = 2e-2, (3e-2, 1e-2)
BLUR, BLIND = (
    10.0,
    0.1,
)  # times the steps over the difference; blurred more than that nothing is judged


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
        k
        for k, v in asked.kinds.items()
        if (v.irreps, v.per, v.affine) == ("1x1o", "node", False)
        and (k in ("forces", "force") or k.endswith("gradient"))
    )


def gradients(asked: Asked, ruler: Ruler | None = None, brief: bool = False) -> Evidence:
    """Marks: gradient-wrong, gradient-right-somewhere, gradient-by-a-factor, jacobian-asymmetric.

    `brief`: at first along three directions that move every particle; atom by atom only what is wrong there.
    """
    names, at = forces_of(asked), _At(asked)
    grained = ruler is not None and ruler.coarsest > 0
    step, steps = (WIDE, WIDE_STEPS) if grained else (STEP, STEPS)
    blur = _blur(ruler, names, at) if ruler is not None and grained else 0.0
    if blur > BLIND:
        text = f"Rounding inside blurs slopes by {blur:.0e}: they are not judged."
        return Evidence("gradient", text, {}, {"blur": blur})
    limit, right = max(WRONG, blur), max(RIGHT, blur)
    marks: dict[str, bool] = {}
    numbers: dict = {}
    parts = []
    if not names:
        return Evidence("gradient", "No forces and no gradient are declared.", marks, numbers)
    pairs = gradient.pairs(asked.kinds)
    if pairs and brief and _along(at, pairs, step) < limit / 10:
        text = "Along three directions of all particles the gradient is the slope."
        return Evidence("gradient", text, {"gradient-wrong": False}, {})
    if pairs:
        found = gradient.errors(at, step)
        errors = np.max(list(found.values()), axis=0)
        numbers["error by particle"] = errors
        wrong = int((errors > limit).sum())
        marks["gradient-wrong"] = wrong > 0
        marks["gradient-right-somewhere"] = 0 < wrong and bool((errors < right).any())
        parts.append(
            f"The gradient is off by {errors.max():.0e} at most, at {wrong} of {len(errors)} particles"
        )
        if wrong:
            marks["gradient-by-a-factor"] = _factor(at, pairs, step, max(1e-4, blur))
    if marks.get("gradient-wrong", True):
        apart = jacobian.asymmetries(at, names, steps)
        numbers["asymmetry"] = {k: v.tolist() for k, v in apart.items()}
        least = max(float(v.min()) for v in apart.values())
        marks["jacobian-asymmetric"] = least > max(WRONG, 10 * blur, 10 * steps[-1] ** 2)
        parts.append(f"the Jacobian of the forces is asymmetric by {least:.0e}")
    return Evidence("gradient", "; ".join(parts) + ".", marks, numbers)


def _along(at: _At, pairs: dict[str, tuple[str, float]], step: float) -> float:
    """The largest error of slopes along three random directions, over the gradient's size by particle."""
    rng, worst = np.random.default_rng(14), 0.0
    declared = at(at.positions[None], tuple(pairs))
    for _ in range(3):
        u = rng.normal(size=at.positions.shape)
        places = at.positions + step * np.array([-2, -1, 1, 2])[:, None, None] * u
        values = at(places, tuple({name for name, _ in pairs.values()}))
        for name, (value, sign) in pairs.items():
            e = values[value][:, 0, 0]
            slope = sign * (8 * (e[2] - e[1]) - (e[3] - e[0])) / (12 * step)
            size = np.sqrt(np.mean((declared[name][0] ** 2).sum(-1)))
            apart = abs(slope - (declared[name][0] * u).sum())
            worst = max(worst, float(apart / max(size, np.finfo(float).tiny)))
    return worst


def _blur(ruler: Ruler, names: tuple[str, ...], at: _At) -> float:
    """What the steps of energies and forces make of a slope, relative to the forces."""
    pairs = gradient.pairs(at.kinds)
    found = [0.0]
    for name in names:
        size = max(ruler.size[name], np.finfo(float).tiny)
        steps = ruler.grain.get(name, 0.0) * ruler.unit[name] / size
        if name in pairs:
            value = pairs[name][0]
            steps += ruler.grain.get(value, 0.0) * ruler.unit[value] / WIDE / size
        found.append(BLUR * steps)
    return max(found)


def _factor(at: _At, pairs: dict[str, tuple[str, float]], step: float, limit: float) -> bool:
    """Whether each declared gradient is one number times the slope."""
    places = at.positions + step * np.eye(at.positions.size).reshape(-1, *at.positions.shape)
    back = at.positions - step * np.eye(at.positions.size).reshape(-1, *at.positions.shape)
    values = tuple({name for name, _ in pairs.values()})
    forth, behind, here = at(places, values), at(back, values), at(at.positions[None], tuple(pairs))
    for name, (value, sign) in pairs.items():
        slope = sign * ((forth[value] - behind[value])[:, 0, 0] / (2 * step))
        declared = here[name][0].ravel()
        factor = slope @ declared / max(slope @ slope, np.finfo(float).tiny)
        if np.linalg.norm(declared - factor * slope) > max(limit, step**2) * np.linalg.norm(
            declared
        ):
            return False
    return True
