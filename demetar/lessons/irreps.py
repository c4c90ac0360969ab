"""Irreps: a reducible representation taken apart, D^l(g), spherical harmonics, parity, the order of axes.

A representation splits into blocks in the basis of the matrices that commute with it (Schur): here R ⊗ R
on 3 × 3 matrices into 1 + 3 + 5. Y_l(R x) = D^l(R) Y_l(x), and D^l(−1) = ±1 is the parity. Components come in
e3nn's order, whose pole is y: (x, y, z) for l = 1, where textbooks have m = −1, 0, 1 as (y, z, x).
Sources: N. Thomas et al. 2018 (arXiv:1802.08219), section 4.1; M. Geiger, T. Smidt (arXiv:2207.09453),
section 2.
"""

from __future__ import annotations

from functools import cache

import jax
import numpy as np
from scipy.spatial.transform import Rotation

from demetar.lessons._apart import apart
from demetar.symmetry import irreps as ir
from demetar.symmetry.groups import so3

Quaternion = tuple[float, float, float, float]
LMAX = 4
REDUCIBLE = ("R ⊗ R", "a ↦ R a, b ↦ R b, mixed", "polynomials of degree 3")
CYCLE = np.array([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]])  # (x, y, z) → (y, z, x)
OTHER = Rotation.from_rotvec([0.3, -1.1, 0.7]).as_matrix()  # the second element of products
SOME_POINTS = np.array([[0.36, 0.48, 0.8], [-0.6, 0.64, 0.48], [0.28, -0.96, 0.0]])


# Compiled whole: a page would wait for each operation's own compilation.
_wigner = jax.jit(ir.wigner, static_argnums=0)
_harmonics = jax.jit(ir.harmonics, static_argnums=1)


def matrix(g: Quaternion, invert: bool = False) -> np.ndarray:
    """The matrix [3, 3] of a rotation, times −1 if it is inverted too."""
    return Rotation.from_quat(g).as_matrix() * (-1 if invert else 1)


def wigner(irrep: str, m: np.ndarray) -> np.ndarray:
    """D(g) [2l+1, 2l+1] in float64 of the matrix [3, 3] of g."""
    with jax.enable_x64(True):
        return np.asarray(_wigner(irrep, np.asarray(m, np.float64)))


def harmonics(points: np.ndarray, l: int) -> np.ndarray:
    """Y_l [n, 2l+1] of unit vectors [n, 3], |Y_l|² = 2l + 1, in float64."""
    irrep = f"{l}{'eo'[l % 2]}"
    with jax.enable_x64(True):
        return np.asarray(_harmonics(np.asarray(points, np.float64), (irrep,))[irrep])


def _mixing(size: int) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(3).normal(size=(size, size)))[0]


@cache
def _cubic() -> np.ndarray:
    """[27, 10]: an orthonormal basis of the symmetric tensors of rank 3."""
    total = np.zeros((27, 27))
    for order in ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)):
        total += np.eye(27).reshape((3,) * 6).transpose(*order, 3, 4, 5).reshape(27, 27) / 6
    return np.linalg.svd(total)[0][:, :10]


def reducible(name: str, m: np.ndarray) -> np.ndarray:
    """One of REDUCIBLE at the matrix [3, 3] of g: on matrices, on two vectors in a mixed basis, on cubics."""
    if name == REDUCIBLE[0]:
        return np.kron(m, m)
    if name == REDUCIBLE[1]:
        q = _mixing(6)
        return q @ np.kron(np.eye(2), m) @ q.T
    basis = _cubic()
    return basis.T @ np.kron(np.kron(m, m), m) @ basis


@cache
def basis(name: str, about_z_only: bool = False) -> tuple[np.ndarray, list[int]]:
    """A change of basis [n, n] found numerically, and the sizes of the blocks that it makes.

    A random symmetric matrix that commutes with ρ has the irreps as its eigenspaces. It is found among
    the solutions of X dρ(L) = dρ(L) X for the three generators L; with the turns about z alone the
    blocks are too fine, and other turns fill what lies between them.
    """
    generators = [m for _, m, _ in so3.generators()][2 if about_z_only else 0 :]
    size, step = len(reducible(name, np.eye(3))), 1e-3
    unit, rows = np.eye(size), []
    for generator in generators:
        there, back = (
            Rotation.from_rotvec(s * _axis(generator)).as_matrix() for s in (step, -step)
        )
        change = (reducible(name, there) - reducible(name, back)) / (2 * np.sin(step))
        rows.append(np.kron(unit, change) - np.kron(change.T, unit))
    equations = np.concatenate(rows)
    squares, vectors = np.linalg.eigh(equations.T @ equations)
    null = vectors.T[squares < 1e-9 * squares[-1]]
    draw = np.random.default_rng(1).normal(size=len(null)) @ null
    found = draw.reshape(size, size, order="F")
    levels, columns = np.linalg.eigh(found + found.T)
    cuts = np.flatnonzero(np.diff(levels) > 1e-6 * np.abs(levels).max()) + 1
    return columns, [len(part) for part in np.split(levels, cuts)]


def _axis(generator: np.ndarray) -> np.ndarray:
    return np.array([generator[2, 1], generator[0, 2], generator[1, 0]])


def blocks(name: str, g: Quaternion, about_z_only: bool = False) -> dict:
    """ρ(g) "before" and "after" the change of basis, the "sizes" of its blocks, the share "outside".

    "outside" is the size of what lies outside the blocks over that of ρ(g).
    """
    columns, sizes = basis(name, about_z_only)
    before = reducible(name, matrix(g))
    after = columns.T @ before @ columns
    block = np.repeat(np.arange(len(sizes)), sizes)
    left = np.where(block[:, None] == block, 0, after)
    share = float(np.linalg.norm(left) / np.linalg.norm(after))
    return {"before": before, "after": after, "sizes": sizes, "outside": share}


def rotation_matrices(l: int, g: Quaternion, invert: bool, parity: str) -> dict:
    """D(g) of an irrep, and its errors: "orthogonal", "product" (with a second element), "sign" at −1.

    "sign" is what the inversion alone does: 1 or −1.
    """
    irrep, m = f"{l}{parity}", matrix(g, invert)
    d = wigner(irrep, m)
    together = wigner(irrep, m @ OTHER)
    return {
        "D": d,
        "orthogonal": apart(d @ d.T, np.eye(len(d))),
        "product": apart(d @ wigner(irrep, OTHER), together),
        "sign": float(wigner(irrep, -np.eye(3))[0, 0]),
    }


def axes(l: int, g: Quaternion, mended: bool) -> float:
    """Error of Y(g·x) = D(g) Y(x) for an Y in the textbook's axes (y, z, x), with e3nn's D.

    The textbook's Y is e3nn's at coordinates in the order (y, z, x). Its matrix is D of the conjugated
    element Q R Qᵀ: `mended` uses that; otherwise D(R) is taken as it stands.
    """
    m = matrix(g)
    used = CYCLE @ m @ CYCLE.T if mended else m
    left = harmonics(SOME_POINTS @ m.T @ CYCLE.T, l)
    right = harmonics(SOME_POINTS @ CYCLE.T, l) @ wigner(f"{l}{'eo'[l % 2]}", used).T
    return apart(left, right)


def turned(l: int, g: Quaternion) -> float:
    """Error of Y_l(R x) = D^l(R) Y_l(x) at three points."""
    m = matrix(g)
    left = harmonics(SOME_POINTS @ m.T, l)
    return apart(left, harmonics(SOME_POINTS, l) @ wigner(f"{l}{'eo'[l % 2]}", m).T)


def parity(l: int, declared: str) -> float:
    """Error of Y_l(−x) = D(−1) Y_l(x) if Y_l is declared of this parity, "e" or "o"."""
    sign = wigner(f"{l}{declared}", -np.eye(3))
    return apart(harmonics(-SOME_POINTS, l), harmonics(SOME_POINTS, l) @ sign.T)


@cache
def sphere() -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors [k, 3] on circles of latitude and the triangles [f, 3] between them."""
    rows, columns = 33, 48
    polar = np.linspace(0, np.pi, rows)[:, None]
    around = np.arange(columns) * 2 * np.pi / columns
    u = np.stack(
        [
            np.sin(polar) * np.cos(around),
            np.sin(polar) * np.sin(around),
            np.cos(polar) + 0 * around,
        ],
        axis=-1,
    )
    first = np.arange((rows - 1) * columns).reshape(rows - 1, columns)
    beside = np.roll(first, -1, axis=1)
    below = [[first, first + columns, beside], [beside, first + columns, beside + columns]]
    return u.reshape(-1, 3), np.moveaxis(np.asarray(below), 1, -1).reshape(-1, 3)


def surface(l: int, m: int, g: Quaternion) -> np.ndarray:
    """The function g·Y_lm at the directions of `sphere`, [k]; its mean square 1 / (2l + 1).

    (g·Y)(u) = Y(g⁻¹ u); m counts from −l.
    """
    return harmonics(sphere()[0] @ matrix(g), l)[:, l + m] / np.sqrt(2 * l + 1)


def numbers() -> dict[str, tuple[float, float]]:
    """Each rule's largest error where it is kept, and its smallest where it is broken."""
    g = tuple(Rotation.from_rotvec([0.9, 0.5, -0.6]).as_quat())
    ls = range(1, LMAX + 1)
    made = [rotation_matrices(l, g, True, "e") for l in ls]
    return {
        "one basis for all g": (
            max(blocks(name, g)["outside"] for name in REDUCIBLE),
            min(blocks(name, g, about_z_only=True)["outside"] for name in REDUCIBLE),
        ),
        "D(g₁ g₂) = D(g₁) D(g₂)": (
            max(d["product"] for d in made),
            min(
                apart(wigner(f"{l}e", OTHER) @ d["D"], wigner(f"{l}e", matrix(g, True) @ OTHER))
                for l, d in zip(ls, made)
            ),
        ),
        "Y(g·x) = D(g) Y(x), the axes in one order": (
            max(max(axes(l, g, True), turned(l, g)) for l in ls),
            min(axes(l, g, False) for l in ls),
        ),
        "parity (−1)^l": (
            max(parity(l, "eo"[l % 2]) for l in ls),
            min(parity(l, "oe"[l % 2]) for l in ls),
        ),
    }
