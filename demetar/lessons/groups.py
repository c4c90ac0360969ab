"""Groups and representations: the four axioms, order, and ρ(g₁ g₂) = ρ(g₁) ρ(g₂), each as a number.

A group is a set with an associative product, an identity and inverses; a representation maps its
elements to matrices so that products go to products. Source: F. Fuchs et al., NeurIPS 2020
(arXiv:2006.10503), section 2.2; J.-P. Serre, "Linear Representations of Finite Groups" (1977),
section 1.1.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.spatial.transform import Rotation

from demetar.lessons._apart import apart
from demetar.lessons.irreps import wigner
from demetar.symmetry import groups
from demetar.symmetry.elements import Elements, from_matrix, identity

# Five bodies without a symmetry, one of them out of the plane; scene units.
POINTS = np.array(
    [[0.0, -1.2, 0.0], [0.0, 0.0, 0.0], [0.0, 1.2, 0.0], [0.9, 1.2, 0.0], [0.6, 0.1, 0.8]]
)
GROUPS = ("T(3)", "SO(2)", "SO(3)", "O(3)", "SE(3)", "S_n")
# What looks like part of the group and is no group: its name, and how far an element is outside.
SUBSETS = {
    "T(3)": "shifts no longer than 3",
    "SO(2)": "turns from 0° to 90°",
    "SO(3)": "turns about x or about z",
    "O(3)": "mirror images alone",
    "SE(3)": "a turn or a shift, never both",
    "S_n": "swaps of two bodies",
}
TRUE = ("three scalars", "vector (1o)", "pseudovector (1e)", "degree 2 (2e)", "R ⊗ R")
FALSE = ("transposed", "half the angle", "Euler angles added")
PAIRS = 32


def drawn(group: str, seed: int, count: int) -> Elements:
    """Random elements of one of GROUPS; SO(2) turns about z, S_n renumbers the five bodies."""
    rng = np.random.default_rng(seed)
    if group == "SO(2)":
        return _about_z(rng.uniform(0, 2 * np.pi, count))
    return groups.load(group).sample(rng, count, np.ones(len(POINTS), bool))


def _about_z(angles: np.ndarray) -> Elements:
    return from_matrix(Rotation.from_rotvec(angles[:, None] * np.eye(3)[2]).as_matrix())


def outside(group: str, g: Elements) -> np.ndarray:
    """How far each element [n] is from one of the group, in its entries: 0 for what belongs to it."""
    m, square = g.matrix, np.swapaxes(g.matrix, 1, 2) @ g.matrix
    away = np.abs(square - np.eye(3)).max((1, 2))
    if group in ("T(3)", "S_n"):
        away = np.abs(m - np.eye(3)).max((1, 2))
    if group in ("SO(2)", "SO(3)", "SE(3)"):
        away = np.maximum(away, np.abs(np.linalg.det(m) - 1))
    if group == "SO(2)":
        away = np.maximum(away, np.abs(m[:, 2] - np.eye(3)[2]).max(1))
    if group not in ("T(3)", "SE(3)"):
        away = np.maximum(away, np.abs(g.shift).max(1))
    if group == "S_n" and g.permutation is not None:
        counted = np.sort(g.permutation, 1) != np.arange(g.permutation.shape[1])
        away = np.maximum(away, counted.any(1))
    return away


def drawn_subset(group: str, seed: int, count: int) -> Elements:
    """Random elements of the set that SUBSETS names."""
    g, rng = drawn(group, seed, count), np.random.default_rng(seed + 1)
    if group == "T(3)":
        length = np.linalg.norm(g.shift, axis=1, keepdims=True)
        return Elements(g.matrix, g.shift / length * rng.uniform(0, 3, (count, 1)))
    if group == "SO(2)":
        return _about_z(rng.uniform(0, np.pi / 2, count))
    if group == "SO(3)":
        axes = np.eye(3)[rng.choice([0, 2], count)]
        return from_matrix(Rotation.from_rotvec(axes * rng.uniform(0.5, 3, (count, 1))).as_matrix())
    if group == "O(3)":
        return from_matrix(-drawn("SO(3)", seed, count).matrix)
    if group == "SE(3)":
        turns = rng.integers(0, 2, count).astype(bool)
        matrix = np.where(turns[:, None, None], g.matrix, np.eye(3))
        return Elements(matrix, np.where(turns[:, None], 0.0, g.shift))
    swapped = np.tile(np.arange(len(POINTS)), (count, 1))
    for row in swapped:
        i, j = rng.choice(len(POINTS), 2, replace=False)
        row[[i, j]] = row[[j, i]]
    return Elements(identity(count).matrix, np.zeros((count, 3)), swapped)


def outside_subset(group: str, g: Elements) -> np.ndarray:
    """How far each element [n] is from the set of SUBSETS: a length, an angle, entries, or bodies."""
    m = g.matrix
    if group == "T(3)":
        return np.maximum(np.linalg.norm(g.shift, axis=1) - 3, 0)
    if group == "SO(2)":
        angle = np.mod(np.arctan2(m[:, 1, 0], m[:, 0, 0]), 2 * np.pi)
        return np.minimum(np.maximum(angle - np.pi / 2, 0), 2 * np.pi - angle)
    if group == "SO(3)":
        return np.minimum(*(np.linalg.norm(m[:, :, k] - np.eye(3)[k], axis=1) for k in (0, 2)))
    if group == "O(3)":
        return np.abs(np.linalg.det(m) + 1)
    if group == "SE(3)":
        turned = np.abs(m - np.eye(3)).max((1, 2))
        return np.minimum(turned, np.abs(g.shift).max(1))
    assert g.permutation is not None
    return np.abs((g.permutation != np.arange(g.permutation.shape[1])).sum(1) - 2.0)


def inverse(g: Elements) -> Elements:
    """The elements that undo g: R⁻¹ = Rᵀ, then the shift −Rᵀ t, and each renumbering read backwards."""
    back = np.swapaxes(g.matrix, 1, 2)
    order = None if g.permutation is None else np.argsort(g.permutation, axis=1)
    return Elements(back, -np.einsum("sij,sj->si", back, g.shift), order)


def moved(g: Elements, points: np.ndarray) -> np.ndarray:
    """The points [n, bodies, 3] after each element: renumbered, then turned, then shifted."""
    given = points[None] if g.permutation is None else points[g.permutation]
    return (
        np.einsum("sij,snj->sni", g.matrix, np.broadcast_to(given, (len(g), *points.shape)))
        + (g.shift[:, None])
    )


def axioms(group: str, seed: int = 0, subset: bool = False) -> dict[str, float]:
    """The worst error of each axiom over PAIRS products, in a group or in the set of SUBSETS.

    Closure is the distance of g₁ g₂ from the set; the others compare what is done to POINTS.
    """
    draw, away = (drawn_subset, outside_subset) if subset else (drawn, outside)
    a, b, c = (draw(group, seed + 100 * i, PAIRS) for i in range(3))
    ab, bc = groups.compose(a, b), groups.compose(b, c)
    unit = identity(PAIRS)
    if a.permutation is not None:
        unit = Elements(unit.matrix, unit.shift, np.tile(np.arange(len(POINTS)), (PAIRS, 1)))
    left, right = groups.compose(ab, c), groups.compose(a, bc)
    back = groups.compose(inverse(a), a)
    return {
        "closure": float(away(group, ab).max()),
        "associativity": apart(moved(left, POINTS), moved(right, POINTS)),
        "identity": float(away(group, unit).max()),
        "inverse": float(away(group, inverse(a)).max())
        + apart(moved(back, POINTS), moved(unit, POINTS)),
    }


def both_orders(group: str, seed: int = 0) -> dict[str, np.ndarray | float]:
    """Two elements a, b on POINTS in both orders: "a then b" and "b then a" [bodies, 3], and "apart"."""
    a, b = drawn(group, seed, 1), drawn(group, seed + 1, 1)
    first = moved(groups.compose(b, a), POINTS)[0]
    second = moved(groups.compose(a, b), POINTS)[0]
    return {"a then b": first, "b then a": second, "apart": apart(first, second)}


def _degree_two(matrix: np.ndarray) -> np.ndarray:
    return np.stack([wigner("2e", m) for m in matrix])


def _proper(matrix: np.ndarray) -> Rotation:
    return Rotation.from_matrix(np.linalg.det(matrix)[:, None, None] * matrix)


def _half(matrix: np.ndarray) -> np.ndarray:
    return Rotation.from_rotvec(_proper(matrix).as_rotvec() / 2).as_matrix()


def _euler(matrix: np.ndarray) -> np.ndarray:
    """Diagonal exp(angle / π) of the three Euler angles: products of it add the angles up."""
    angles = _proper(matrix).as_euler("zyx")
    return np.exp(angles / np.pi)[:, :, None] * np.eye(3)


MATRICES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "three scalars": lambda m: np.broadcast_to(np.eye(3), m.shape),
    "vector (1o)": lambda m: m,
    "pseudovector (1e)": lambda m: np.linalg.det(m)[:, None, None] * m,
    "degree 2 (2e)": _degree_two,
    "R ⊗ R": lambda m: np.einsum("sij,skl->sikjl", m, m).reshape(len(m), 9, 9),
    "transposed": lambda m: np.swapaxes(m, 1, 2),
    "half the angle": _half,
    "Euler angles added": _euler,
}


def homomorphism(kind: str, group: str = "SO(3)", seed: int = 0) -> float:
    """Largest ‖ρ(g₁ g₂) − ρ(g₁) ρ(g₂)‖ / ‖ρ(g₁ g₂)‖ over eight pairs of SO(3) or O(3).

    `kind` is one of TRUE, which are representations, or of FALSE, which are none.
    """
    a, b = drawn(group, seed, 8).matrix, drawn(group, seed + 1, 8).matrix
    rho = MATRICES[kind]
    together, apart_each = rho(a @ b), rho(a) @ rho(b)
    return max(apart(y, x) for x, y in zip(together, apart_each))


def three_numbers(quaternion: tuple[float, float, float, float]) -> dict[str, np.ndarray]:
    """Three distances and one vector of the scene before and after a turn, and which ρ fits which.

    "scalars", "vector": [2, 3] before and after; "as scalars", "as vector": [2] the relative error
    of each if its three numbers are taken to stay, or to turn as a vector.
    """
    matrix = Rotation.from_quat(quaternion).as_matrix()

    def read(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        sides = points[[0, 1, 4]] - points[[3, 4, 2]]
        return np.linalg.norm(sides, axis=1), points[3] - points[0]

    before, after = read(POINTS), read(POINTS @ matrix.T)
    return {
        "scalars": np.stack([before[0], after[0]]),
        "vector": np.stack([before[1], after[1]]),
        "as scalars": np.array([apart(after[k], before[k]) for k in (0, 1)]),
        "as vector": np.array([apart(after[k], matrix @ before[k]) for k in (0, 1)]),
    }


def numbers() -> dict[str, tuple[float, float]]:
    """Each rule's largest error where it is kept, and its smallest where it is broken."""
    turn = tuple(Rotation.from_rotvec([0.6, 0.6, 0.6]).as_quat())
    three = three_numbers(turn)
    kept, broken = three["as scalars"][0], three["as vector"][0]
    return {
        "closure": (
            max(axioms(g)["closure"] for g in GROUPS),
            min(axioms(g, subset=True)["closure"] for g in GROUPS),
        ),
        "ρ(g₁ g₂) = ρ(g₁) ρ(g₂)": (
            max(homomorphism(kind) for kind in TRUE),
            min(homomorphism(kind) for kind in FALSE),
        ),
        "scalars stay": (float(kept), float(broken)),
    }
