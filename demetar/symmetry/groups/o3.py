"""O(3): rotations and reflections, SO(3) x C_i."""

import numpy as np

from demetar.symmetry.elements import Elements, from_matrix
from demetar.symmetry.groups import so3

NAME = "O(3)"


def sample(rng: np.random.Generator, samples: int, real: np.ndarray) -> Elements:
    """Elements uniform in the Haar measure; improper ones first and in turn, so one is never missing."""
    signs = np.where(np.arange(samples) % 2 == 0, -1.0, 1.0)
    return from_matrix(so3.sample(rng, samples, real).matrix * signs[:, None, None])


generators = so3.generators
