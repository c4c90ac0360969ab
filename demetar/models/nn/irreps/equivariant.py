"""Equivariant layers on features by irrep (see `nn.irreps.products`); parameters are filled by name.

Specifications such as "8x0e + 8x1o" are e3nn's notation: channels by irrep. An irrep that a layer
cannot make from its input (no path leads there) is absent from its output.
"""

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Float

from demetar.core.arrays import Array
from demetar.core.output import Feature
from demetar.models.nn.activations import Pointwise
from demetar.models.nn.irreps import coupling, products
from demetar.models.nn.layers import Dense, LayerNorm
from demetar.symmetry import irreps as ir
from demetar.symmetry.irreps import Features

SOFTENING = 0.01  # of |f|, which bounds what a division by it amplifies
FAINT = 1e-3  # share of a row's size below which an irrep fades out; float32 leaves 1e-7 to 1e-5


def presence(x: Features) -> Features:
    """How much of each irrep but 0e is there [rows, 1, 1]: 1, but 0 where symmetry makes it vanish.

    What should vanish at an atom in the middle of a tetrahedron is rounding instead, and a division
    by its size would bring it back as a direction. Below FAINT times the root mean square of the
    whole row an irrep fades out, with two continuous derivatives; from there on nothing changes.
    """
    square = {irrep: jnp.square(v).mean((-2, -1), keepdims=True) for irrep, v in x.items()}
    entries = {irrep: v.shape[-2] * v.shape[-1] for irrep, v in x.items()}
    total = sum(entries[irrep] * square[irrep] for irrep in x) / sum(entries.values())
    # The last term keeps the gradient of a row of zeros finite: padding, or a single atom.
    share = {irrep: v / (FAINT**2 * total + 1e-12) for irrep, v in square.items()}
    return {irrep: _smooth_step(jnp.minimum(u, 1)) for irrep, u in share.items() if irrep != "0e"}


def _smooth_step(u: Float[Array, "rows 1 1"]) -> Float[Array, "rows 1 1"]:
    return u**3 * (10 - 15 * u + 6 * u**2)


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

    Thomas et al. 2018, section 4.1.4 (their equation has no name for the softening). An irrep that
    symmetry makes vanish stays so, see presence(). A single channel can be small by chance, most
    easily where symmetry leaves a vector one direction, as at the atoms of benzene; once training has
    found a bias, gradients there carry rounding over softening².
    """

    activation: Pointwise = nn.silu
    softening: float = SOFTENING

    @nn.compact
    def __call__(self, x: Features) -> Features:
        size = products.norms({k: v for k, v in x.items() if k != "0e"}, self.softening)
        found, there = {}, presence(x)
        for irrep, v in x.items():
            if irrep == "0e":
                found[irrep] = self.activation(v)
            else:
                bias = Bias(name=irrep)(size[irrep])
                found[irrep] = v * (there[irrep] * self.activation(bias) / size[irrep])
        return found


class Bias(nn.Module):
    """x + b, one number a channel."""

    @nn.compact
    def __call__(self, x: Float[Array, "rows dim channels"]) -> Float[Array, "rows dim channels"]:
        return x + self.param("bias", nn.initializers.zeros, x.shape[-1:])


class Scale(nn.Module):
    """x · s, one number a channel."""

    @nn.compact
    def __call__(self, x: Float[Array, "rows dim channels"]) -> Float[Array, "rows dim channels"]:
        return x * self.param("scale", nn.initializers.ones, x.shape[-1:])


class EquivariantLayerNorm(nn.Module):
    """LayerNorm on 0e; other irreps over the root mean square of all their entries, then scaled.

    Liao, Smidt 2023 (Equiformer), section 4.1 as in its code: the mean runs over components and
    channels of one node ("component"), where the paper's formula has the L2 norm. Each of the other
    irreps is amplified at most 1/softening times, and not at all where symmetry makes it vanish, see
    presence().
    """

    softening: float = SOFTENING  # of what other irreps are divided by
    epsilon: float = 1e-5  # added to the variance of 0e

    @nn.compact
    def __call__(self, x: Features) -> Features:
        found, there = {}, presence(x)
        for irrep, v in x.items():
            if irrep == "0e":
                found[irrep] = LayerNorm(self.epsilon, name=irrep)(v)
            else:
                square = jnp.square(v).mean((-2, -1), keepdims=True)
                size = jnp.sqrt(square + self.softening**2)
                found[irrep] = Scale(name=irrep)(v * (there[irrep] / size))
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
    """Perceptron of an edge's invariants with LayerNorm before each activation.

    LayerNorm stands where TFN's and the SE(3)-Transformer's code have BatchNorm: batch statistics
    make one molecule's output depend on the others, and on whether the model trains.
    """

    hidden: tuple[int, ...]
    features: int
    activation: Pointwise = nn.silu
    bias: bool = True
    kernel: str = "xavier"  # of the last layer

    @nn.compact
    def __call__(self, x: Float[Array, "edges invariants"]) -> Float[Array, "edges features"]:
        for i, width in enumerate(self.hidden):
            x = LayerNorm(1e-5, name=f"norm_{i + 1}")(Dense(width, name=f"layer_{i + 1}")(x))
            x = self.activation(x)
        return Dense(self.features, self.bias, self.kernel, name="out")(x)


def trace_features(x: Features, per: str = "node") -> tuple[Feature, ...]:
    """The entries of a trace for features by irrep."""
    return tuple(Feature(v, irrep, per) for irrep, v in x.items())
