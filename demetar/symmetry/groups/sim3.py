"""Sim(3): E(3) and uniform scaling; no model here claims it, so it serves as negative control."""

import numpy as np
from jaxtyping import Bool, Float

from demetar.symmetry.elements import Elements
from demetar.symmetry.groups import e3

NAME = "Sim(3)"
PARTS = ("T(3)", "SO(3)", "C_i")


def sample(rng: np.random.Generator, samples: int, real: Bool[np.ndarray, " nodes"]) -> Elements:
    """Elements of E(3), each scaled by a factor between 1.25 and 2."""
    g = e3.sample(rng, samples, real)
    return Elements(g.matrix * rng.uniform(1.25, 2.0, (samples, 1, 1)), g.shift)


def generators() -> list[tuple[str, Float[np.ndarray, "3 3"], Float[np.ndarray, "3"]]]:
    """The generators of E(3) and the infinitesimal dilation."""
    return [*e3.generators(), ("dilation", np.eye(3), np.zeros(3))]
