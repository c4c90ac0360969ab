"""Exact alignments: bonds along axes and atoms in a line, where divisions by zero hide."""

from __future__ import annotations

from typing import Any

import numpy as np

from demetar.diagnosis.audit.evidence.groups import Row, finding
from demetar.diagnosis.audit.evidence.scene import Scene
from demetar.diagnosis.audit.finding import Finding
from demetar.diagnosis.audit.probe import Answer, moved


def aimed(scene: Scene) -> list[Finding]:
    """Bonds laid exactly along x, y and z, and three atoms in a line: where divisions by zero hide."""
    rows = []
    distances = scene.generic.get_all_distances(mic=False)
    np.fill_diagonal(distances, np.inf)
    closest = np.argsort(distances, axis=None)
    bonds = [
        tuple(np.unravel_index(k, distances.shape))
        for k in closest[: 8 if len(distances) > 1 else 0]
    ]
    for i, j in [b for b in bonds if b[0] < b[1]][:3]:
        bond = scene.generic.positions[j] - scene.generic.positions[i]
        for axis in range(3):
            for sign in (1, -1):
                matrix = aligned(bond, sign * np.eye(3)[axis])
                turned = moved(scene.generic, matrix)
                across = [a for a in range(3) if a != axis]
                turned.positions[j, across] = turned.positions[i, across]
                after = scene.try_(turned)
                if after is None:
                    continue
                name = f"bond of atoms {i + 1} and {j + 1} along {'-' if sign < 0 else ''}{'xyz'[axis]}"
                rows.append(_row(scene, name, after, scene.base, matrix, 2.0))
    rows += _given(scene)
    tags = {"kinds": sorted({r[0].split(" along ")[-1] for r in rows if r[3] > 1})}
    return [finding("aimed", "Exact alignments", scene, rows, tags=tags)]


def _row(
    scene: Scene, name: str, after: Answer, before: Answer, matrix: Any, slack: float = 1.0
) -> Row:
    if not after.finite:
        return name, np.inf, np.inf, np.inf
    error = scene.error(before, after, matrix)
    return name, *error, scene.excess(before, after, scene.generic, matrix=matrix) / slack


def _given(scene: Scene) -> list[Row]:
    """The structure as given, and its first three atoms laid in a line: numbers at all, and continuous."""
    rows = []
    straight = moved(scene.generic)
    if len(straight) >= 3 and not scene.periodic:
        p = straight.positions
        i, j, k = _bent(p)
        p[k] = p[j] + (p[j] - p[i]) * (np.linalg.norm(p[k] - p[j]) / np.linalg.norm(p[j] - p[i]))
    for name, atoms in (("as given", scene.atoms), ("three atoms in a line", straight)):
        at = scene.try_(atoms)
        if at is None:
            continue
        near = moved(atoms)
        near.positions += 1e-5 * scene.rng(9).standard_normal(near.positions.shape)
        beside = scene.try_(near)
        if not at.finite and beside is not None and beside.finite:
            rows.append((name, np.inf, np.inf, np.inf))
    return rows


def _bent(p: Any) -> tuple[int, int, int]:
    """An atom, its nearest neighbour and that one's next nearest."""
    d = np.linalg.norm(p[:, None] - p, axis=-1)
    j = int(np.argmin(np.sort(d, axis=1)[:, 2]))
    i, k = np.argsort(d[j])[1:3]
    return int(i), j, int(k)


def aligned(vector: Any, target: Any) -> Any:
    """A rotation [3, 3] that lays `vector` along the unit vector `target`."""
    a, b = vector / np.linalg.norm(vector), np.asarray(target, float)
    first = np.eye(3)
    if a @ b < 0:  # half a turn about anything across, so that the bisector is well defined
        across = np.cross(a, np.eye(3)[int(np.argmin(np.abs(a)))])
        first = _half_turn(across)
        a = -a
    return _half_turn(a + b) @ first


def _half_turn(axis: Any) -> Any:
    h = axis / np.linalg.norm(axis)
    return 2 * np.outer(h, h) - np.eye(3)
