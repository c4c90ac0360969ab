"""A field has a direction and is not turned with the molecule."""

import jax.numpy as jnp

from demetar.diagnosis.faults._small import Hooks

REPORT = (
    "A cell, edge vectors or velocities that the test, or the model's own cache, forgets to turn."
)
SOURCE = "https://github.com/e3nn/e3nn/issues/282"
FINGERPRINT = {
    "breaks-T": False,
    "breaks-SO": True,
    "breaks-C_i": True,
    "breaks-S_n": False,
    "axis-other": True,
}


def switch(field: tuple[float, float, float] = (0.3, -0.5, 0.8)) -> Hooks:
    """`field`: in V/Å; the energy is less by its product with the dipole."""

    def energy(inside, total, dipole, edge, fade):
        return total - (dipole * jnp.asarray(field, dipole.dtype)).sum(-1, keepdims=True)

    return {"energy": energy}
