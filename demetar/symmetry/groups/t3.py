"""T(3): translations of space."""

import numpy as np

from demetar.symmetry.elements import Elements, identity

NAME = "T(3)"
SPREAD = 3.0  # standard deviation of each component, in the unit of the positions


def sample(rng: np.random.Generator, samples: int, real: np.ndarray) -> Elements:
    """Shifts from a normal distribution; the group is not compact and has no uniform one."""
    return Elements(identity(samples).matrix, rng.normal(scale=SPREAD, size=(samples, 3)))


def generators() -> list[tuple[str, np.ndarray, np.ndarray]]:
    """The three infinitesimal translations."""
    return [(f"translation along {'xyz'[k]}", np.zeros((3, 3)), np.eye(3)[k]) for k in range(3)]
