"""Layer normalisation of vectors with a weight and a bias for each component."""

import jax.numpy as jnp
import numpy as np

from demetar.diagnosis.faults._small import CHANNELS, Hooks

REPORT = (
    "A LayerNorm over [channels, 3] with affine weights: harmless as initialised, broken as soon as"
    " it has learned."
)
SOURCE = "https://github.com/pengxingang/Pocket2Mol/issues/16"
FINGERPRINT = {
    "breaks-T": False,
    "breaks-SO": True,
    "breaks-C_i": True,
    "breaks-S_n": False,
    "low-degrees": True,
    "half-turns": False,
}


def switch(size: float = 0.2) -> Hooks:
    """`size`: how far learned weights are from 1 and biases from 0."""
    rng = np.random.default_rng(5)
    weight, bias = size * rng.normal(size=(2, 3, CHANNELS))

    def vectors(inside, v):
        length = jnp.sqrt((v**2).mean((1, 2), keepdims=True) + 1e-2)
        return v / length * (1 + weight).astype(v.dtype) + bias.astype(v.dtype)

    return {"vectors": vectors}
