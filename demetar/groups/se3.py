"""SE(3): rotations and translations."""

import numpy as np

from demetar.groups import so3, t3
from demetar.isometry import Isometry

NAME = "SE(3)"


def sample(rng: np.random.Generator, samples: int, real: np.ndarray) -> Isometry:
    """Uniform rotations, each followed by a normally distributed shift."""
    return Isometry(so3.sample(rng, samples, real).matrix, t3.sample(rng, samples, real).shift)


def generators() -> list[tuple[str, np.ndarray, np.ndarray]]:
    """The infinitesimal rotations and translations."""
    return so3.generators() + t3.generators()
