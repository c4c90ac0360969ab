"""E(3): rotations, reflections and translations."""

import numpy as np
from jaxtyping import Bool

from demetar.symmetry.elements import Elements
from demetar.symmetry.groups import o3, se3, t3

NAME = "E(3)"
PARTS = ("T(3)", "SO(3)", "C_i")


def sample(rng: np.random.Generator, samples: int, real: Bool[np.ndarray, " nodes"]) -> Elements:
    """Uniform elements of O(3), each followed by a normally distributed shift."""
    return Elements(o3.sample(rng, samples, real).matrix, t3.sample(rng, samples, real).shift)


generators = se3.generators
