"""Features by degree as one can draw them: spherical functions, and D(g) of a group element.

Host numpy; components in e3nn's order. No Streamlit.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.spatial import ConvexHull

from demetar.symmetry import irreps as ir
from demetar.symmetry.irreps import harmonics

DIRECTIONS = 320


@cache
def sphere() -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors [320 3] spread evenly (a Fibonacci spiral) and the triangles [f 3] between them.

    The corners of a triangle run anticlockwise as seen from outside.
    """
    k = np.arange(DIRECTIONS) + 0.5
    polar, turn = np.arccos(1 - 2 * k / DIRECTIONS), np.pi * (1 + 5**0.5) * k
    points = np.stack(
        [np.sin(polar) * np.cos(turn), np.sin(polar) * np.sin(turn), np.cos(polar)], axis=1
    )
    faces = ConvexHull(points).simplices
    a, b, c = (points[faces[:, i]] for i in range(3))
    inward = (np.cross(b - a, c - a) * (a + b + c)).sum(1) < 0
    faces[inward] = faces[inward][:, ::-1]
    return points, faces


def surface(irrep: str, coefficients: np.ndarray) -> np.ndarray:
    """Values [n 320] in the directions of `sphere` of the functions Σ_m c_m Y_m, for c [n 2l+1]."""
    points, _ = sphere()
    basis = np.asarray(harmonics(points.astype(np.float32), [irrep])[irrep], np.float64)
    return np.asarray(coefficients, np.float64) @ basis.T


def wigner(irrep: str, matrix: np.ndarray) -> np.ndarray:
    """The matrix D(g) [2l+1 2l+1] by which features of the irrep turn; `matrix` [3 3] is g's."""
    return np.asarray(ir.wigner(irrep, np.asarray(matrix, np.float32)), np.float64)
