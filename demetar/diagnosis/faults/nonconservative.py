"""Forces with a part that is no gradient of anything."""

import jax.numpy as jnp

from demetar.core import segments
from demetar.diagnosis.faults._small import Hooks

REPORT = (
    "Forces from kernels of degree 3 that were not the derivative of the energy, while all turned"
    " well."
)
SOURCE = "https://github.com/PASSIONLab/OpenEquivariance/issues/211"
FINGERPRINT = {
    "breaks-T": False,
    "breaks-SO": False,
    "breaks-C_i": False,
    "breaks-S_n": False,
    "gradient-wrong": True,
    "gradient-right-somewhere": False,
    "jacobian-asymmetric": True,
}


def switch(size: float = 0.05) -> Hooks:
    """`size`: of the part that is predicted directly, beside forces of about 1 eV/Å."""

    def forces(inside, f):
        graph = inside.graph
        edge = inside.x[graph.senders] - inside.x[graph.receivers]
        weight = inside.messages(edge)[:, :1] * jnp.exp(-segments.norm(edge))
        return f + size * segments.receive_sum(graph, weight * edge)

    return {"forces": forces}
