"""T(3): translations of space."""

import numpy as np
from jaxtyping import Bool, Float

from demetar.symmetry.elements import Elements, identity

NAME = "T(3)"
PARTS = ("T(3)",)
SPREAD = 3.0  # standard deviation of each component, in the unit of the positions


def sample(rng: np.random.Generator, samples: int, real: Bool[np.ndarray, " nodes"]) -> Elements:
    """Shifts from a normal distribution; the group is not compact and has no uniform one."""
    return Elements(identity(samples).matrix, rng.normal(scale=SPREAD, size=(samples, 3)))


def generators() -> list[tuple[str, Float[np.ndarray, "3 3"], Float[np.ndarray, "3"]]]:
    """The three infinitesimal translations."""
    return [(f"translation along {'xyz'[k]}", np.zeros((3, 3)), np.eye(3)[k]) for k in range(3)]
