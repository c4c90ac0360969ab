"""Layers on scalars [nodes, n] and polar vectors [nodes, 3, n] that need no coupling coefficients."""

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Float

from demetar.core import segments
from demetar.core.arrays import Array
from demetar.core.graph import Graph
from demetar.core.kinds import QUANTITIES
from demetar.core.output import Value
from demetar.models.nn import readout as ro
from demetar.models.nn.layers import MLP, Dense

OUTPUTS = {name: kind for name, kind in ro.OUTPUTS.items() if name != "tensor"}
POOLS = {"sum": segments.graph_sum, "mean": segments.graph_mean}


def length(
    vectors: Float[Array, "nodes 3 channels"], softening: float
) -> Float[Array, "nodes channels"]:
    """√(|v|² + softening²) of vectors: its gradient exists at zero.

    Rounding of vectors that vanish by symmetry comes back in that gradient divided by the softening.
    """
    return jnp.sqrt(jnp.sum(vectors * vectors, 1) + softening**2)


class Parts(nn.Module):
    """x W + b as `parts` arrays of one width, parameters as those of Dense.

    Each is a product of its own: loops over slices of one wide array run at half the speed.
    """

    width: int
    parts: int
    bias: bool = True
    kernel: str = "kernel"

    @nn.compact
    def __call__(self, x: Float[Array, "rows channels"]) -> list[Float[Array, "rows width"]]:
        shape = (x.shape[-1], self.parts * self.width)
        kernel = self.param(self.kernel, nn.initializers.zeros, shape)
        made = [x @ k for k in jnp.split(kernel, self.parts, 1)]
        if not self.bias:
            return made
        bias = self.param("bias", nn.initializers.zeros, shape[1:])
        return [y + b for y, b in zip(made, jnp.split(bias, self.parts), strict=True)]


class Readout(nn.Module):
    """The declared values of an output: a perceptron of the scalars, or a linear map of the vectors."""

    output: str
    width: int
    pool: str = "sum"

    @nn.compact
    def __call__(
        self, graph: Graph, s: Float[Array, "nodes channels"], v: Float[Array, "nodes 3 vectors"]
    ) -> dict[str, Value]:
        asked = QUANTITIES[self.output].channels
        if "0e" in asked:
            made = {"0e": MLP((max(self.width // 2, 1), 1), name="perceptron")(s)[:, None]}
        else:
            made = {"1o": Dense(asked["1o"], False, "small", name="vectors")(v)}
        return ro.answer(graph, self.output, made, POOLS[self.pool])
