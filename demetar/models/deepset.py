"""DeepSet: each particle sees itself and the mean of all; knows permutations, not space.

M. Zaheer et al., "Deep Sets", NeurIPS 2017, permutation-equivariant layers (equation 4 and the
discussion after it, with the mean as pooling). Inputs are coordinates, as in the comparison of
Fuchs et al., "SE(3)-Transformers", NeurIPS 2020, section 4.1: position, velocity and charge of each
particle; for molecules species and position. It predicts the displacement.
"""

import dataclasses

import flax.linen as nn
import jax.numpy as jnp

from demetar.core import kinds, segments
from demetar.core.graph import Graph
from demetar.core.output import Layer, Output, scalars
from demetar.models.nn import inputs as nf
from demetar.models.nn.layers import MLP, Dense

TITLE = "DeepSet"
SYMMETRY = "S_n"
OUTPUTS = {"positions": kinds.POSITIONS, "scalar": kinds.SCALAR}
REFERENCE = "Zaheer et al., NeurIPS 2017 (arXiv:1703.06114)"


@dataclasses.dataclass(frozen=True)
class Config:
    """Width and number of permutation-equivariant layers."""

    inputs: str = "particles"
    output: str = "positions"
    species: tuple[int, ...] = (1, 6, 7, 8, 9)
    width: int = 64
    layers: int = 4


class Model(nn.Module):
    """Output with "positions" [nodes, 3] or "scalar" [graphs, 1] for a Graph."""

    config: Config = Config()

    @nn.compact
    def __call__(self, graph: Graph) -> Output:
        c = self.config
        owner = jnp.minimum(graph.graph_index, graph.n_graphs - 1)
        real = graph.node_mask[:, None]
        h = Dense(c.width, name="embed")(nf.coordinates(graph, c.inputs, c.species))
        trace = []
        for i in range(c.layers):
            mean = segments.graph_mean(graph, jnp.where(real, h, 0))[owner]
            both = jnp.concatenate([h, mean], -1)
            h = h + MLP((c.width, c.width), name=f"layer_{i + 1}")(both)
            trace.append(Layer(f"layer {i + 1}", (scalars(h),)))
        if c.output == "positions":
            moved = MLP((c.width, 3), name="out")(h)
            return Output(nf.positions_value(graph, graph.positions + moved), tuple(trace))
        total = segments.graph_sum(graph, jnp.where(real, h, 0))
        return Output(nf.scalar_value(MLP((c.width, 1), name="out")(total)), tuple(trace))
