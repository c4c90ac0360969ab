"""C_i: the inversion x -> −x and the identity."""

import numpy as np

from demetar.symmetry.elements import Elements, from_matrix

NAME = "C_i"
IMPROPER = True


def signs(rng: np.random.Generator, samples: int) -> np.ndarray:
    """+1 or −1 [samples], each by a coin of its own."""
    return rng.choice([-1.0, 1.0], samples)


def sample(rng: np.random.Generator, samples: int, real: np.ndarray) -> Elements:
    """The identity and the inversion, each element by a coin of its own."""
    return from_matrix(signs(rng, samples)[:, None, None] * np.eye(3))


def generators() -> list[tuple[str, np.ndarray, np.ndarray]]:
    """None: the group is finite."""
    return []
