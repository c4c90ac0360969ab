"""Ripples on the energy."""

import jax.numpy as jnp

from demetar.core import segments
from demetar.diagnosis.faults._small import Hooks

REPORT = "CHGNet's energy has ripples of 16 meV/Å against a cubic over 0.12 Å of silicon."
SOURCE = "https://github.com/CederGroupHub/chgnet"
FINGERPRINT = {
    "breaks-T": False,
    "breaks-SO": False,
    "breaks-C_i": False,
    "breaks-S_n": False,
    "ripples": True,
}


def switch(size: float = 0.002, wave: float = 0.03) -> Hooks:
    """`size` of the ripples of a pair in eV and their `wave` length in Å."""

    def energy(inside, total, dipole, edge, fade):
        graph = inside.graph
        ripple = jnp.sin(2 * jnp.pi / wave * segments.norm(edge)) * fade
        return total + size * segments.graph_sum(graph, segments.receive_sum(graph, ripple))

    return {"energy": energy}
