"""Set Transformer: full attention among particles given by coordinates; knows permutations only.

J. Lee et al., "Set Transformer", ICML 2019: self-attention blocks SAB (equations 6 and 7,
normalised before each part) and, for invariant targets, pooling by multihead attention with one
seed (equation 8). Inputs are coordinates, as in the comparison of Fuchs et al.,
"SE(3)-Transformers", NeurIPS 2020, section 4.1. It predicts the displacement. It is the control
that is *not* equivariant to motions of space.
"""

import dataclasses

import flax.linen as nn
import jax.numpy as jnp

from demetar.core import kinds
from demetar.core.graph import Graph
from demetar.core.output import Layer, Output, scalars
from demetar.core.padding import from_dense, to_dense
from demetar.models.nn import inputs as nf
from demetar.models.nn.layers import MLP, Dense
from demetar.models.nn.transformer import Block, MultiHead, pair_attention

TITLE = "Set Transformer"
SYMMETRY = "S_n"
OUTPUTS = {"positions": kinds.POSITIONS, "scalar": kinds.SCALAR}
REFERENCE = "Lee et al., ICML 2019 (arXiv:1810.00825)"


@dataclasses.dataclass(frozen=True)
class Config:
    """Width, heads and number of self-attention blocks."""

    inputs: str = "particles"
    output: str = "positions"
    species: tuple[int, ...] = (1, 6, 7, 8, 9)
    width: int = 64
    layers: int = 4
    heads: int = 4


class Model(nn.Module):
    """Output with "positions" [nodes, 3] or "scalar" [graphs, 1] for a Graph."""

    config: Config = Config()

    @nn.compact
    def __call__(self, graph: Graph) -> Output:
        c = self.config
        h = Dense(c.width, name="embed")(nf.coordinates(graph, c.inputs, c.species))
        h, mask = to_dense(h, graph.graph_index, graph.n_graphs, graph.max_nodes)
        trace = []
        for i in range(c.layers):
            h, weights = Block(c.width, c.heads, name=f"layer_{i + 1}")(h, mask)
            features = (scalars(from_dense(h, graph.graph_index)),)
            trace.append(Layer(f"layer {i + 1}", features, pair_attention(graph, weights)))
        if c.output == "positions":
            moved = MLP((c.width, 3), name="out")(from_dense(h, graph.graph_index))
            return Output(nf.positions_value(graph, graph.positions + moved), tuple(trace))
        seed = self.param("token", nn.initializers.zeros, (1, 1, c.width))
        seed = jnp.broadcast_to(seed, (graph.n_graphs, 1, c.width))
        pooled, _ = MultiHead(c.width, c.heads, name="pool")(seed, h, mask)
        return Output(nf.scalar_value(MLP((c.width, 1), name="out")(pooled[:, 0])), tuple(trace))
