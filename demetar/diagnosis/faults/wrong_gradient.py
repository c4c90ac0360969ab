"""The gradient is wrong at hydrogens, and right in the sum."""

import jax.numpy as jnp

from demetar.diagnosis.faults._small import Hooks

REPORT = "The gradient of one atom was wrong and the sum right, so that every check of invariance passed."
SOURCE = "https://github.com/wavefunction91/GauXC/issues/227"
FINGERPRINT = {
    "breaks-T": False,
    "breaks-SO": False,
    "breaks-C_i": False,
    "breaks-S_n": False,
    "gradient-wrong": True,
    "gradient-right-somewhere": True,
}


def switch(size: float = 0.02, species: int = 1) -> Hooks:
    """`size`: the part by which forces on one `species` are too large; the sum of several stays."""

    def forces(inside, f):
        chosen = ((inside.graph.species == species) & inside.graph.node_mask).astype(f.dtype)[
            :, None
        ]
        count = chosen.sum()
        mean = jnp.where(count > 1, (chosen * f).sum(0) / jnp.maximum(count, 1), 0)
        return f + size * chosen * (f - mean)

    return {"forces": forces}
