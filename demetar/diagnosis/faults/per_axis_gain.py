"""The components of vectors have gains of their own."""

import jax.numpy as jnp

from demetar.diagnosis.faults._small import Hooks

REPORT = (
    "A perceptron gave three numbers, one for x, y and z each, and multiplied a vector by them."
)
SOURCE = ""
FINGERPRINT = {
    "breaks-T": False,
    "breaks-SO": True,
    "breaks-C_i": False,
    "breaks-S_n": False,
    "half-turns": True,
    "quarter-turns": False,
}


def switch(gains: tuple[float, float, float] = (1.0, 1.1, 0.85)) -> Hooks:
    """`gains`: of x, y and z."""

    def vectors(inside, v):
        return v * jnp.asarray(gains, v.dtype)[:, None]

    return {"vectors": vectors}
