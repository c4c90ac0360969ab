"""Δ_EQ over all rotations: a map over axes and angles, its worst element, the orientation spectrum."""

from __future__ import annotations

from dataclasses import dataclass

import ase
import numpy as np
from scipy.spatial.transform import Rotation

from app.backend.measuring import metrics
from app.backend.molecules import Element, Vector
from demetar.core.graph import Graph, from_atoms
from demetar.runs.run import Run
from demetar.symmetry import equivariance
from demetar.symmetry.elements import from_matrix
from demetar.symmetry.instruments import spectrum as instrument

AXES, STEPS = 16, 16


@dataclass(frozen=True)
class Orbit:
    """Δ_EQ of the vectors that are drawn [axes angles] and where; `spread`: rotational standard deviation.

    The vectors are a gradient or forces, and of bodies the ends.
    """

    delta: np.ndarray
    median: float
    p95: float
    worst: float
    axis: Vector
    degrees: float
    spread: float


def axes() -> np.ndarray:
    """Unit vectors [16 3] spread evenly over half a sphere: an axis and its opposite are one."""
    k = np.arange(AXES) + 0.5
    height, turn = 1 - k / AXES, np.pi * (1 + 5**0.5) * k
    ring = np.sqrt(1 - height**2)
    return np.stack([ring * np.cos(turn), ring * np.sin(turn), height], 1)


def angles() -> np.ndarray:
    """Degrees [16] by which each axis is turned both ways, from −168.75 to 180 without 0."""
    steps = 360 / STEPS * np.arange(1, STEPS + 1) - 180
    return np.where(steps == 0, 360 / STEPS / 2, steps)


def turns() -> np.ndarray:
    """The rotations [256 3 3], an axis after the other."""
    vectors = axes()[:, None] * np.radians(angles())[None, :, None]
    return Rotation.from_rotvec(vectors.reshape(-1, 3)).as_matrix()


def orbit(run: Run, graph: Graph, element: Element, dtype: str) -> Orbit:
    """Δ_EQ at 256 rotations; with the inversion after each where the element has it."""
    matrices = turns() * (-1 if element.invert else 1)
    # With layers, as in the square: what is compiled for that serves here.
    m = equivariance.measure(run, graph, dtype=dtype, elements=from_matrix(matrices), rebuild=False)
    name = next(k for k in m.delta if k.endswith("_gradient") or k in ("forces", "positions"))
    delta = m.delta[name].reshape(AXES, STEPS)
    row, column = np.unravel_index(int(delta.argmax()), delta.shape)
    axis, degrees = axes()[row], float(angles()[column])
    drawn = m.move_then_predict[name]
    if name == "positions":  # what is predicted is the way there
        drawn = drawn - np.einsum("kij,nj->kni", matrices, np.asarray(graph.positions))
    x, y, z = (float(c) for c in (axis if degrees >= 0 else -axis))
    return Orbit(
        delta=delta,
        median=float(np.median(delta)),
        p95=float(np.percentile(delta, 95)),
        worst=float(delta.max()),
        axis=(x, y, z),
        degrees=abs(degrees),
        spread=metrics.spread(np.einsum("kni,kij->knj", drawn, matrices)),
    )


def spectrum(run: Run, atoms: ase.Atoms, dtype: str) -> tuple[list[float], float]:
    """Power of the gradient by degree 0 to 6 over the squared scale of Δ_EQ, and all beyond."""
    graph = from_atoms(atoms)
    target = str(run.config["target"])
    name = "forces" if run.config.get("forces") else f"{target}_gradient"
    found = instrument.spectrum(run, graph, (name,), dtype)[name]
    return found.power.tolist(), float(found.beyond)
