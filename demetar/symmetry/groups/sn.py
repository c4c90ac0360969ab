"""S_n: renumberings of the particles."""

import numpy as np
from jaxtyping import Bool, Float

from demetar.symmetry.elements import Elements, identity

NAME = "S_n"
PARTS = ("S_n",)


def sample(rng: np.random.Generator, samples: int, real: Bool[np.ndarray, " nodes"]) -> Elements:
    """Uniform permutations of the real nodes [samples, nodes]; padding stays where it is."""
    nodes = np.arange(len(real))
    permutation = np.tile(nodes, (samples, 1))
    for row in permutation:
        row[real] = rng.permutation(nodes[real])
    unit = identity(samples)
    return Elements(unit.matrix, unit.shift, permutation)


def generators() -> list[tuple[str, Float[np.ndarray, "3 3"], Float[np.ndarray, "3"]]]:
    """None: the group is finite."""
    return []
