"""C_i: the inversion x -> −x and the identity."""

import numpy as np
from jaxtyping import Bool, Float

from demetar.symmetry.elements import Elements, from_matrix

NAME = "C_i"
PARTS = ("C_i",)


def signs(rng: np.random.Generator, samples: int) -> Float[np.ndarray, " {samples}"]:
    """+1 or −1 [samples], each by a coin of its own."""
    return rng.choice([-1.0, 1.0], samples)


def sample(rng: np.random.Generator, samples: int, real: Bool[np.ndarray, " nodes"]) -> Elements:
    """The identity and the inversion, each element by a coin of its own."""
    return from_matrix(signs(rng, samples)[:, None, None] * np.eye(3))


def generators() -> list[tuple[str, Float[np.ndarray, "3 3"], Float[np.ndarray, "3"]]]:
    """None: the group is finite."""
    return []
