"""A pseudoscalar counts as a scalar."""

import jax.numpy as jnp

from demetar.diagnosis.faults._small import Hooks

REPORT = (
    "Shipped checkpoints of SevenNet are made with is_parity false, Equiformer is by default:"
    " rotations hold, reflections do not."
)
SOURCE = "https://github.com/MDIL-SNU/SevenNet"
FINGERPRINT = {"breaks-T": False, "breaks-SO": False, "breaks-C_i": True, "breaks-S_n": False}


def switch(size: float = 1.0) -> Hooks:
    """`size`: how much of the triple product of three vectors is added to an invariant."""

    def invariants(inside, found, v, q):
        a, b, c = v[:, :, 0], v[:, :, 1] + v[:, :, 3], v[:, :, 2] - v[:, :, 4]
        triple = (a * jnp.cross(b, c)).sum(-1)
        return found.at[:, 0].add(size * triple)

    return {"invariants": invariants}
