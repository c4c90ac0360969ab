"""Surfaces of equal value as triangles: marching tetrahedra (A. Doi, A. Koide, IEICE Trans. E74, 1991)."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import map_coordinates

CORNERS = np.array(
    [(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 1, 1)]
)
# A cube in six tetrahedra about the diagonal from corner 0 to corner 6.
PARTS = np.array(
    [(0, 5, 1, 6), (0, 1, 2, 6), (0, 2, 3, 6), (0, 3, 7, 6), (0, 7, 4, 6), (0, 4, 5, 6)]
)
# The cut edges of a tetrahedron whose first one, two or three corners lie above.
CUTS = {
    1: [((0, 1), (0, 2), (0, 3))],
    2: [((0, 2), (0, 3), (1, 3)), ((0, 2), (1, 3), (1, 2))],
    3: [((3, 0), (3, 1), (3, 2))],
}


def surface(values: np.ndarray, axis: np.ndarray, level: float) -> np.ndarray:
    """Triangles [count, 3, 3] where values [n, n, n] at axis [n] cubed cross the level."""
    n = len(axis)
    whole = [slice(i, n - 1 + i) for i in (0, 1)]
    inside = sum((values > level)[whole[i], whole[j], whole[k]].astype(int) for i, j, k in CORNERS)
    first = np.argwhere((inside > 0) & (inside < len(CORNERS)))[:, None]  # few cubes are cut at all
    ends = (first + CORNERS)[:, PARTS].reshape(-1, 4, 3)
    above = values[ends[..., 0], ends[..., 1], ends[..., 2]] - level
    count = (above > 0).sum(1)
    crossed = (count > 0) & (count < 4)
    ends, above, count = ends[crossed], above[crossed], count[crossed]
    order = np.argsort(above <= 0, axis=1, kind="stable")
    above = np.take_along_axis(above, order, 1)
    places = axis[np.take_along_axis(ends, order[..., None], 1)]
    found = []
    for inside, triangles in CUTS.items():
        v, x = above[count == inside], places[count == inside]
        for edges in triangles:
            share = [v[:, a] / (v[:, a] - v[:, b]) for a, b in edges]
            found.append(
                np.stack(
                    [x[:, a] + s[:, None] * (x[:, b] - x[:, a]) for s, (a, b) in zip(share, edges)],
                    1,
                )
            )
    return np.concatenate(found)


def mesh(values: np.ndarray, axis: np.ndarray, level: float) -> dict[str, np.ndarray]:
    """The same surface as "corners" [v, 3], "faces" [f, 3] and "normals" [v, 3] out of what lies above.

    A corner belongs to six triangles or so: a quarter of the numbers. The corners of a triangle run
    anticlockwise as seen from below the level.
    """
    every = surface(values, axis, level).round(4).reshape(-1, 3)
    corners, which = np.unique(every, axis=0, return_inverse=True)
    where = (corners.T - axis[0]) / (axis[1] - axis[0])
    slope = np.stack([map_coordinates(part, where, order=1) for part in np.gradient(values)], -1)
    length = np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-12)
    faces, normals = which.reshape(-1, 3), -slope / length
    a, b, c = np.moveaxis(corners[faces], 1, 0)
    inward = (np.cross(b - a, c - a) * normals[faces].sum(1)).sum(1) < 0
    faces[inward] = faces[inward][:, ::-1]
    return {"corners": corners, "faces": faces, "normals": normals}
