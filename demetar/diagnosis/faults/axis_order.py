"""Vectors come out as y, z, x."""

import dataclasses

import jax.numpy as jnp

from demetar.diagnosis.faults._small import Hooks

REPORT = (
    "Harmonics of degree 1 in the order y, z, x beside vectors in the order x, y, z; of several"
    " libraries, and of versions of one."
)
SOURCE = "https://github.com/QUVA-Lab/escnn/issues/43"
FINGERPRINT = {
    "breaks-T": False,
    "breaks-SO": True,
    "breaks-C_i": False,
    "breaks-S_n": False,
    "axes-law": True,
}


def switch(order: tuple[int, int, int] = (1, 2, 0)) -> Hooks:
    """`order`: which axis stands where in forces and dipole."""

    def values(inside, found):
        def reordered(value):
            return dataclasses.replace(value, array=value.array[:, jnp.array(order)])

        return {k: v if k == "energy" else reordered(v) for k, v in found.items()}

    return {"values": values}
