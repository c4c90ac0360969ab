"""Which turns hold although rotations do not: about which axis, by which angle, and with axes exchanged.

A fixed vector leaves the rotations about itself; a cubic frame leaves the quarter turns; gains of x, y and z
leave half turns; a rectifier leaves the cyclic exchange of the axes; a grid leaves the turns by its step.
"""

from __future__ import annotations

import numpy as np

from demetar.diagnosis.asked import Asked
from demetar.diagnosis.evidence.groups import BROKEN
from demetar.diagnosis.moves import Ruler, about, carried, crooked, element, orientations, turned
from demetar.diagnosis.record import Evidence

DIAGONAL = np.ones(3) / np.sqrt(3)
CYCLIC = np.eye(3)[[2, 0, 1]]
SWAPS = [np.eye(3)[[1, 0, 2]], np.eye(3)[[0, 2, 1]]]
RINGS = (3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 20, 24)
EDGE = [0, 0.5**0.5, 0.5**0.5]  # the sizes of (1, −1, 0)/√2
ANGLE = 1e-4
COARSE_ANGLE = 0.05  # where steps of the output would hide small turns
SHARP, COARSE = (1e-9, 1e-6), (1e-5, 1e-4)  # of the null vector: its value, and its angle squared


def turns(asked: Asked, ruler: Ruler) -> Evidence:
    """Marks: axis-111, -other, -of-frame, -swap, quarter-, half-, cyclic-, ring-turns, swaps."""
    start = carried(orientations(1, seed=11)[0], crooked(asked))
    base = asked.one(start)

    def delta(matrix: np.ndarray) -> float:
        g = element(matrix)
        return max(ruler.delta(g, base, asked.one(carried(g, start))).values())

    generic = max(delta(orientations(1, seed=s)[0].matrix) for s in (1, 2, 3))
    least = 1e-3 if ruler.coarsest else 1e-6
    limit = max(BROKEN, least * generic) if np.isfinite(generic) else BROKEN
    exact = {
        "half": [delta(about(e, np.pi)) for e in np.eye(3)],
        "quarter": [delta(about(e, np.pi / 2)) for e in np.eye(3)],
        "cyclic": [delta(CYCLIC), delta(CYCLIC.T)],
        "swaps": [delta(p) for p in SWAPS],
    }
    axis, ratio = null_axis(asked, ruler)
    near = max(COARSE[1], 2 * ratio) if ruler.coarsest else SHARP[1]
    if axis is not None and delta(about(axis, 1.0)) > limit:
        axis = None
    marks = {
        "axis-111": axis is not None and abs(axis @ DIAGONAL) > 1 - near,
        "axis-other": axis is not None and abs(axis @ DIAGONAL) <= 1 - near,
        "axis-of-frame": axis is not None and np.abs(axis).max() > 1 - near,
        "axis-swap": axis is not None and np.allclose(np.sort(np.abs(axis)), EDGE, atol=near**0.5),
        "quarter-turns": max(exact["quarter"]) <= limit,
        "half-turns": max(exact["half"]) <= limit,
        "cyclic-turns": max(exact["cyclic"]) <= limit,
        "swaps": max(exact["swaps"]) <= limit,
    }
    rings: dict[str, list[int]] = {}
    if axis is None and not marks["quarter-turns"]:
        for name, e in zip("xyz", np.eye(3), strict=True):
            rings[name] = [n for n in RINGS if delta(about(e, 2 * np.pi / n)) <= limit]
    marks["ring-turns"] = sum(bool(v) for v in rings.values()) == 1
    numbers = {
        "any": generic,
        **exact,
        "rings": rings,
        "axis": None if axis is None else axis,
        "ratio": ratio,
    }
    return Evidence("turns that hold", _sentence(marks, axis, rings), marks, numbers)


def null_axis(asked: Asked, ruler: Ruler) -> tuple[np.ndarray | None, float]:
    """The axis [3] about which arbitrarily small turns change nothing, or None, and how sharp it is.

    Derivatives D(R)⁻¹ d/dt f(e^{tX} R x) along the three generators, over some orientations, as a Gram
    matrix: its null vector is the axis. Of outputs in steps: of wider turns, by Richardson's extrapolation.
    """
    copy, gram = crooked(asked), np.zeros((3, 3))
    angles = [COARSE_ANGLE, 2 * COARSE_ANGLE] if ruler.coarsest else [ANGLE]
    ends = [(sign, angle) for angle in angles for sign in (1, -1)]
    for g in [orientations(4, seed=12)[i] for i in range(4)]:
        start = carried(g, copy)
        rows = []
        for e in np.eye(3):
            sides = []
            for sign, angle in ends:
                h = element(about(e, sign * angle))
                after, back = asked.one(carried(h, start)), element(about(e, -sign * angle))
                sides.append(
                    np.concatenate(
                        [
                            (turned(kind, after[k], back) / ruler.unit[k]).ravel()
                            for k, kind in asked.kinds.items()
                        ]
                    )
                )
            slopes = [(sides[2 * i] - sides[2 * i + 1]) / (2 * a) for i, a in enumerate(angles)]
            rows.append(slopes[0] if len(slopes) == 1 else (4 * slopes[0] - slopes[1]) / 3)
        gram += np.array(rows) @ np.array(rows).T
    if not np.isfinite(gram).all():
        return None, float("nan")
    values, vectors = np.linalg.eigh(gram)
    ratio = float(values[0] / max(values[2], np.finfo(float).tiny))
    # What steps leave of a derivative, counted over all entries; beyond a part of 1e-2 it hides any axis.
    steps = 16 * sum(map(len, sides)) * (ruler.coarsest / COARSE_ANGLE) ** 2
    coarse = min(max(COARSE[0], steps / max(values[2], np.finfo(float).tiny)), 1e-2)
    sharp = coarse if ruler.coarsest else SHARP[0]
    return (vectors[:, 0] if ratio < sharp and values[1] > 1e-7 * values[2] else None), ratio


def _sentence(marks: dict[str, bool], axis: np.ndarray | None, rings: dict[str, list[int]]) -> str:
    parts = []
    if axis is not None:
        parts.append(f"all turns about ({axis[0]:.2f}, {axis[1]:.2f}, {axis[2]:.2f})")
    names = {
        "quarter-turns": "turns by 90° about x, y and z", "half-turns": "turns by 180° about x, y and z",
        "cyclic-turns": "the cyclic exchange of the axes", "swaps": "exchanges of two axes",
    }  # fmt: skip
    parts += [text for mark, text in names.items() if marks[mark]]
    parts += [
        f"turns by 360°/{n[-1]} about {name}"
        for name, n in rings.items()
        if n and marks["ring-turns"]
    ]
    return (
        f"Rotations break, but {', '.join(parts)} hold."
        if parts
        else "No turn that was tried holds."
    )
