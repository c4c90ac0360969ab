"""A large constant energy is added in float32."""

import jax
import jax.numpy as jnp

from demetar.core import segments
from demetar.diagnosis.faults._small import Hooks

REPORT = (
    "Energies of atoms summed in float32: beside thousands of electronvolts few digits are left for"
    " the molecule."
)
SOURCE = "https://github.com/aiqm/torchani/issues/199"
FINGERPRINT = {"stairs": True, "stairs-of-value-only": True, "last-digit": True}


def switch(offset: float = 2e3) -> Hooks:
    """`offset`: the energy of an atom in eV, added in float32."""

    def energy(inside, total, dipole, edge, fade):
        constant = offset * segments.graph_sum(
            inside.graph, inside.graph.node_mask.astype(total.dtype)
        )
        whole = (total + constant.reshape(total.shape)).astype(jnp.float32).astype(total.dtype)
        # The derivative of a rounding is that of what is rounded.
        return total + jax.lax.stop_gradient(whole - total)

    return {"energy": energy}
