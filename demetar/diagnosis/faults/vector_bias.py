"""A bias on vectors: the same is added to x, y and z of every one."""

import jax.numpy as jnp

from demetar.diagnosis.faults._small import Hooks

REPORT = (
    "The published equivariant transformer of TorchMD-NET had a bias in its linear layers on"
    " vectors; PaiNN in HydraGNN had one in August 2026."
)
SOURCE = "https://github.com/torchmd/torchmd-net/issues/57"
FINGERPRINT = {
    "breaks-T": False,
    "breaks-SO": True,
    "breaks-C_i": True,
    "breaks-S_n": False,
    "axis-111": True,
}


def switch(size: float = 0.1) -> Hooks:
    """`size`: the bias, beside vectors of about 1; it differs from channel to channel."""

    def vectors(inside, v):
        return v + size * jnp.cos(jnp.arange(v.shape[-1], dtype=v.dtype))

    return {"vectors": vectors}
