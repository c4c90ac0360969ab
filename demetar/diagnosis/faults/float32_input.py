"""Positions are rounded to float32, whatever was asked for."""

import jax.numpy as jnp

from demetar.diagnosis.faults._small import Hooks

REPORT = (
    "A calculator casts positions to float32 and computes in float64 from there: the error grows"
    " with the distance from the origin."
)
SOURCE = "https://github.com/microsoft/mattersim/issues/171"
FINGERPRINT = {"stairs": True, "float32-twin": True}


def switch() -> Hooks:
    """Positions in float32, the rest as asked for."""

    def rounded(inside, x):
        return x.astype(jnp.float32).astype(x.dtype)

    return {"input": rounded}
