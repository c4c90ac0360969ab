"""SE(3): rotations and translations."""

import numpy as np
from jaxtyping import Bool, Float

from demetar.symmetry.elements import Elements
from demetar.symmetry.groups import so3, t3

NAME = "SE(3)"
PARTS = ("T(3)", "SO(3)")


def sample(rng: np.random.Generator, samples: int, real: Bool[np.ndarray, " nodes"]) -> Elements:
    """Uniform rotations, each followed by a normally distributed shift."""
    return Elements(so3.sample(rng, samples, real).matrix, t3.sample(rng, samples, real).shift)


def generators() -> list[tuple[str, Float[np.ndarray, "3 3"], Float[np.ndarray, "3"]]]:
    """The infinitesimal rotations and translations."""
    return so3.generators() + t3.generators()
