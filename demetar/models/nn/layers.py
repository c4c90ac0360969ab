"""Dense layers and small perceptrons whose parameters are filled by name (see `nn.init`)."""

from collections.abc import Callable

import flax.linen as nn
import jax.numpy as jnp

from demetar.core.arrays import Array
from demetar.core.graph import Graph


class Dense(nn.Module):
    """x W + b for rows x [..., in] -> [..., features]; `kernel` names the rule that fills W."""

    features: int
    bias: bool = True
    kernel: str = "kernel"

    @nn.compact
    def __call__(self, x: Array) -> Array:
        shape = (x.shape[-1], self.features)
        y = x @ self.param(self.kernel, nn.initializers.zeros, shape)
        return y + self.param("bias", nn.initializers.zeros, shape[1:]) if self.bias else y


class MLP(nn.Module):
    """Dense layers of the given widths with the activation between them, not after the last."""

    widths: tuple[int, ...]
    activation: Callable[[Array], Array] = nn.silu

    @nn.compact
    def __call__(self, x: Array) -> Array:
        for width in self.widths[:-1]:
            x = self.activation(Dense(width)(x))
        return Dense(self.widths[-1])(x)


class Embedding(nn.Module):
    """A learned row [nodes, features] for each species; zeros for species that are not listed."""

    species: tuple[int, ...]
    features: int

    @nn.compact
    def __call__(self, graph: Graph) -> Array:
        shape = (len(self.species), self.features)
        table = self.param("embedding", nn.initializers.zeros, shape)
        return (graph.species[:, None] == jnp.asarray(self.species)).astype(table.dtype) @ table


class LayerNorm(nn.Module):
    """Invariant rows [..., channels] with zero mean and unit variance, then scaled and shifted."""

    epsilon: float = 1e-6  # added to the variance

    @nn.compact
    def __call__(self, x: Array) -> Array:
        scale = self.param("scale", nn.initializers.ones, x.shape[-1:])
        bias = self.param("bias", nn.initializers.zeros, x.shape[-1:])
        centred = x - x.mean(-1, keepdims=True)
        variance = jnp.square(centred).mean(-1, keepdims=True)
        return centred / jnp.sqrt(variance + self.epsilon) * scale + bias
