"""Rotations as unit quaternions (x, y, z, w)."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

# ---- rotations --------------------------------------------------------------------------------

Vector = tuple[float, float, float]
Quaternion = tuple[float, float, float, float]
AXES = {
    "x": (1.0, 0.0, 0.0),
    "y": (0.0, 1.0, 0.0),
    "z": (0.0, 0.0, 1.0),
    "(1 1 1)": (0.577350269,) * 3,
}


def quaternion(axis: Vector, degrees: float) -> Quaternion:
    """The rotation by an angle about an axis of any length but zero."""
    unit = np.asarray(axis, float) / np.linalg.norm(axis)
    x, y, z, w = Rotation.from_rotvec(np.radians(degrees) * unit).as_quat(canonical=True)
    return float(x), float(y), float(z), float(w)


def axis_angle(g: Quaternion) -> tuple[Vector, float]:
    """Axis (a unit vector; z for the identity) and angle, 0 to 180 degrees, of a rotation."""
    vector = Rotation.from_quat(g).as_rotvec()
    angle = float(np.linalg.norm(vector))
    x, y, z = vector / angle if angle > 1e-9 else (0.0, 0.0, 1.0)
    return (float(x), float(y), float(z)), float(np.degrees(angle))


def kept(g: Quaternion) -> tuple[Vector, float]:
    """Axis and degrees of a rotation as a page keeps them: a known axis where it is near, few digits.

    A rotation that was computed twice, here and in a browser, is thereby the same one.
    """
    axis, degrees = axis_angle(g)
    for known in AXES.values():
        if sum(abs(p - q) for p, q in zip(axis, known, strict=True)) < 1e-4:
            return known, round(degrees, 4)
    x, y, z = (round(part, 6) + 0.0 for part in axis)
    return (x, y, z), round(degrees, 4)


def after(second: Quaternion, first: Quaternion) -> Quaternion:
    """The rotation that is `first` and then `second`."""
    x, y, z, w = (Rotation.from_quat(second) * Rotation.from_quat(first)).as_quat(canonical=True)
    return float(x), float(y), float(z), float(w)


def random_rotation(seed: int) -> Quaternion:
    """A rotation drawn uniformly (Haar) by seed."""
    x, y, z, w = Rotation.random(rng=np.random.default_rng(seed)).as_quat(canonical=True)
    return float(x), float(y), float(z), float(w)
