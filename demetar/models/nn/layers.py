"""Dense layers and small perceptrons, filled by name (see `nn.init`)."""

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Float

from demetar.core.arrays import Array
from demetar.core.graph import Graph
from demetar.models.nn.activations import Pointwise


class Dense(nn.Module):
    """x W + b for rows x; `kernel` names the rule that fills W."""

    features: int
    bias: bool = True
    kernel: str = "kernel"

    @nn.compact
    def __call__(self, x: Float[Array, "*rows channels"]) -> Float[Array, "*rows features"]:
        shape = (x.shape[-1], self.features)
        y = x @ self.param(self.kernel, nn.initializers.zeros, shape)
        return y + self.param("bias", nn.initializers.zeros, shape[1:]) if self.bias else y


class MLP(nn.Module):
    """Dense layers of the given widths with the activation between them, not after the last."""

    widths: tuple[int, ...]
    activation: Pointwise = nn.silu

    @nn.compact
    def __call__(self, x: Float[Array, "*rows channels"]) -> Float[Array, "*rows features"]:
        for width in self.widths[:-1]:
            x = self.activation(Dense(width)(x))
        return Dense(self.widths[-1])(x)


class Embedding(nn.Module):
    """A learned row for each species; zeros for species that are not listed."""

    species: tuple[int, ...]
    features: int

    @nn.compact
    def __call__(self, graph: Graph) -> Float[Array, "nodes features"]:
        shape = (len(self.species), self.features)
        table = self.param("embedding", nn.initializers.zeros, shape)
        return (graph.species[:, None] == jnp.asarray(self.species)).astype(table.dtype) @ table


class LayerNorm(nn.Module):
    """Invariant rows with zero mean and unit variance, then scaled and shifted."""

    epsilon: float = 1e-6  # added to the variance

    @nn.compact
    def __call__(self, x: Float[Array, "*rows channels"]) -> Float[Array, "*rows channels"]:
        scale = self.param("scale", nn.initializers.ones, x.shape[-1:])
        bias = self.param("bias", nn.initializers.zeros, x.shape[-1:])
        centred = x - x.mean(-1, keepdims=True)
        variance = jnp.square(centred).mean(-1, keepdims=True)
        return centred / jnp.sqrt(variance + self.epsilon) * scale + bias
