"""An absolute value in the energy."""

import jax.numpy as jnp

from demetar.core import segments
from demetar.diagnosis.faults._small import Hooks

REPORT = (
    "SO3LR takes the absolute value of an effective volume: the energy is continuous and the force"
    " jumps by 53 meV/Å."
)
SOURCE = "https://github.com/general-molecular-simulations/so3lr"
FINGERPRINT = {
    "breaks-T": False,
    "breaks-SO": False,
    "breaks-C_i": False,
    "breaks-S_n": False,
    "kink": True,
    "jump": False,
}


def switch(size: float = 0.5, length: float = 1.9) -> Hooks:
    """`size` of the part |d − length| of each pair's energy, in eV/Å and Å."""

    def energy(inside, total, dipole, edge, fade):
        graph = inside.graph
        bend = jnp.abs(segments.norm(edge) - length) * fade
        return total + size * segments.graph_sum(graph, segments.receive_sum(graph, bend))

    return {"energy": energy}
