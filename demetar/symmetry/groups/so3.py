"""SO(3): rotations of space."""

import numpy as np
from jaxtyping import Bool, Float
from scipy.spatial.transform import Rotation

from demetar.symmetry.elements import Elements, from_matrix

NAME = "SO(3)"
PARTS = ("SO(3)",)


def sample(rng: np.random.Generator, samples: int, real: Bool[np.ndarray, " nodes"]) -> Elements:
    """Rotations uniform in the Haar measure."""
    return from_matrix(Rotation.random(samples, rng=rng).as_matrix())


def generators() -> list[tuple[str, Float[np.ndarray, "3 3"], Float[np.ndarray, "3"]]]:
    """The three infinitesimal rotations L_x, L_y, L_z: (L_k)_ij = −ε_kij."""
    axes = np.eye(3)
    return [
        (f"rotation about {'xyz'[k]}", np.cross(axes[k], axes).T, np.zeros(3)) for k in range(3)
    ]
