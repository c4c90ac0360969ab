"""What DimeNet++ and SphereNet share: messages that live on directed edges, and outputs from them.

J. Gasteiger, S. Giri, J. T. Margraf, S. Günnemann, "Fast and Uncertainty-Aware Directional Message
Passing for Non-Equilibrium Molecules", 2020 (arXiv:2011.14115), figure 1. The message of the edge
j → i is x_ji; with φ silu, and dense layers everywhere:

    x_ji  = φ(W [h_i, h_j, φ(W e(d_ji))])                                       embedding
    s_kj  = φ(W↓ (φ(W x_kj) ⊙ W e(d_kj)))                                       Sent
    x_ji ← after(φ(W before(φ(W x_ji) + φ(W↑ mix(s)_ji))) + x_ji)               Updated
    out   = Σ_blocks W MLP(W Σ_j (W e(d_ji)) ⊙ x_ji)                            Head

`mix` sums s over the triplets of an edge and is the model's own; before and after are residual
layers. Molecules: the sum of `out` over the atoms. Particles are no part of those papers. Here
their |v| and charge stand for the species, and as in EGNN

    x_i ← x_i + mean_j (x_i − x_j) w(x_ji) + v_i out_i.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from demetar.core import segments
from demetar.core.arrays import Array
from demetar.core.graph import Graph
from demetar.core.output import Layer, Output, scalars
from demetar.models.nn import inputs as nf
from demetar.models.nn import radial
from demetar.models.nn.layers import Dense
from demetar.models.nn.triplets import Triplets, spherical_bessel
from demetar.symmetry import irreps as ir

PLACES = 2048  # pairs of edges at once: 0.5 MB for each array of 64 channels
NEAREST = 0.01  # of the cutoff: no two atoms come closer, so 1/d need not grow beyond


@dataclasses.dataclass(frozen=True)
class Config:
    """Defaults are the published ones for QM9, which both papers share."""

    inputs: str = "particles"
    output: str = "positions"
    species: tuple[int, ...] = (1, 6, 7, 8, 9)
    width: int = 128
    layers: int = 4
    triplet_width: int = 64
    basis_width: int = 8
    out_width: int = 256
    degrees: int = 7  # of the angular basis: l = 0 … 6
    bases: int = 6  # functions of the distance, for each degree
    cutoff: float = 5.0  # Å, or the scene's unit


def geometry(
    graph: Graph, c: Config
) -> tuple[Float[Array, "edges 1"], Float[Array, "edges 3"], Float[Array, "edges 1"]]:
    """Distances d in units of the cutoff, directions to i, envelope.

    Particles have no envelope: their edges end where the graph ends.
    """
    x = nf.differences(graph, graph.positions)
    r = segments.norm(x)
    how = radial.polynomial_envelope if c.inputs == "atoms" else radial.no_envelope
    return r / c.cutoff, ir.direction(x), how(r, c.cutoff)


def inverse(d: Float[Array, "edges 1"]) -> Float[Array, "edges 1"]:
    """1/d, constant below NEAREST."""
    return 1 / jnp.maximum(d, NEAREST)


class Distances(nn.Module):
    """u(d) sin(f_n d)/d with an envelope u; f_n is learned from nπ on.

    Gasteiger, Groß, Günnemann 2020 (DimeNet), equations 7 and 8, without the factor √(2/c).
    """

    count: int

    @nn.compact
    def __call__(
        self, d: Float[Array, "edges 1"], envelope: Float[Array, "edges 1"]
    ) -> Float[Array, "edges count"]:
        f = self.param("frequency", nn.initializers.zeros, (self.count,))
        return envelope * f * spherical_bessel(0, jnp.abs(f) * d)


class LowRank(nn.Module):
    """A kernel that is the product of two, with nothing between them."""

    rank: int
    features: int

    @nn.compact
    def __call__(self, count: int, dtype: Any) -> Float[Array, "count features"]:
        inner = linear(self.rank, "in", bias=False)(jnp.eye(count, dtype=dtype))
        return linear(self.features, "out", bias=False)(inner)


def own_degree(
    kernel: Float[Array, "functions bases features"], degree: np.ndarray, degrees: int
) -> Float[Array, "degrees bases functions features"]:
    """The kernel of functions that read the bases of one degree each, for the bases of all degrees.

    Zeros make the product larger, but it is one product of matrices without a transposed copy.
    """
    own = np.arange(degrees)[:, None, None, None] == degree[:, None]
    return jnp.where(own, kernel.swapaxes(0, 1), 0)


def divisible(t: Triplets) -> Triplets:
    """The same triplets for as many nodes as in_parts() can divide."""
    parts, size = part_sizes(*t.received.shape)
    return t.filled(parts * size)


def part_sizes(nodes: int, places: int) -> tuple[int, int]:
    """How many parts, and how many nodes in each, stay in a core's cache with D places each."""
    parts = -(-nodes // max(PLACES // places**2, 1))
    return parts, -(-nodes // parts)


def in_parts(
    part: Callable[[tuple], Float[Array, " nodes *row"]], rows: tuple, places: int
) -> Float[Array, " nodes *row"]:
    """What `part` gives for the rows of all nodes, which part_sizes() must divide.

    A step is bound by how often it passes over large arrays: a row of channels for each pair of edges
    is 63 MB for 32 molecules, so that such are computed again for the gradient rather than kept.
    """
    parts, size = part_sizes(len(rows[0]), places)
    if parts == 1:
        return part(rows)
    divided = jax.tree.map(lambda x: x.reshape(parts, size, *x.shape[1:]), rows)
    found = jax.lax.map(part, divided)
    return found.reshape(parts * size, *found.shape[2:])


def linear(features: int, name: str, bias: bool = True) -> Dense:
    """A dense layer with the papers' random orthogonal kernel."""
    return Dense(features, bias, "orthogonal", name=name)


def residual(x: Float[Array, "edges width"], name: str) -> Float[Array, "edges width"]:
    """x + φ(W φ(W x)); call it in a module's compact method."""
    y = nn.silu(linear(x.shape[-1], f"{name}_in")(x))
    return x + nn.silu(linear(x.shape[-1], f"{name}_out")(y))


class Embedding(nn.Module):
    """The first messages, of what both ends are and of the distance."""

    config: Config

    @nn.compact
    def __call__(self, graph: Graph, e: Float[Array, "edges bases"]) -> Float[Array, "edges width"]:
        c, width = self.config, self.config.width
        if c.inputs == "atoms":
            one_hot = (graph.species[:, None] == jnp.asarray(c.species)).astype(e.dtype)
            h = Dense(width, bias=False, kernel="table", name="species")(one_hot)
        else:
            h = Dense(width, name="state")(
                jnp.concatenate([nf.speeds(graph), nf.charges(graph)], -1)
            )
        e = nn.silu(Dense(width, name="distance")(e))
        kernel = self.param("kernel", nn.initializers.zeros, (3 * width, width))
        receiver, sender, distance = jnp.split(kernel, 3)  # per node first: the same sum, less work
        x = (h @ receiver)[graph.receivers] + (h @ sender)[graph.senders] + e @ distance
        return nn.silu(x + self.param("bias", nn.initializers.zeros, (width,)))


class Sent(nn.Module):
    """What each message hands on to the next edges."""

    config: Config

    @nn.compact
    def __call__(
        self, x: Float[Array, "edges width"], e: Float[Array, "edges bases"]
    ) -> Float[Array, "edges triplet_width"]:
        c = self.config
        kernel = LowRank(c.basis_width, c.width, name="distance")(c.bases, e.dtype)
        y = nn.silu(linear(c.width, "dense")(x)) * (e @ kernel)
        return nn.silu(linear(c.triplet_width, "down", bias=False)(y))


class Updated(nn.Module):
    """Messages after an interaction, from what has come along the triplets."""

    config: Config

    @nn.compact
    def __call__(
        self, x: Float[Array, "edges width"], mixed: Float[Array, "edges triplet_width"]
    ) -> Float[Array, "edges width"]:
        width = self.config.width
        y = nn.silu(linear(width, "dense")(x))
        y = y + nn.silu(linear(width, "up", bias=False)(mixed))
        y = residual(y, "before")
        y = nn.silu(linear(width, "skip")(y)) + x
        return residual(residual(y, "after_1"), "after_2")


class Head(nn.Module):
    """An invariant of the messages that arrive, their sum, and their sizes."""

    config: Config
    up_bias: bool
    last: str  # the rule that fills the last kernel

    @nn.compact
    def __call__(
        self, graph: Graph, x: Float[Array, "edges width"], e: Float[Array, "edges bases"]
    ) -> tuple[Float[Array, "nodes 1"], Float[Array, "nodes width"], Float[Array, "edges 1"]]:
        c = self.config
        message = linear(c.width, "distance", bias=False)(e) * x
        arrived = segments.receive_sum(graph, message)
        y = linear(c.out_width, "up", bias=self.up_bias)(arrived)
        for i in range(3):
            y = nn.silu(linear(c.out_width, f"dense_{i + 1}")(y))
        out = Dense(1, bias=False, kernel=self.last, name="out")(y)
        return out, arrived, segments.norm(message)


def network(
    c: Config,
    graph: Graph,
    e: Float[Array, "edges bases"],
    mix: Callable[[str, Float[Array, "edges triplet_width"]], Float[Array, "edges triplet_width"]],
    up_bias: bool = False,
    last: str = "zero",
) -> Output:
    """The output of all layers; call it in the compact method of a model.

    e is the basis of distances; mix(name, sent) sums what the messages send
    over the triplets of each edge, with parameters under that name.
    """
    x = Embedding(c, name="embedding")(graph, e)
    out, trace = jnp.zeros_like(graph.positions[:, :1]), []
    for i in range(c.layers + 1):
        if i:
            sent = Sent(c, name=f"sent_{i}")(x, e)
            x = Updated(c, name=f"updated_{i}")(x, mix(f"mixed_{i}", sent))
        more, arrived, sizes = Head(c, up_bias, last, name=f"head_{i}")(graph, x, e)
        out = out + more
        name = f"layer {i}" if i else "embedding"
        trace.append(Layer(name, (scalars(arrived),), segments.edge_attention(graph, sizes)))
    if c.output == "scalar":
        return Output(nf.scalar_value(segments.graph_sum(graph, out)), tuple(trace))
    weights = Dense(1, bias=False, kernel="small", name="pull")(x)
    pulls = nf.differences(graph, graph.positions) * weights
    moved = segments.receive_sum(graph, pulls) / segments.degree(graph, weights.dtype)
    moved = moved + nf.velocities(graph) * out
    return Output(nf.positions_value(graph, graph.positions + moved), tuple(trace))
