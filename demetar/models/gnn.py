"""GNN: a plain message-passing network on coordinates; knows permutations, not space.

The baseline of V. G. Satorras, E. Hoogeboom, M. Welling, "E(n) Equivariant Graph Neural Networks",
ICML 2021, table 2 (equation 2 is the layer, after Gilmer et al. 2017): nodes carry positions and
velocities as if they were scalars, edges the product of charges. For molecules the nodes carry
species and positions.
"""

import dataclasses

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Float

from demetar.core import kinds, segments
from demetar.core.arrays import Array
from demetar.core.graph import Graph
from demetar.core.output import Layer, Output, scalars
from demetar.models.nn import inputs as nf
from demetar.models.nn.layers import MLP, Dense

TITLE = "GNN"
SYMMETRY = "S_n"
OUTPUTS = {"positions": kinds.POSITIONS, "scalar": kinds.SCALAR}
REFERENCE = "Gilmer et al., ICML 2017 (arXiv:1704.01212); baseline of arXiv:2102.09844"


@dataclasses.dataclass(frozen=True)
class Config:
    """Defaults are the charged N-body recipe."""

    inputs: str = "particles"
    output: str = "positions"
    species: tuple[int, ...] = (1, 6, 7, 8, 9)
    width: int = 64
    layers: int = 4


class Message(nn.Module):
    """m_ij = φ_e(h_i, h_j, a_ij); h_i += φ_h(h_i, Σ_j m_ij). Gives (h, |m_ij| per edge)."""

    width: int

    @nn.compact
    def __call__(
        self,
        graph: Graph,
        h: Float[Array, "nodes width"],
        edge_attributes: Float[Array, "edges attributes"],
    ) -> tuple[Float[Array, "nodes width"], Float[Array, "edges 1"]]:
        m = Dense(self.width, name="edge_attributes")(edge_attributes)
        m += Dense(self.width, bias=False, name="edge_receiver")(h)[graph.receivers]
        m += Dense(self.width, bias=False, name="edge_sender")(h)[graph.senders]
        m = nn.silu(Dense(self.width, name="edge_out")(nn.silu(m)))
        both = jnp.concatenate([h, segments.receive_sum(graph, m)], -1)
        return h + MLP((self.width, self.width), name="node")(both), segments.norm(m)


class Model(nn.Module):
    """Output with "positions" [nodes, 3] or "scalar" [graphs, 1] for a Graph."""

    config: Config = Config()

    @nn.compact
    def __call__(self, graph: Graph) -> Output:
        c = self.config
        particles = c.inputs == "particles"
        given = nf.velocities(graph) if particles else nf.species_powers(graph, c.species)
        joined = graph.edge_mask[:, None].astype(graph.positions.dtype)
        attributes = nf.charge_products(graph) if particles else joined
        h = Dense(c.width, name="embed")(jnp.concatenate([graph.positions, given], -1))
        trace = []
        for i in range(c.layers):
            h, weights = Message(c.width, name=f"layer_{i + 1}")(graph, h, attributes)
            trace.append(
                Layer(f"layer {i + 1}", (scalars(h),), segments.message_weights(graph, weights))
            )
        if c.output == "positions":
            return Output(nf.positions_value(graph, MLP((c.width, 3), name="out")(h)), tuple(trace))
        total = segments.graph_sum(graph, jnp.where(graph.node_mask[:, None], h, 0))
        return Output(nf.scalar_value(MLP((c.width, 1), name="out")(total)), tuple(trace))
