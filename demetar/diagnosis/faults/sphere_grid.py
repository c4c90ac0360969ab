"""An activation on a grid of too few points on the sphere."""

import jax.numpy as jnp
import numpy as np

from demetar.diagnosis.faults._small import Hooks

REPORT = (
    "EquiformerV2's pointwise activation on the sphere is equivariant in the limit of a fine grid"
    " only."
)
SOURCE = "https://github.com/facebookresearch/fairchem/issues/1068"
FINGERPRINT = {"breaks-T": False, "breaks-SO": True, "breaks-S_n": False, "ring-turns": True}


def switch(rings: int = 3, points: int = 5) -> Hooks:
    """`rings` of latitude (Gauss–Legendre) with `points` each; what breaks falls quickly with both."""
    cosines, weights = np.polynomial.legendre.leggauss(rings)
    turns = 2 * np.pi * np.arange(points) / points
    sines = np.sqrt(1 - cosines**2)
    grid = [
        (s * np.cos(t), s * np.sin(t), c)
        for c, s in zip(cosines, sines, strict=True)
        for t in turns
    ]
    weight = np.repeat(weights / (2 * points), points)

    def invariants(inside, found, v, q):
        signal = jnp.einsum("pa,nac->npc", jnp.asarray(grid, v.dtype), v)
        active = jnp.tanh(2 * signal) ** 2
        mean = jnp.einsum("p,npc->nc", jnp.asarray(weight, v.dtype), active)
        return found.at[:, : mean.shape[1]].add(mean)

    return {"invariants": invariants}
