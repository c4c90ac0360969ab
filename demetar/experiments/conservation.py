"""What each N-body law keeps and what it breaks: drifts along trajectories, rotation of targets."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from demetar.core.disk import samples
from demetar.core.errors import InputError
from demetar.data.sets import nbody
from demetar.simulation import protocols
from demetar.simulation.laws import SPRING, TIME_STEP, law
from demetar.simulation.protocols import INPUT_STEP, TARGET_STEP, NBody
from demetar.simulation.simulate import simulate
from demetar.symmetry.elements import rotations

STORED = samples() / "nbody-laws.json"


@dataclass(frozen=True)
class Drift:
    """How far conserved quantities have gone from their first value: [frames, systems].

    times [frames]. energy: |E - E_0|; momentum: |P - P_0|; angular_momentum: |L - L_0| about the
    origin; in scene units. scale: the median over systems at the first frame of the kinetic energy,
    the sum of m |v| and the sum of m |x| |v|, with which the three are to be compared.
    """

    times: np.ndarray
    energy: np.ndarray
    momentum: np.ndarray
    angular_momentum: np.ndarray
    scale: dict[str, float]


def potential(x: np.ndarray, variant: str, strengths: np.ndarray) -> np.ndarray:
    """Potential energy [...] of bodies [..., n, 3] under a variant's law without limit and box.

    `strengths` as the law's source: charges or masses [..., n] or springs [..., n, n].
    """
    chosen = law(variant)
    i, j = np.triu_indices(x.shape[-2], 1)
    square = ((x[..., i, :] - x[..., j, :]) ** 2).sum(-1)
    if chosen.source == "springs":
        return 0.5 * SPRING * (strengths[..., i, j] * square).sum(-1)
    products = strengths[..., i] * strengths[..., j]
    energy = (products / np.sqrt(square + chosen.softening**2)).sum(-1)
    return energy if chosen.source == "charges" else -energy


def drifts(variant: str, count: int = 200, frames: int = 41) -> Drift:
    """The drifts of the first `count` systems of a variant's stream, up to its target step.

    A step of semi-implicit Euler leaves the velocity half a step behind the position: energy takes
    the mean of the speeds before and after the kick, component by component.
    """
    protocol, chosen = protocols.PROTOCOLS[variant], law(variant)
    x, v, strengths = protocols.draw(variant, count)
    at = np.linspace(1, protocol.target_step, frames).astype(int)
    steps = np.unique(np.concatenate([at, at + 1]))
    given = {"charges": None, chosen.source: strengths}
    xs, vs = simulate(x, v, steps=steps.tolist(), variant=variant, **given)
    now = np.searchsorted(steps, at)
    x, v, after = xs[now], vs[now], vs[now + 1]
    masses = strengths if chosen.source == "masses" else np.ones(x.shape[1:3])
    speeds = np.abs(v) if chosen.leapfrog else (np.abs(v) + np.abs(after)) / 2
    kinetic = 0.5 * (masses * (speeds**2).sum(-1)).sum(-1)
    energy = kinetic + potential(x, variant, strengths)
    momentum = (masses[..., None] * v).sum(2)
    angular = (masses[..., None] * np.cross(x, v)).sum(2)
    size = np.linalg.norm(v[0], axis=-1) * masses
    return Drift(
        times=TIME_STEP * at,
        energy=np.abs(energy - energy[0]),
        momentum=np.linalg.norm(momentum - momentum[0], axis=-1),
        angular_momentum=np.linalg.norm(angular - angular[0], axis=-1),
        scale={
            "energy": float(np.median(kinetic[0])),
            "momentum": float(np.median(size.sum(-1))),
            "angular_momentum": float(np.median((size * np.linalg.norm(x[0], axis=-1)).sum(-1))),
        },
    )


def limited_share(data: protocols.NBody, variant: str) -> float:
    """Fraction of systems in which the force limit acts between the input and the target."""
    never = nbody.never_limited(data, variant)
    return 0.0 if never is None else float(1 - never.mean())


def measured(variant: str, systems: int, rotations: int, count: int) -> dict[str, Any]:
    """All numbers of a variant, as `stored` gives them: `systems` test systems, `count` starts."""
    data = nbody.read(variant=variant, split="test", size=systems)
    defect = symmetry_defect(data, variant, samples=rotations)
    drift, curves = drifts(variant, count), {}
    for name in ("energy", "momentum", "angular_momentum"):
        rows = getattr(drift, name)
        curves[name] = {
            "median": np.median(rows, axis=1).tolist(),
            "largest": rows.max(axis=1).tolist(),
        }
    return {
        "rotation": {
            "mse": defect.mse,
            "floor": defect.floor,
            "share": defect.share,
            "systems": len(data),
            "rotations": rotations,
            "limited": limited_share(data, variant),
        },
        "drift": {"times": drift.times.tolist(), "systems": count, "scale": drift.scale, **curves},
    }


def stored() -> dict[str, dict[str, Any]]:
    """What `benchmarks/nbody_laws.py` measured, by variant.

    "rotation": mse, floor and share of `Defect`, "limited" (the fraction of windows in which the
    force limit acts), systems, rotations. "drift": times, and for energy, momentum and
    angular_momentum the median and largest drift at each; scale as in `Drift`.
    """
    if not STORED.is_file():
        raise InputError(
            f"Expected the measured laws in {STORED}, got no such file; run: python "
            "benchmarks/nbody_laws.py."
        )
    return json.loads(STORED.read_text())


@dataclass(frozen=True)
class Defect:
    """How far a benchmark is from rotation symmetry, in scene units squared.

    mse: between R x(T; x0) and x(T; R x0). floor: the variance of the targets, turned back, over
    rotations of one start, which no rotation-equivariant predictor can undercut on such targets.
    share: fraction of systems whose squared error exceeds 1e-6.
    """

    mse: float
    floor: float
    share: float


def symmetry_defect(
    data: NBody, variant: str = "published", samples: int = 8, seed: int = 0
) -> Defect:
    """What rotating the inputs and simulating the 1,000 steps again does to a benchmark's targets.

    Takes `samples` random rotations of every system; float64 throughout, from the stored inputs.
    """
    turns = np.concatenate([np.eye(3)[None], rotations(samples, seed)])

    def turned(vectors: np.ndarray) -> np.ndarray:
        return np.einsum("gij,snj->gsni", turns, vectors).reshape(-1, *vectors.shape[1:])

    start = turned(data.positions), turned(data.velocities)
    acting = {
        name: None if value is None else np.tile(value, (samples + 1, *[1] * (value.ndim - 1)))
        for name in ("charges", "masses", "springs")
        for value in [getattr(data, name)]
    }
    steps = (TARGET_STEP - INPUT_STEP,)
    target = simulate(start[0], start[1], steps=steps, variant=variant, **acting)[0][0]
    target = target.reshape(samples + 1, *data.positions.shape)
    back = np.einsum("gij,gsni->gsnj", turns, target)
    error = ((back[1:] - back[0]) ** 2).mean(axis=(2, 3))
    return Defect(
        mse=float(error.mean()),
        floor=float(back[1:].var(axis=0, ddof=1).mean()),
        share=float((error > 1e-6).mean()),
    )
