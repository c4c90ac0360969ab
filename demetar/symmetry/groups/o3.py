"""O(3): rotations and reflections, SO(3) x C_i."""

import numpy as np
from jaxtyping import Bool

from demetar.symmetry.elements import Elements, from_matrix
from demetar.symmetry.groups import ci, so3

NAME = "O(3)"
PARTS = ("SO(3)", "C_i")


def sample(rng: np.random.Generator, samples: int, real: Bool[np.ndarray, " nodes"]) -> Elements:
    """Elements uniform in the Haar measure: each improper or not by a coin of its own."""
    matrix = so3.sample(rng, samples, real).matrix
    return from_matrix(matrix * ci.signs(rng, samples)[:, None, None])


generators = so3.generators
