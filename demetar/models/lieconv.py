"""LieConv(T3): convolution with a kernel of the offset x_i − x_j; knows translations, not rotations.

M. Finzi, S. Stanton, P. Izmailov, A. G. Wilson, "Generalizing Convolutional Neural Networks for
Equivariance to Lie Groups on Arbitrary Continuous Data", ICML 2020, section 4: the convolution over
a group, estimated by a mean over neighbours, with a perceptron of log(v⁻¹u) as its kernel; for the
group T(3) that logarithm is the offset itself. The network is that of the published QM9 row, the
authors' `MolecLieResNet` with width 1536 and 6 layers: bottlenecks of pre-activated layers, the
kernel 3 → 32 → 32 → 16, a mean over atoms. Rotations are learnt by
augmentation alone (`--augment "SO(3)"`), so only T(3) × S_n is claimed.

Two deviations from the authors' code, both for the sake of a pure function of one molecule. Where it
normalises over a batch, which lets molecules see each other, features of nodes pass a LayerNorm and
the kernel none: a LayerNorm there would throw the length of the offset away at its first layer. Its
neighbours are drawn at random, also at evaluation, unless all atoms are taken as in the published
row; here they are the graph's edges and the node itself.
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
from demetar.models.nn.layers import MLP, Dense, LayerNorm

TITLE = "LieConv"
SYMMETRY = "T(3) x S_n"
OUTPUTS = {"positions": kinds.POSITIONS, "scalar": kinds.SCALAR}
REFERENCE = "Finzi, Stanton, Izmailov, Wilson, ICML 2020 (arXiv:2002.12880)"


@dataclasses.dataclass(frozen=True)
class Config:
    """Defaults are small; the published row on QM9 has width 1536 and 6 layers."""

    inputs: str = "particles"
    output: str = "positions"
    species: tuple[int, ...] = (1, 6, 7, 8, 9)
    width: int = 128
    layers: int = 4
    kernel_width: int = 32
    kernel_channels: int = 16


class Convolution(nn.Module):
    """(W Σ_j h_j ⊗ k(x_i − x_j) + b) / count over j and i itself; gives it and |k| of each edge."""

    width: int
    kernel_width: int
    kernel_channels: int

    @nn.compact
    def __call__(
        self, graph: Graph, h: Float[Array, "nodes given"]
    ) -> tuple[Float[Array, "nodes width"], Float[Array, "edges 1"]]:
        widths = (self.kernel_width, self.kernel_width, self.kernel_channels)
        kernel = MLP(widths, name="kernel")
        offsets = nf.differences(graph, graph.positions)
        at_edges, at_zero = nn.silu(kernel(offsets)), nn.silu(kernel(jnp.zeros_like(offsets[:1])))
        sent = h[graph.senders]
        # One channel of the kernel at a time: no array [edges, width, channels] is ever held.
        parts = [
            segments.receive_sum(graph, sent * at_edges[:, k : k + 1]) + h * at_zero[:, k : k + 1]
            for k in range(self.kernel_channels)
        ]
        mixed = Dense(self.width, name="mix")(jnp.concatenate(parts, -1))
        count = 1 + segments.receive_sum(graph, graph.edge_mask.astype(h.dtype)[:, None])
        return mixed / count, segments.norm(at_edges)


class Block(nn.Module):
    """A bottleneck to a quarter of the width around a convolution, added to its input."""

    config: Config

    @nn.compact
    def __call__(
        self, graph: Graph, h: Float[Array, "nodes width"]
    ) -> tuple[Float[Array, "nodes width"], Float[Array, "edges 1"]]:
        c = self.config
        narrow = max(c.width // 4, 1)
        x = Dense(narrow, name="down")(nn.silu(LayerNorm(name="norm_in")(h)))
        x = nn.silu(LayerNorm(name="norm_down")(x))
        convolution = Convolution(narrow, c.kernel_width, c.kernel_channels, name="convolution")
        x, weights = convolution(graph, x)
        x = nn.silu(LayerNorm(name="norm_up")(x))
        return h + Dense(c.width, name="up")(x), weights


class Model(nn.Module):
    """Output with "positions" [nodes, 3] or "scalar" [graphs, 1] for a Graph.

    A scalar is the mean over the atoms, as published for all targets of QM9; so energies are not
    sums of parts, and two molecules far from each other do not add up.
    """

    config: Config = Config()

    @nn.compact
    def __call__(self, graph: Graph) -> Output:
        c = self.config
        if c.inputs == "particles":
            given = jnp.concatenate([nf.velocities(graph), nf.charges(graph)], -1)
        else:
            given = nf.species_powers(graph, c.species)
        h = Dense(c.width, name="embed")(given)
        trace = []
        for i in range(c.layers):
            h, weights = Block(c, name=f"layer_{i + 1}")(graph, h)
            trace.append(
                Layer(f"layer {i + 1}", (scalars(h),), segments.edge_attention(graph, weights))
            )
        last = nn.silu(LayerNorm(name="norm_out")(h))
        if c.output == "positions":
            moved = Dense(3, name="out")(last)
            return Output(nf.positions_value(graph, graph.positions + moved), tuple(trace))
        per_atom = jnp.where(graph.node_mask[:, None], Dense(1, name="out")(last), 0)
        return Output(nf.scalar_value(segments.graph_mean(graph, per_atom)), tuple(trace))
