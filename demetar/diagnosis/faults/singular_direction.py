"""Directions go through angles, and sin θ = 0 divides."""

import jax.numpy as jnp

from demetar.core import segments
from demetar.diagnosis.faults._small import Hooks

REPORT = (
    "Harmonics by way of angles have no derivative at the pole; torsions and norms have none where"
    " they are not defined."
)
SOURCE = "https://github.com/e3nn/e3nn/issues/112"
FINGERPRINT = {
    "breaks-T": False,
    "breaks-SO": False,
    "breaks-C_i": False,
    "breaks-S_n": False,
    "aimed": True,
}


def switch() -> Hooks:
    """Each edge is written as length, polar angle and azimuth, and made of them again."""

    def edges(inside, edge):
        length = segments.norm(edge)[:, 0]
        safe = jnp.where(length > 0, length, 1)
        ring = jnp.sqrt(edge[:, 0] ** 2 + edge[:, 1] ** 2)  # its derivative at the pole is 0/0
        ring = jnp.where(length > 0, ring, 1)
        x, y = edge[:, 0] / ring, edge[:, 1] / ring
        sine = ring / safe
        return jnp.where(
            (length > 0)[:, None],
            length[:, None] * jnp.stack([sine * x, sine * y, edge[:, 2] / safe], -1),
            0,
        )

    return {"edges": edges}
