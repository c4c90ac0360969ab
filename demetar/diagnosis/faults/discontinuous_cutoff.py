"""Neighbours count in full up to the cutoff."""

import jax.numpy as jnp

from demetar.diagnosis.faults._small import Hooks

REPORT = (
    "A hard cutoff: nothing breaks under the group, and the energy jumps when a pair crosses it."
)
SOURCE = ""
FINGERPRINT = {
    "breaks-T": False,
    "breaks-SO": False,
    "breaks-C_i": False,
    "breaks-S_n": False,
    "jump": True,
}


def switch(cutoff: float = 3.0) -> Hooks:
    """`cutoff` in Å, beyond which a neighbour is left out at once."""

    def envelope(inside, fade, d):
        return jnp.where(d < cutoff, fade, 0)

    return {"envelope": envelope}
