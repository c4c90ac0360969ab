"""Forces come out one row too late."""

import jax.numpy as jnp

from demetar.diagnosis.faults._small import Hooks

REPORT = "Rows in the order in which the model sorted the atoms, and not in the order of the input."
SOURCE = ""
FINGERPRINT = {
    "breaks-T": False,
    "breaks-SO": False,
    "breaks-C_i": False,
    "breaks-S_n": True,
    "rows-elsewhere": True,
}


def switch(by: int = 1) -> Hooks:
    """`by`: so many rows too late, within each system."""

    def forces(inside, f):
        graph = inside.graph
        slot = graph.node_slots()
        counts = (
            jnp.zeros(graph.n_graphs + 1, slot.dtype)
            .at[graph.graph_index]
            .add(1)[graph.graph_index]
        )
        start = jnp.arange(len(slot)) - slot
        return f[start + (slot + by) % counts]

    return {"forces": forces}
