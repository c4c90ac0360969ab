"""Vectors made by differences along the fixed axes x, y and z."""

import jax.numpy as jnp

from demetar.core import segments
from demetar.diagnosis.faults._small import Hooks, envelope

REPORT = (
    "Dipoles by finite differences along the axes of the laboratory: 2.2 meV and 2.5 meV/Å on SO2"
    " turned by 157°, in September 2026."
)
SOURCE = "https://github.com/ACEsuit/mace/issues/1719"
FINGERPRINT = {
    "breaks-T": False,
    "breaks-SO": True,
    "breaks-C_i": False,
    "breaks-S_n": False,
    "quarter-turns": True,
}


def switch(step: float = 0.3) -> Hooks:
    """`step`: of the central differences, in Å; what breaks shrinks with its square."""

    def vectors(inside, v):
        graph = inside.graph
        edge = inside.x[graph.senders] - inside.x[graph.receivers]

        def density(shift):
            there = edge - shift
            messages = inside.messages(there) * envelope(segments.norm(there))
            return segments.receive_sum(graph, messages)

        axes = step * jnp.eye(3, dtype=v.dtype)
        return jnp.stack([(density(a) - density(-a)) / (2 * step) for a in axes], 1)

    return {"vectors": vectors}
