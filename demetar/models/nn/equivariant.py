"""Equivariant layers on features by irrep (see `nn.products`); parameters are filled by name.

Specifications such as "8x0e + 8x1o" are e3nn's notation: channels by irrep. An irrep that a layer
cannot make from its input (no path leads there) is absent from its output.
"""

from collections.abc import Callable

import flax.linen as nn
import jax.numpy as jnp

from demetar.core.arrays import Array
from demetar.core.output import Feature
from demetar.models.nn import coupling, products
from demetar.models.nn.layers import Dense, LayerNorm
from demetar.symmetry import irreps as ir
from demetar.symmetry.irreps import Features

SOFTENING = 0.01  # of |f|: what symmetry makes vanish must not come back as amplified rounding


class Linear(nn.Module):
    """Mixes the channels of each irrep by its own matrix: the equivariant linear maps.

    A bias stands on 0e only: any other constant would prefer a direction or a handedness.
    """

    irreps: str
    bias: bool = True
    kernel: str = "kernel"

    @nn.compact
    def __call__(self, x: Features) -> Features:
        return {
            irrep: Dense(n, bias=self.bias and irrep == "0e", kernel=self.kernel, name=irrep)(
                x[irrep]
            )
            for irrep, n in ir.parse(self.irreps).items()
            if irrep in x
        }


class TensorProduct(nn.Module):
    """Fully connected product of features with harmonics [rows, 2l+1], weights shared by all rows.

    e3nn's FullyConnectedTensorProduct: each path's channelwise product, then a linear map.
    """

    irreps: str
    bias: bool = True
    kernel: str = "kernel"

    @nn.compact
    def __call__(self, x: Features, y: Features) -> Features:
        path_list = coupling.paths(tuple(x), tuple(y), tuple(ir.parse(self.irreps)))
        product = products.convolve(x, y, path_list, None)
        return Linear(self.irreps, self.bias, self.kernel, name="mix")(product)


class NormActivation(nn.Module):
    """f · η(|f| + b) / |f| for each channel of each irrep, η(f) for 0e; |f| is softened near zero.

    Thomas et al. 2018, section 4.1.4 (their equation has no name for the softening).
    """

    activation: Callable[[Array], Array] = nn.silu

    @nn.compact
    def __call__(self, x: Features) -> Features:
        size = products.norms({k: v for k, v in x.items() if k != "0e"}, SOFTENING)
        found = {}
        for irrep, v in x.items():
            if irrep == "0e":
                found[irrep] = self.activation(v)
            else:
                bias = Bias(name=irrep)(size[irrep])
                found[irrep] = v * (self.activation(bias) / size[irrep])
        return found


class Bias(nn.Module):
    """x + b, one number a channel."""

    @nn.compact
    def __call__(self, x: Array) -> Array:
        return x + self.param("bias", nn.initializers.zeros, x.shape[-1:])


class Scale(nn.Module):
    """x · s, one number a channel."""

    @nn.compact
    def __call__(self, x: Array) -> Array:
        return x * self.param("scale", nn.initializers.ones, x.shape[-1:])


class EquivariantLayerNorm(nn.Module):
    """LayerNorm on 0e; other irreps over the root mean square of all their entries, then scaled.

    Liao, Smidt 2023 (Equiformer), section 4.1 as in its code: the mean runs over components and
    channels of one node ("component"), where the paper's formula has the L2 norm.
    """

    softening: float = SOFTENING

    @nn.compact
    def __call__(self, x: Features) -> Features:
        found = {}
        for irrep, v in x.items():
            if irrep == "0e":
                found[irrep] = LayerNorm(self.softening**2, name=irrep)(v)
            else:
                square = jnp.square(v).mean((-2, -1), keepdims=True)
                found[irrep] = Scale(name=irrep)(v / jnp.sqrt(square + self.softening**2))
        return found


class GatedPerceptron(nn.Module):
    """Linear map, gate, linear map: the equivariant counterpart of a two-layer perceptron."""

    irreps: str

    @nn.compact
    def __call__(self, x: Features) -> Features:
        kept = {k: n for k, n in ir.parse(self.irreps).items() if k in x}
        inner = Linear(ir.unparse(products.gated(kept)), name="in")(x)
        return Linear(self.irreps, name="out")(products.gate(inner, kept["0e"]))


class RadialMLP(nn.Module):
    """Perceptron of an edge's invariants [edges, n] with LayerNorm before each activation.

    LayerNorm stands where TFN's and the SE(3)-Transformer's code have BatchNorm: batch statistics
    make one molecule's output depend on the others, and on whether the model trains.
    """

    hidden: tuple[int, ...]
    features: int
    activation: Callable[[Array], Array] = nn.silu
    bias: bool = True

    @nn.compact
    def __call__(self, x: Array) -> Array:
        for i, width in enumerate(self.hidden):
            x = LayerNorm(1e-5, name=f"norm_{i + 1}")(Dense(width, name=f"layer_{i + 1}")(x))
            x = self.activation(x)
        return Dense(self.features, self.bias, "xavier", name="out")(x)


def trace_features(x: Features, per: str = "node") -> tuple[Feature, ...]:
    """The entries of a trace for features by irrep."""
    return tuple(Feature(v, irrep, per) for irrep, v in x.items())
