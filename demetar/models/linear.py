"""Linear: the least that a model can know. x + t·v with one learned time, or a sum over elements.

For N-body this is the "Linear" row of Satorras et al. (ICML 2021, table 2), whose code learns the
one number t. It commutes with every linear map of space, so also with all of E(3). For invariant
targets of molecules it is a sum of one learned number per element and a constant.
"""

import dataclasses

import flax.linen as nn
import jax.numpy as jnp

from demetar.core import kinds, segments
from demetar.core.graph import Graph
from demetar.core.output import Feature, Layer, Output, scalars
from demetar.models.nn import inputs as nf
from demetar.models.nn.layers import Dense

TITLE = "Linear"
SYMMETRY = "E(3) x S_n"
OUTPUTS = {"positions": kinds.POSITIONS, "scalar": kinds.SCALAR}
REFERENCE = "baseline of Satorras, Hoogeboom, Welling, ICML 2021 (arXiv:2102.09844)"


@dataclasses.dataclass(frozen=True)
class Config:
    """Nothing to choose but the kind of input and output."""

    inputs: str = "particles"
    output: str = "positions"
    species: tuple[int, ...] = (1, 6, 7, 8, 9)


class Model(nn.Module):
    """Output with "positions" [nodes, 3] or "scalar" [graphs, 1] for a Graph."""

    config: Config = Config()

    @nn.compact
    def __call__(self, graph: Graph) -> Output:
        c = self.config
        if c.output == "positions":
            time = self.param("scale", nn.initializers.ones, (1,))
            moved = nf.velocities(graph) * time
            trace = (Layer("velocity", (Feature(moved[..., None], "1o"),)),)
            return Output(nf.positions_value(graph, graph.positions + moved), trace)
        one_hot = (graph.species[:, None] == jnp.asarray(c.species)).astype(graph.positions.dtype)
        per_atom = jnp.where(
            graph.node_mask[:, None], Dense(1, bias=False, name="element")(one_hot), 0
        )
        total = segments.graph_sum(graph, per_atom) + self.param(
            "bias", nn.initializers.zeros, (1,)
        )
        return Output(nf.scalar_value(total), (Layer("element", (scalars(per_atom),)),))
