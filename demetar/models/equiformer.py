"""Equiformer: a graph transformer whose features are irreps and whose messages are not linear.

Y.-L. Liao, T. Smidt, "Equiformer: Equivariant Graph Attention Transformer for 3D Atomistic Graphs",
ICLR 2023, sections 4.1 to 4.3. An edge's message is a depth-wise tensor product of both ends'
features with the harmonics of their direction, its weights a perceptron of the distance. From its
scalars come the logits, a_ij = softmax_j(a · LeakyReLU(scalars)), and from all of it the value: a
gate, a second product, a linear map. Where paper and public code differ, this follows the code:
the normalisation of degrees above zero divides by the root mean square of the components, the last
block has scalars only, and sums are divided by the root of their average length on QM9.

The published models take harmonics of degree one as 1e: rotations keep their meaning, reflections do not,
so `parity="se3"` claims SE(3). With "e3" every irrep carries its parity. `envelope` ends what edges of
molecules contribute smoothly at the cutoff; "none" is the published choice, with energies that jump there.
Where a molecule is nearly symmetric, or an odd scalar nearly vanishes, the published `softening` of √1e-5
amplifies what is left 300 times in each normalisation, so the default is larger; even scalars keep the
published `epsilon`. Dropout is left out. `width` is the number of 0e channels; degree l has width/2^l,
split between the parities for "e3". Moving particles, unknown to the paper: speed, charge and velocity
enter the embedding, products of charges the radial perceptrons, `cutoff` only sets the scale of the basis.
"""

import dataclasses
from typing import NamedTuple

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Float

from demetar.core import segments
from demetar.core.arrays import Array
from demetar.core.errors import InputError
from demetar.core.graph import Graph
from demetar.core.kinds import QUANTITIES
from demetar.core.output import Layer, Output
from demetar.models.nn import inputs as nf
from demetar.models.nn import radial
from demetar.models.nn import readout as ro
from demetar.models.nn.activations import sigmoid, silu, smooth_leaky_relu
from demetar.models.nn.irreps import coupling, products
from demetar.models.nn.irreps import equivariant as eq
from demetar.models.nn.irreps.shared import alike
from demetar.symmetry import irreps as ir
from demetar.symmetry.irreps import Features

Channels = dict[str, int]
Attended = tuple[Features, Float[Array, "edges heads"]]

TITLE = "Equiformer"
SYMMETRY = "SE(3) x S_n"
OUTPUTS = ro.OUTPUTS
REFERENCE = "Liao, Smidt, ICLR 2023 (arXiv:2206.11990)"
CONNECT = {"atoms": 5.0}
CHOICES = {
    "parity": ("se3", "e3"),
    "attention": ("mlp", "dot"),
    "messages": ("nonlinear", "linear"),
    "basis": ("gaussian", "bessel"),
    "envelope": tuple(radial.ENVELOPES),
}
VARIANTS = {"e3": {"parity": "e3"}}


@dataclasses.dataclass(frozen=True)
class Config:
    """Defaults are the QM9 recipe, with an envelope instead of none.

    Raises InputError if the tensor output, which has a part of degree 2, is asked of lmax 1.
    """

    inputs: str = "particles"
    output: str = "positions"
    species: tuple[int, ...] = (1, 6, 7, 8, 9)
    width: int = 128
    layers: int = 6
    heads: int = 4
    lmax: int = 2
    parity: str = "se3"  # or "e3"
    attention: str = "mlp"  # or "dot"
    messages: str = "nonlinear"  # or "linear"
    basis: str = "gaussian"  # or "bessel"
    bases: int = 128
    radial_width: int = 64
    cutoff: float = 5.0  # Å, or the scene's unit
    envelope: str = "polynomial"  # or "cosine", "none"
    softening: float = 0.3  # of what normalisations divide other irreps by; published: 1e-5^½
    epsilon: float = 1e-5  # added to the variance of even scalars there
    average_degree: float = 15.57930850982666  # neighbours within 5 Å on QM9
    average_nodes: float = 18.03065905448718  # atoms of a molecule of QM9

    def __post_init__(self) -> None:
        if self.output == "tensor" and self.lmax < 2:
            raise InputError(f"Expected lmax of at least 2 for tensors, got {self.lmax}; raise it.")


def symmetry(config: Config) -> str:
    """The largest group that a configuration claims."""
    return "E(3) x S_n" if config.parity == "e3" else "SE(3) x S_n"


def embedding(config: Config) -> Channels:
    """Channels of each irrep of the nodes' features, each a multiple of the heads."""
    c = config
    halved = {"0e": c.width} | {f"{l}e": c.width >> l for l in range(1, c.lmax + 1)}
    if c.parity == "e3":
        halved = {"0e": c.width, "0o": c.width // 4}
        for l in range(1, c.lmax + 1):
            halved |= {f"{l}e": c.width >> (l + 1), f"{l}o": c.width >> (l + 1)}
    return {k: max(1, n // c.heads) * c.heads for k, n in halved.items()}


def linear(channels: Channels, name: str, bias: bool = True) -> eq.Linear:
    """A linear map to the channels with e3nn's normal weights."""
    return eq.Linear(ir.unparse(channels), bias, "normal", name=name)


def radial_mlp(config: Config, count: int, name: str) -> eq.RadialMLP:
    """A perceptron of the edge's invariants that gives the weights of products."""
    return eq.RadialMLP((config.radial_width,) * 2, count, kernel="kernel", name=name)


class Distances(nn.Module):
    """The basis of the distances: learned Gaussians, or Bessel functions."""

    config: Config

    @nn.compact
    def __call__(self, r: Float[Array, "edges 1"]) -> Float[Array, "edges bases"]:
        c = self.config
        if c.basis == "bessel":
            return radial.bessel(r, c.cutoff, c.bases)
        scaled = r / c.cutoff * self.param("scale", nn.initializers.ones, (1,))
        scaled += self.param("bias", nn.initializers.zeros, (1,))
        mean = self.param("centre", nn.initializers.ones, (c.bases,))
        width = jnp.abs(self.param("width", nn.initializers.ones, (c.bases,))) + 1e-5
        return jnp.exp(-0.5 * jnp.square((scaled - mean) / width)) / ((2 * jnp.pi) ** 0.5 * width)


class Edges(NamedTuple):
    """What every block needs of the edges."""

    harmonics: Features  # [edges, 2l+1]
    invariants: Float[Array, "edges invariants"]
    envelope: Float[Array, "edges 1"]


class Attention(nn.Module):
    """Messages along the edges, weighted by softmax: (features, weights)."""

    config: Config

    @nn.compact
    def __call__(self, graph: Graph, x: Features, edges: Edges) -> Attended:
        c, made = self.config, coupling.channels(x)
        sent = linear(made, "sender")(x)
        taken = linear(made, "receiver", bias=False)(x)
        both = {k: sent[k][graph.senders] + taken[k][graph.receivers] for k in x}
        paths = coupling.paths(tuple(x), tuple(edges.harmonics), tuple(x))
        perceptron = radial_mlp(c, coupling.weight_count(made, paths), "radial")
        message = products.convolve(both, edges.harmonics, paths, perceptron(edges.invariants))
        value = message
        if c.messages == "nonlinear":
            value = linear(products.gated(made), "gate")(value)
            value = products.gate(value, made["0e"], silu, sigmoid)
            shape = (1, coupling.weight_count(made, paths))
            weights = self.param("normal", nn.initializers.ones, shape)
            value = products.convolve(value, edges.harmonics, paths, weights)
        value = linear(made, "value")(value)
        logits = self._logits(graph, x, message)
        alpha = segments.receive_softmax(graph, logits, edges.envelope)[0]
        weights = alpha * edges.envelope
        received = {
            k: segments.receive_sum(graph, self._weighted(v, weights)) for k, v in value.items()
        }
        return linear(made, "out")(received), alpha

    def _logits(self, graph: Graph, x: Features, message: Features) -> Float[Array, "edges heads"]:
        """Logits: a perceptron of the message's scalars, or q · k."""
        c, made = self.config, coupling.channels(x)
        if c.attention == "mlp":
            scalars = linear({"0e": made["0e"]}, "scalars")(message)["0e"][:, 0]
            scalars = smooth_leaky_relu(scalars).reshape(len(scalars), c.heads, -1)
            vector = self.param("xavier", nn.initializers.ones, scalars.shape[1:])
            return jnp.sum(scalars * vector, -1)
        q, k = linear(made, "query")(x), linear(made, "key")(message)
        terms = []
        for irrep, v in k.items():
            product = jnp.sum(q[irrep][graph.receivers] * v, 1) * v.shape[1] ** -0.5
            terms.append(product.reshape(len(product), c.heads, -1).sum(-1))
        return sum(terms) * (sum(made.values()) / c.heads) ** -0.5

    def _weighted(
        self, v: Float[Array, "edges dim channels"], weights: Float[Array, "edges heads"]
    ) -> Float[Array, "edges dim channels"]:
        heads = v.reshape(*v.shape[:2], self.config.heads, -1) * weights[:, None, :, None]
        return heads.reshape(v.shape)


class Block(nn.Module):
    """Attention and a gated perceptron, each of normalised features and added (pre-norm)."""

    config: Config
    out: str  # irreps

    @nn.compact
    def __call__(self, graph: Graph, x: Features, edges: Edges) -> Attended:
        soft = self.config.softening, self.config.epsilon
        given = eq.EquivariantLayerNorm(*soft, name="norm_1")(x)
        mixed, weights = Attention(self.config, name="attention")(graph, given, edges)
        x = products.add(x, mixed)
        inner, out = {k: 3 * n for k, n in coupling.channels(x).items()}, ir.parse(self.out)
        y = linear(products.gated(inner), "inner")(eq.EquivariantLayerNorm(*soft, name="norm_2")(x))
        y = linear(out, "outer")(products.gate(y, inner["0e"], silu, sigmoid))
        if out != coupling.channels(x):
            x = linear(out, "shortcut")(x)
        return products.add(x, y), weights


class Model(nn.Module):
    """Output with the values of `config.output` for a Graph; see OUTPUTS."""

    config: Config = Config()

    @nn.compact
    def __call__(self, graph: Graph) -> Output:
        c = self.config
        made = embedding(c)
        edges = self._edges(graph)
        x = products.add(self._embedded(graph, made), self._degrees(graph, edges, made))
        nothing = jnp.zeros_like(x["0e"][..., :1])  # blocks fill what the inputs cannot reach
        x = {
            k: x[k] if k in x else jnp.tile(nothing, (1, 2 * ir.degree(k) + 1, n))
            for k, n in made.items()
        }
        scalars = c.output in ("scalar", "node_scalar")
        others = {} if scalars else {k: n for k, n in made.items() if k != "0e"}
        last = {"0e": 4 * c.width} | others
        trace = []
        for i in range(c.layers):
            out = ir.unparse(last if i == c.layers - 1 else made)
            x, weights = alike(self, Block, c, out, name=f"block_{i + 1}")(graph, x, edges)
            attention = segments.edge_attention(graph, weights)
            trace.append(Layer(f"block {i + 1}", eq.trace_features(x), attention))
        x = eq.EquivariantLayerNorm(c.softening, c.epsilon, name="norm")(x)
        asked = self._named(QUANTITIES[c.output].channels)
        if scalars:
            x = {"0e": silu(linear(last, "head_1")(x)["0e"])}
        x = linear(asked, "head_2")(x)
        x = dict(zip(QUANTITIES[c.output].channels, (x[k] for k in asked), strict=True))
        return Output(ro.answer(graph, c.output, x, self._pooled), tuple(trace))

    def _pooled(
        self, graph: Graph, rows: Float[Array, "nodes channels"]
    ) -> Float[Array, "graphs channels"]:
        return segments.graph_sum(graph, rows) * self.config.average_nodes**-0.5

    def _named(self, channels: Channels) -> Channels:
        """Irreps by the names that they bear inside: with "se3" all are even."""
        return {k if self.config.parity == "e3" else f"{k[0]}e": n for k, n in channels.items()}

    def _edges(self, graph: Graph) -> Edges:
        c = self.config
        r = -nf.differences(graph, graph.positions)
        length = segments.norm(r)
        names = self._named(dict.fromkeys(ir.natural(c.lmax), 1))
        invariants = Distances(c, name="distances")(length)
        if c.inputs == "particles":
            invariants = jnp.concatenate([invariants, nf.charge_products(graph)], -1)
        envelope = radial.ENVELOPES[c.envelope](length, c.cutoff)
        inside = jnp.where(length < c.cutoff, envelope, 0)
        return Edges(
            ir.harmonics(ir.direction(r), names),
            invariants,
            inside if c.inputs == "atoms" else jnp.ones_like(length),
        )

    def _embedded(self, graph: Graph, made: Channels) -> Features:
        c = self.config
        if c.inputs == "atoms":
            one_hot = graph.species[:, None] == jnp.asarray(c.species)
            given = {"0e": one_hot[:, None].astype(graph.positions.dtype)}
        else:
            scalars = jnp.concatenate([nf.charges(graph), nf.speeds(graph)], -1)
            vector = next(iter(self._named({"1o": 1})))
            given = {"0e": scalars[:, None], vector: nf.velocities(graph)[:, :, None]}
        return linear(made, "embed")(given)

    def _degrees(self, graph: Graph, edges: Edges, made: Channels) -> Features:
        """Sum over the edges of learned constants ⊗ harmonics: what surrounds each node."""
        c = self.config
        ones = {"0e": jnp.ones_like(graph.positions[:1, None, :1])}
        constants = linear({"0e": c.width}, "constants")(ones)["0e"]
        x = {"0e": jnp.broadcast_to(constants, (len(edges.envelope), 1, c.width))}
        paths = coupling.paths(("0e",), tuple(edges.harmonics), tuple(made))
        count = coupling.weight_count({"0e": c.width}, paths)
        perceptron = radial_mlp(c, count, "degrees")
        y = products.convolve(x, edges.harmonics, paths, perceptron(edges.invariants))
        y = linear(made, "surroundings")(y)
        return {
            k: segments.receive_sum(graph, v * edges.envelope[:, None]) * c.average_degree**-0.5
            for k, v in y.items()
        }
