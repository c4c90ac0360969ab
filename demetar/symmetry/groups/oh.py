"""O_h: the 48 turns and reflections of a cube with its faces across x, y and z."""

import itertools

import numpy as np
from jaxtyping import Bool, Float

from demetar.symmetry.elements import Elements, from_matrix

NAME = "O_h"
PARTS = ("C_i",)
_SIGNED = [
    np.diag(signs) @ np.eye(3)[list(order)]
    for order in itertools.permutations(range(3))
    for signs in itertools.product((1.0, -1.0), repeat=3)
]


def sample(rng: np.random.Generator, samples: int, real: Bool[np.ndarray, " nodes"]) -> Elements:
    """Uniform elements: matrices that permute the axes and flip some of them."""
    return from_matrix(np.stack(_SIGNED)[rng.integers(len(_SIGNED), size=samples)])


def generators() -> list[tuple[str, Float[np.ndarray, "3 3"], Float[np.ndarray, "3"]]]:
    """None: the group is finite."""
    return []
