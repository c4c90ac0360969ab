"""C_i: the inversion x -> −x and the identity."""

import numpy as np

from demetar.symmetry.elements import Elements, from_matrix

NAME = "C_i"


def sample(rng: np.random.Generator, samples: int, real: np.ndarray) -> Elements:
    """The inversion, `samples` times: the only element that can show anything."""
    return from_matrix(np.tile(-np.eye(3), (samples, 1, 1)))


def generators() -> list[tuple[str, np.ndarray, np.ndarray]]:
    """None: the group is finite."""
    return []
