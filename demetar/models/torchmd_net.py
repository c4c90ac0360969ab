"""TorchMD-NET's equivariant transformer: attention whose values move scalars and polar vectors.

P. Thölke, G. De Fabritiis, "TorchMD-NET: Equivariant Transformers for Neural Network based Molecular
Potentials", ICLR 2022, equations 3 to 14. With LayerNorm before each layer and f = SiLU(W φ(r_ij)):

    A_ij = SiLU(Σ_c q_i k_j f^K_ij) C(r_ij)  per head, no softmax,   (s, s¹, s²)_ij = v_j f^V_ij,
    y_i = Σ_j A_ij s_ij,   w_i = Σ_j (s¹_ij μ_j + s²_ij r̂_ij),   (o¹, o², o³) = W y,
    x += o³ + o² ⟨U₁μ, U₂μ⟩,                                        μ += w + o¹ U₃μ.

j runs over i itself too, whose r̂ is zero. Where paper and public code differ, this follows the code:
r̂_ij points from i to j. C weights only A there, so the vectors, and from the second layer on the
energy, jump where an atom crosses the cutoff; `vector_cutoff` has C weight all values instead, as
later versions of the code offer. Edges beyond the cutoff count for nothing in either. U has no bias:
the version that was published had one (torchmd-net, issue 57), and `vector_bias` brings it back.

The energy is read by two gated blocks, whose √(|V μ|² + δ²) has no δ in the public code: rounding of
vectors that vanish by symmetry returns in the forces divided by δ. In the first layer μ is zero, so
what would be multiplied by it has no parameters here. Moving particles, which the paper has not,
begin with their velocities as μ, have the products of charges beside the basis, and no cutoff.
"""

import dataclasses
from typing import NamedTuple

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Float

from demetar.core import segments
from demetar.core.arrays import Array
from demetar.core.graph import Graph
from demetar.core.kinds import QUANTITIES
from demetar.core.output import Feature, Layer, Output, Value, scalars
from demetar.models.nn import inputs as nf
from demetar.models.nn import radial
from demetar.models.nn import readout as ro
from demetar.models.nn import vectors as nv
from demetar.models.nn.irreps import coupling
from demetar.models.nn.layers import MLP, Dense, LayerNorm
from demetar.symmetry import irreps as ir

TITLE = "TorchMD-NET"
SYMMETRY = "E(3) x S_n"
VARIANTS = {"vector_bias": {"vector_bias": True}}
CONNECT = {"atoms": 5.0}
OUTPUTS = nv.OUTPUTS
CHOICES = {"pool": ("sum", "mean"), "head": ("gated", "perceptron")}
REFERENCE = "Thölke, De Fabritiis, ICLR 2022 (arXiv:2202.02541)"
EPSILON = 1e-5  # of LayerNorm, as in the public code


@dataclasses.dataclass(frozen=True)
class Config:
    """Defaults are the published MD17 recipe; QM9's has width 256, 8 layers, 64 functions."""

    inputs: str = "particles"
    output: str = "positions"
    species: tuple[int, ...] = (1, 6, 7, 8, 9)
    width: int = 128
    layers: int = 6
    heads: int = 8
    bases: int = 32
    cutoff: float = 5.0
    pool: str = "sum"
    head: str = "gated"  # the published one; "perceptron" reads the scalars alone
    softening: float = 0.1  # δ of the head; the public code has 0
    vector_cutoff: bool = False
    vector_bias: bool = False


def symmetry(config: Config) -> str:
    """The largest group that a configuration claims."""
    return "T(3) x S_n" if config.vector_bias else SYMMETRY


class Edges(NamedTuple):
    """What all layers read of the edges, and of a node as its own neighbour."""

    basis: Float[Array, "edges basis"]
    own: Float[Array, "1 basis"]  # at distance zero
    unit: Float[Array, "edges 3"]  # from receiver to sender
    envelope: Float[Array, "edges 1"]


class Attention(nn.Module):
    """Updates of x and μ and the weights, of the edges and of each node for itself."""

    config: Config

    @nn.compact
    def __call__(
        self,
        graph: Graph,
        x: Float[Array, "nodes width"],
        mu: Float[Array, "nodes 3 width"] | None,
        edges: Edges,
    ) -> tuple[
        Float[Array, "nodes width"],
        Float[Array, "nodes 3 width"],
        Float[Array, "edges heads"],
        Float[Array, "nodes heads"],
    ]:
        c, parts = self.config, 2 if mu is None else 3
        x = LayerNorm(EPSILON, name="norm")(x)
        q, k = (Dense(c.width, kernel="xavier", name=name)(x) for name in ("query", "key"))
        v = nv.Parts(c.width, parts, kernel="xavier", name="value")(x)
        keys = Dense(c.width, kernel="xavier", name="key_filter")
        values = nv.Parts(c.width, parts, kernel="xavier", name="value_filter")

        alpha = self._weights(q[graph.receivers] * k[graph.senders] * nn.silu(keys(edges.basis)))
        mine = self._weights(q * k * nn.silu(keys(edges.own)))
        filters = zip(v, values(edges.basis), strict=True)
        scalar, along, *old = [y[graph.senders] * nn.silu(w) for y, w in filters]
        filters = zip(v, values(edges.own), strict=True)
        my_scalar, _, *my_old = [y * nn.silu(w) for y, w in filters]
        if c.vector_cutoff:
            scalar, along, *old = [s * edges.envelope for s in (scalar, along, *old)]
        else:
            alpha = alpha * edges.envelope

        moved = along[:, None] * edges.unit[:, :, None]
        if mu is not None:
            moved += old[0][:, None] * mu[graph.senders]
        received = segments.receive_sum(graph, moved)
        total = segments.receive_sum(graph, scalar * self._spread(alpha))
        total += my_scalar * self._spread(mine)
        if mu is None:
            return Dense(c.width, kernel="xavier", name="out")(total), received, alpha, mine
        out = Dense(3 * c.width, kernel="xavier", name="out")(total)
        plain, product, again = coupling.split(out, [c.width] * 3, -1)
        mixed = Dense(3 * c.width, c.vector_bias, "xavier", name="vector_mix")(mu)
        u1, u2, u3 = coupling.split(mixed, [c.width] * 3, -1)
        received += my_old[0][:, None] * mu + again[:, None] * u3
        return plain + product * jnp.sum(u1 * u2, 1), received, alpha, mine

    def _weights(self, product: Float[Array, "rows width"]) -> Float[Array, "rows heads"]:
        return nn.silu(product.reshape(len(product), self.config.heads, -1).sum(-1))

    def _spread(self, weights: Float[Array, "rows heads"]) -> Float[Array, "rows width"]:
        return jnp.repeat(weights, self.config.width // self.config.heads, -1)


class GatedBlock(nn.Module):
    """Scalars that know the lengths of vectors, and vectors gated.

    Schütt, Unke, Gastegger, ICML 2021, figure 3: (s', g) = MLP([s, √(|V μ|² + δ²)]), μ' = g · U μ;
    no vectors (None) where none are asked for.
    """

    scalars: int
    vectors: int
    softening: float

    @nn.compact
    def __call__(
        self, s: Float[Array, "nodes width"], mu: Float[Array, "nodes 3 channels"]
    ) -> tuple[Float[Array, "nodes scalars"], Float[Array, "nodes 3 vectors"] | None]:
        width = s.shape[-1]
        size = nv.length(Dense(width, False, "xavier", name="norm_mix")(mu), self.softening)
        both = MLP((width, self.scalars + self.vectors), name="gate")(
            jnp.concatenate([s, size], -1)
        )
        if not self.vectors:
            return both, None
        mixed = Dense(self.vectors, False, "xavier", name="vector_mix")(mu)
        return both[:, : self.scalars], both[:, None, self.scalars :] * mixed


class Model(nn.Module):
    """Output with the values of `config.output` for a Graph; see OUTPUTS."""

    config: Config = Config()

    @nn.compact
    def __call__(self, graph: Graph) -> Output:
        c = self.config
        r = segments.norm(nf.differences(graph, graph.positions))
        if c.inputs == "atoms":
            graph = graph.replace(edge_mask=graph.edge_mask & (r[:, 0] < c.cutoff))
        edges = self._edges(graph, r)
        x, mu = self._nodes(graph, edges)
        if mu is None and c.vector_bias:
            mu = jnp.zeros((*graph.positions.shape, c.width), x.dtype)
        trace = []
        for i in range(1, c.layers + 1):
            dx, dmu, alpha, mine = Attention(c, name=f"layer_{i}")(graph, x, mu, edges)
            x, mu = x + dx, dmu if mu is None else mu + dmu
            attention = nf.attention_with_self(graph, alpha, mine, "message weight")
            trace.append(Layer(f"layer {i}", (scalars(x), Feature(mu, "1o")), attention))
        x = LayerNorm(EPSILON, name="norm")(x)
        return Output(self._values(graph, x, mu), tuple(trace))

    def _values(
        self, graph: Graph, x: Float[Array, "nodes width"], mu: Float[Array, "nodes 3 width"]
    ) -> dict[str, Value]:
        """Two gated blocks give scalars, as published; a linear map gives vectors."""
        c, asked = self.config, QUANTITIES[self.config.output].channels
        if c.head == "perceptron":
            return nv.Readout(c.output, c.width, c.pool, name="readout")(graph, x, mu)
        if "0e" in asked:
            half = max(c.width // 2, 1)
            x, mu = GatedBlock(half, half, c.softening, name="head_1")(x, mu)
            x, _ = GatedBlock(asked["0e"], 0, c.softening, name="head_2")(nn.silu(x), mu)
            made = {"0e": x[:, None]}
        else:
            made = {"1o": Dense(asked["1o"], False, "small", name="vectors")(mu)}
        return ro.answer(graph, c.output, made, nv.POOLS[c.pool])

    def _edges(self, graph: Graph, r: Float[Array, "edges 1"]) -> Edges:
        c = self.config
        end = radial.ENVELOPES["cosine" if c.inputs == "atoms" else "none"]
        others = ro.edge_inputs(graph, c.inputs)
        zero = jnp.zeros((1, 1), r.dtype)

        def basis(
            r: Float[Array, "rows 1"], others: Float[Array, "rows invariants"]
        ) -> Float[Array, "rows basis"]:
            found = radial.exponential_normal(r, c.cutoff, c.bases) * end(r, c.cutoff)
            return jnp.concatenate([found, others], -1)

        unit = ir.direction(-nf.differences(graph, graph.positions))
        own = basis(zero, jnp.zeros((1, others.shape[-1]), r.dtype))
        return Edges(basis(r, others), own, unit, end(r, c.cutoff))

    def _nodes(
        self, graph: Graph, edges: Edges
    ) -> tuple[Float[Array, "nodes width"], Float[Array, "nodes 3 width"] | None]:
        """Scalars that know their neighbours' kinds (equation 3), and vectors where there are any."""
        width, atoms = self.config.width, self.config.inputs == "atoms"
        mu, rule = None, "embedding" if atoms else "xavier"
        if atoms:
            one_hot = graph.species[:, None] == jnp.asarray(self.config.species)
            given = one_hot.astype(edges.basis.dtype)
        else:
            features = ro.node_inputs(graph, "particles", ())
            given = features["0e"][:, 0]
            mu = Dense(width, False, "xavier", name="embed_velocity")(features["1o"])
        x = Dense(width, not atoms, rule, name="embed")(given)
        near = Dense(width, not atoms, rule, name="embed_neighbour")(given)
        w = Dense(width, kernel="xavier", name="neighbour_filter")(edges.basis) * edges.envelope
        near = segments.receive_sum(graph, w * near[graph.senders])
        combine = Dense(width, kernel="xavier", name="neighbours")
        return combine(jnp.concatenate([x, near], -1)), mu
