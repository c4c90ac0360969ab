"""SE(3): rotations and translations."""

import numpy as np

from demetar.symmetry.elements import Elements
from demetar.symmetry.groups import so3, t3

NAME = "SE(3)"


def sample(rng: np.random.Generator, samples: int, real: np.ndarray) -> Elements:
    """Uniform rotations, each followed by a normally distributed shift."""
    return Elements(so3.sample(rng, samples, real).matrix, t3.sample(rng, samples, real).shift)


def generators() -> list[tuple[str, np.ndarray, np.ndarray]]:
    """The infinitesimal rotations and translations."""
    return so3.generators() + t3.generators()
