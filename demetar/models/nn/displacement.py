"""Places from invariant features: a head for networks that have no vectors of their own."""

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Float

from demetar.core import segments
from demetar.core.arrays import Array
from demetar.core.graph import Graph
from demetar.models.nn import inputs as nf
from demetar.models.nn.layers import MLP, Dense


class Displacement(nn.Module):
    """mean_j (x_i − x_j) φ(h_i, h_j, |x_ij|², q_i q_j) + v_i ψ(h_i), 1o.

    The coordinate update of EGNN (Satorras et al., ICML 2021, equations 4 and 7) as a last layer,
    E(3)-equivariant because φ and ψ see invariants only. `envelope` multiplies φ.
    """

    width: int

    @nn.compact
    def __call__(
        self, graph: Graph, h: Float[Array, "nodes channels"], envelope: Float[Array, "edges 1"]
    ) -> Float[Array, "nodes 3"]:
        r = nf.differences(graph, graph.positions)
        square = jnp.sum(r * r, -1, keepdims=True)
        given = jnp.concatenate([square, nf.charge_products(graph)], -1)
        phi = Dense(self.width, name="pair_geometry")(given)
        phi += Dense(self.width, bias=False, name="pair_receiver")(h)[graph.receivers]
        phi += Dense(self.width, bias=False, name="pair_sender")(h)[graph.senders]
        phi = nn.silu(Dense(self.width, name="pair_hidden")(nn.silu(phi)))
        phi = Dense(1, bias=False, kernel="small", name="pair_out")(phi) * envelope
        pull = segments.receive_sum(graph, r * phi) / segments.degree(graph, r.dtype)
        return pull + nf.velocities(graph) * MLP((self.width, 1), name="velocity")(h)
