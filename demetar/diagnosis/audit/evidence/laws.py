"""Which rotations are exact although a general one is not, and which other law forces obey exactly."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from jaxtyping import Float

from demetar.diagnosis.audit.evidence.noise import noise
from demetar.diagnosis.audit.evidence.scene import Scene
from demetar.diagnosis.audit.finding import Finding
from demetar.diagnosis.audit.probe import isolated, moved
from demetar.symmetry.elements import rotations

Matrix = Float[np.ndarray, "3 3"]
FITS = (
    0.03  # of the deviation may stay unexplained: differences carry errors of a per cent themselves
)
TURN = 1.0  # radians: what a field does is of ℓ = 1, whose differences have its axis at any angle
FOLDS = (3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16, 18, 20, 24)


def about(axis: Any, angle: float) -> Matrix:
    """The rotation about an axis by an angle in radians (Rodrigues)."""
    a = np.asarray(axis, float) / np.linalg.norm(axis)
    k = np.array([[0, -a[2], a[1]], [a[2], 0, -a[0]], [-a[1], a[0], 0]])
    return np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * k @ k


def signed_permutations() -> list[Matrix]:
    """The 48 matrices that permute x, y, z and change signs."""
    return [
        np.eye(3)[list(p)] * np.array(s)[:, None]
        for p in itertools.permutations(range(3))
        for s in itertools.product((1.0, -1.0), repeat=3)
    ]


def stabiliser(scene: Scene) -> list[Finding]:
    """Which of the 48 signed permutations of axes, and which axes at any angle, are exact."""
    le, lf = scene.limits(scene.generic)

    def exact(matrix: Matrix) -> tuple[bool, float]:
        after = scene.try_(moved(scene.generic, matrix))
        if after is None or not after.finite:
            return False, np.inf
        e, f = scene.error(scene.base, after, matrix)
        return e <= le and f <= lf, max(e / le, f / lf)

    kinds: dict[str, list[bool]] = {
        k: [] for k in ("flip", "quarter", "cycle", "swap", "inversion")
    }
    for m in signed_permutations():
        kind = _kind(m)
        if kind in kinds:
            kinds[kind].append(exact(m)[0])
    tags: dict[str, Any] = {f"all_{k}": all(v) for k, v in kinds.items()}
    tags |= {f"any_{k}": any(v) for k, v in kinds.items()}
    axes = {"z": (0, 0, 1), "y": (0, 1, 0), "x": (1, 0, 0), "diagonal": (1, 1, 1)}
    tags["axes"] = [name for name, axis in axes.items() if exact(about(axis, 0.7391))[0]]
    own = _own_axis(scene)
    tags["own_axis"] = (
        own is not None and exact(about(own, 1.0472))[0] and exact(about(own, 0.7))[0]
    )
    tags["axis"] = None if own is None else own.tolist()
    tags["folds"] = {}
    if not (tags["all_quarter"] or tags["axes"] or tags["own_axis"]):
        for name in "zyx":
            fine = [n for n in FOLDS if exact(about(axes[name], 2 * np.pi / n))[0]]
            tags["folds"][name] = fine
    tags["share_above"] = _spectrum(scene)
    tags["erratic"] = _erratic(scene)
    tags["cluster_clean"] = _as_cluster(scene, exact(about((0.3, -0.5, 0.81), 1.0))[1])
    names = [k for k in kinds if tags[f"all_{k}"]] + [f"any angle about {a}" for a in tags["axes"]]
    return [
        Finding(
            "stabiliser", "Rotations that are exact", detail=", ".join(names) or "none", tags=tags
        )
    ]


def _kind(m: Matrix) -> str:
    turned, off = np.linalg.det(m) > 0, np.count_nonzero(np.diag(m))
    if np.allclose(m, np.eye(3)):
        return "identity"
    if np.allclose(m, -np.eye(3)):
        return "inversion"
    if off == 3:
        return "flip" if turned else "mirror"
    if off == 0 and turned:
        return "cycle" if (m >= 0).all() else "signed cycle"
    if off == 1 and (m >= 0).all():
        return "swap"
    if off == 1 and turned and np.isclose(np.trace(m), 1):
        return "quarter"
    return "other"


def _own_axis(scene: Scene) -> Float[np.ndarray, " 3"] | None:
    """The axis about which no orientation feels a torque, or None: the null space of net torques."""
    torques = [_torque(scene, matrix) for matrix in rotations(6, 21)]
    if any(t is None for t in torques):
        return None
    _, sizes, axes = np.linalg.svd(np.array(torques))
    return axes[2] if sizes[2] < 1e-4 * sizes[1] else None


def _torque(scene: Scene, matrix: Matrix) -> Float[np.ndarray, " 3"] | None:
    """The net torque (eV) in one orientation: of forces, or of turns of a crystal with its cell."""
    if not scene.periodic:
        atoms = moved(scene.generic, matrix)
        answer = scene.try_(atoms)
        if answer is None or answer.forces is None:
            return None
        return np.cross(atoms.positions - atoms.positions.mean(0), answer.forces).sum(0)
    found = []
    for axis in np.eye(3):
        ends = [scene.try_(moved(scene.generic, about(axis, s * TURN) @ matrix)) for s in (1, -1)]
        if ends[0] is None or ends[1] is None:
            return None
        found.append((ends[1].energy - ends[0].energy) / (2 * TURN))
    return np.array(found)


def _spectrum(scene: Scene) -> dict[str, float]:
    """Share of the power of E(θ) about a general axis beyond the second and the fourth harmonic."""
    values = []
    for k in range(32):
        answer = scene.try_(moved(scene.generic, about((0.3, -0.5, 0.81), 2 * np.pi * k / 32)))
        if answer is None:
            return {}
        values.append(answer.energy if answer.forces is None else answer.energy)
    power = np.abs(np.fft.rfft(np.array(values) - np.mean(values))) ** 2
    total = max(float(power[1:].sum()), 1e-300)
    return {"2": float(power[3:].sum()) / total, "4": float(power[5:].sum()) / total}


def _erratic(scene: Scene) -> float:
    """Noise of the energy over turns by 0.01 rad, against its largest change over turns by 0.7."""
    near = [scene.try_(moved(scene.generic, about((0.3, -0.5, 0.81), 0.01 * k))) for k in range(10)]
    far = [scene.try_(moved(scene.generic, about((0.3, -0.5, 0.81), 0.7 * k))) for k in range(5)]
    steps = np.array([a.energy for a in near if a is not None])
    wide = np.array([a.energy for a in far if a is not None])
    if len(steps) < 10 or len(wide) < 2:
        return 0.0
    return noise(steps) / max(float(np.ptp(wide)), 1e-300)


def _as_cluster(scene: Scene, excess: float) -> bool | None:
    """Whether the same atoms turn well in a large box that is not turned along; None: not periodic.

    They have to be far better than the crystal, whose error over its limit is `excess`.
    """
    if not scene.periodic:
        return None
    free = moved(scene.generic)
    free.pbc, free.cell = False, None
    before, how = scene.try_(free), free
    if before is None:
        how = isolated(scene.generic, scene.generic)
        before = scene.try_(how)
    if before is None:
        return None
    worst = 0.0
    for matrix in rotations(2, 31):
        turned = how.copy()
        centre = how.positions.mean(0)
        turned.positions = (how.positions - centre) @ matrix.T + centre
        after = scene.try_(turned)
        if after is None:
            return None
        worst = max(worst, scene.excess(before, after, how, 20.0, matrix=matrix))
    return bool(worst <= 10 and excess > 100 * max(worst, 1))


def vector_law(base: Any, seen: list[tuple[Matrix, Any]]) -> str | None:
    """The law that a vector obeys under rotations instead of d(g·x) = g·d(x), or None."""
    rows = np.concatenate([np.eye(3) - m for m, _ in seen])
    gaps = np.concatenate([d - m @ base for m, d in seen])
    size = float(np.linalg.norm(gaps))
    bias = np.linalg.lstsq(rows, gaps, rcond=None)[0]
    if np.linalg.norm(rows @ bias - gaps) < FITS * size:
        return "vector-bias"
    for p in signed_permutations():
        others = np.concatenate([d - p @ m @ p.T @ base for m, d in seen])
        if np.linalg.norm(others) < FITS * size:
            return "axis-order"
    # gains: the components divided by them turn well, so that their length is the same
    squares = np.array([d**2 - base**2 for _, d in seen])
    _, sizes, axes = np.linalg.svd(squares)
    weights = axes[2]
    if sizes[2] < FITS * sizes[1] and (np.all(weights > 0) or np.all(weights < 0)):
        return "per-axis-gain"
    return None


def stress_law(base: Any, seen: list[tuple[Matrix, Any]]) -> str | None:
    """laboratory-frame where a stress turns but for one fixed tensor, S(g·x) − B = g (S(x) − B) gᵀ."""
    units = np.eye(9).reshape(9, 3, 3)
    rows = [np.stack([(e - m @ e @ m.T).ravel() for e in units], 1) for m, _ in seen]
    gaps = np.concatenate([(s - m @ base @ m.T).ravel() for m, s in seen])
    offset = np.linalg.lstsq(np.concatenate(rows), gaps, rcond=None)[0]
    left = np.linalg.norm(np.concatenate(rows) @ offset - gaps)
    return "laboratory-frame" if left < FITS * np.linalg.norm(gaps) else None


def force_law(
    forces: Float[np.ndarray, "k n 3"], slopes: Float[np.ndarray, "k n 3"]
) -> dict[str, Any]:
    """The law by which forces follow from −∇E of a sound energy in several orientations.

    Tried: F = A f + b with one matrix and one vector, the same after each vector or all of them are
    normalised, and one function of each component. Gives the word and what was fitted.
    """
    size = np.linalg.norm(forces - slopes)
    for name, f in _normalised(slopes).items():
        rows = np.concatenate([f.reshape(-1, 3), np.ones((f.size // 3, 1))], 1)
        found = np.linalg.lstsq(rows, forces.reshape(-1, 3), rcond=None)[0]
        left = float(np.linalg.norm(rows @ found - forces.reshape(-1, 3)) / size)
        if left < FITS:
            matrix, bias = found[:3].T, found[3]
            word = _affine(matrix, bias, float(np.abs(forces).max()), name)
            if word:
                return {"law": word, "left": left, "matrix": matrix.tolist(), "bias": bias.tolist()}
    return _componentwise(forces.ravel(), slopes.ravel())


def _normalised(f: Any) -> dict[str, Any]:
    def layer(axes: Any, subtract: bool) -> Any:
        g = f - f.mean(axes, keepdims=True) if subtract else f
        return g / np.sqrt(np.mean(g**2, axes, keepdims=True) + 1e-300)

    return {
        "": f,
        "each": layer(2, True),
        "length": layer(2, False),
        "all": layer((1, 2), True),
        "size": layer((1, 2), False),
    }


def _affine(matrix: Matrix, bias: Any, size: float, normalised: str) -> str | None:
    biased = np.abs(bias).max() > 1e-3 * size
    unit = np.linalg.norm(matrix) / np.sqrt(3) or 1.0
    m = matrix / unit

    def near(target: Matrix, by: float = 0.01) -> bool:
        return np.abs(m - target / (np.linalg.norm(target) / np.sqrt(3))).max() < by

    if near(np.eye(3), 1e-3):
        return ("vector-norm" if normalised else "vector-bias") if biased else None
    if normalised:
        return "vector-norm"
    common = np.eye(3) - (1 - matrix[0, 0]) * np.ones((3, 3))
    if (
        not biased
        and abs(matrix[0, 0] - matrix[1, 1]) < 0.02
        and np.abs(matrix - common).max() < 0.02
    ):
        return "mean-subtraction"
    if any(near(p) for p in signed_permutations()):
        return None if biased else "axis-order"
    if np.abs(matrix - np.diag(np.diag(matrix))).max() < 0.01 * unit:
        return "vector-norm" if biased else "per-axis-gain"
    return "vector-norm" if biased else "laboratory-frame"


def _componentwise(forces: Any, slopes: Any) -> dict[str, Any]:
    """Whether each component is one function of the component of −∇E, and which kind of function."""
    order = np.argsort(slopes)
    g, f = slopes[order], forces[order]
    left = _scatter(g, f)
    if left > FITS:
        return {"law": None, "left": left}
    small = np.abs(g) < np.quantile(np.abs(g), 0.3)
    same = np.abs(f[small] - g[small]).max() < 0.02 * max(np.abs(g).max(), 1e-300)
    top, bottom = f.max(), f.min()
    flat = np.mean((f > top - 1e-3 * abs(top)) | (f < bottom + 1e-3 * abs(bottom)))
    limited = same and flat > 3 / len(f) and np.abs(top + bottom) < 0.02 * abs(top)
    return {"law": "biased-labels" if limited else "relu-on-components", "left": left}


def _scatter(g: Any, f: Any) -> float:
    """How much of f − g is not one piecewise linear function of g."""
    knots = np.unique(np.quantile(np.append(g, 0.0), np.linspace(0, 1, 41)))
    knots = np.unique(np.append(knots, 0.0))
    hats = np.array([np.interp(g, knots, e) for e in np.eye(len(knots))]).T
    fit = hats @ np.linalg.lstsq(hats, f - g, rcond=None)[0]
    return float(np.linalg.norm(f - g - fit) / max(np.linalg.norm(f - g), 1e-300))
