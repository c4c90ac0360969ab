"""EGNN: E(n)-equivariant graph network that passes invariant messages and moves coordinates.

V. G. Satorras, E. Hoogeboom, M. Welling, "E(n) Equivariant Graph Neural Networks", ICML 2021,
equations 3 to 6 and, with velocities, 7; QM9 settings from its appendix C.3. Where paper and public
code differ, this follows the code: the mean over neighbours for coordinates, φ_v and φ_x computed
from the features before their update, and the initial velocity in every layer. The code's clipping
of each coordinate of the update to ±100 is left out: it never acts in training and would break
rotation symmetry where it did. The displacement is carried apart from the initial places, which is
the same sum with fewer digits lost.
"""

import dataclasses

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Float

from demetar.core import kinds, segments
from demetar.core.arrays import Array
from demetar.core.graph import Graph
from demetar.core.output import Feature, Layer, Output, scalars
from demetar.models.nn import inputs as nf
from demetar.models.nn.layers import MLP, Dense

TITLE = "EGNN"
SYMMETRY = "E(3) x S_n"
OUTPUTS = {"positions": kinds.POSITIONS, "scalar": kinds.SCALAR}
REFERENCE = "Satorras, Hoogeboom, Welling, ICML 2021 (arXiv:2102.09844)"


@dataclasses.dataclass(frozen=True)
class Config:
    """Defaults are the charged N-body recipe; for QM9 width 128, 7 layers, gate, no update."""

    inputs: str = "particles"
    output: str = "positions"
    species: tuple[int, ...] = (1, 6, 7, 8, 9)
    width: int = 64
    layers: int = 4
    gate: bool = False
    update_positions: bool = True


class Convolution(nn.Module):
    """One equivariant convolution; the first edge layer is split per node, which is the same sum."""

    config: Config

    @nn.compact
    def __call__(
        self,
        graph: Graph,
        h: Float[Array, "nodes width"],
        moved: Float[Array, "nodes 3"],
        edge_attributes: Float[Array, "edges attributes"],
    ) -> tuple[Float[Array, "nodes width"], Float[Array, "nodes 3"], Float[Array, "edges 1"]]:
        width = self.config.width
        r = nf.differences(graph, graph.positions) + nf.differences(graph, moved)
        geometry = jnp.concatenate([jnp.sum(r * r, -1, keepdims=True), edge_attributes], -1)
        m = Dense(width, name="edge_geometry")(geometry)
        m += Dense(width, bias=False, name="edge_receiver")(h)[graph.receivers]
        m += Dense(width, bias=False, name="edge_sender")(h)[graph.senders]
        m = nn.silu(Dense(width, name="edge_out")(nn.silu(m)))
        weights = jnp.ones_like(m[:, :1])
        if self.config.gate:
            weights = nn.sigmoid(Dense(1, name="gate")(m))
            m *= weights
        if self.config.update_positions:
            phi = nn.silu(Dense(width, name="position_in")(m))
            phi = Dense(1, bias=False, kernel="small", name="position_out")(phi)
            weights = weights if self.config.gate else phi
            moved = moved + segments.receive_sum(graph, r * phi) / segments.degree(graph, r.dtype)
            if self.config.inputs == "particles":
                moved = moved + nf.velocities(graph) * MLP((width, 1), name="velocity")(h)
        both = jnp.concatenate([h, segments.receive_sum(graph, m)], -1)
        h = h + MLP((width, width), name="node")(both)
        return h, moved, weights


class Model(nn.Module):
    """Output with "positions" [nodes, 3] or "scalar" [graphs, 1] for a Graph."""

    config: Config = Config()

    @nn.compact
    def __call__(self, graph: Graph) -> Output:
        c = self.config
        particles = c.inputs == "particles"
        moved = jnp.zeros_like(graph.positions)  # kept apart from the places: no digits are lost
        h = nf.speeds(graph) if particles else nf.species_powers(graph, c.species)
        h = Dense(c.width, name="embed")(h)
        r = nf.differences(graph, graph.positions)
        attributes = [nf.charge_products(graph), jnp.sum(r * r, -1, keepdims=True)]
        attributes = jnp.concatenate(attributes if particles else [r[:, :0]], -1)
        trace = []
        for i in range(c.layers):
            h, moved, weights = Convolution(c, name=f"layer_{i + 1}")(graph, h, moved, attributes)
            features = [scalars(h)]
            features += [Feature(moved[..., None], "1o")] if c.update_positions else []
            attention = segments.message_weights(graph, weights)
            trace.append(Layer(f"layer {i + 1}", tuple(features), attention))
        if c.output == "positions":
            return Output(nf.positions_value(graph, graph.positions + moved), tuple(trace))
        per_atom = MLP((c.width, c.width), name="node_out")(h)
        total = segments.graph_sum(graph, jnp.where(graph.node_mask[:, None], per_atom, 0))
        return Output(nf.scalar_value(MLP((c.width, 1), name="graph_out")(total)), tuple(trace))
