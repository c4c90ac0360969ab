"""A rectifier on the components of vectors."""

import jax.numpy as jnp

from demetar.diagnosis.faults._small import Hooks

REPORT = "A pointwise nonlinearity on features that turn: fine on scalars, not on x, y and z."
SOURCE = ""
FINGERPRINT = {
    "breaks-T": False,
    "breaks-SO": True,
    "breaks-C_i": True,
    "breaks-S_n": False,
    "cyclic-turns": True,
    "swaps": True,
    "axis-111": False,
}


def switch(leak: float = 0.5) -> Hooks:
    """`leak`: the slope below zero."""

    def vectors(inside, v):
        return jnp.where(v > 0, v, leak * v)

    return {"vectors": vectors}
