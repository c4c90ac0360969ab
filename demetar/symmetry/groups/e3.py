"""E(3): rotations, reflections and translations."""

import numpy as np

from demetar.symmetry.elements import Elements
from demetar.symmetry.groups import o3, se3, t3

NAME = "E(3)"


def sample(rng: np.random.Generator, samples: int, real: np.ndarray) -> Elements:
    """Uniform elements of O(3), improper ones in turn, each followed by a normal shift."""
    return Elements(o3.sample(rng, samples, real).matrix, t3.sample(rng, samples, real).shift)


generators = se3.generators
