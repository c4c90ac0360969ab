"""EQGAT: attention for each channel of the scalars, and vectors that are mixed by cross products.

T. Le, F. Noé, D.-A. Clevert, "Representation Learning on Biomolecular Structures using Equivariant
Graph Attention", LoG 2022 (arXiv:2202.09891), sections 3.1 to 3.3. With a_ij, b_ij = MLP(s_i, s_j, e(r_ij)),

    s_i += Σ_j softmax_j(a_ij) ⊙ W s_j,
    v_i += mean_j (b⁰_ij r̂_ij + b¹_ij W'v_j + b²_ij v_i × W'v_j),        r̂_ij from i to j,

then a gated update of each node: [n, u] = W₀ v; (g, t) = MLP(s, |n|); s += t; v += W₁ (g ⊙ u). The sum
of cross products is computed as v_i × mean_j (b²_ij W'v_j), which is the same with fewer operations.
A cross product of polar vectors is axial, so the model claims SE(3); `parity` "e3" leaves that term
out, as the public code's variant does, and claims E(3).

Where paper and public code differ, this follows the code: Bessel functions times the polynomial
envelope, the mean over neighbours for vectors, the mean over atoms. Its normalisation (off by default
there) and dropout are left out. Its |n|² is kept above 1e-6, so that |n| has a kink and its gradient
turns what is left of vectors that cancel into a direction; by default |n| is softened instead
(`softening`). As published (`envelope` "none"), only
the Bessel functions end at the cutoff: attention, vector messages and the number of neighbours jump
there, and with them the energy. By default an envelope multiplies e^a, the values and the vector
messages, whose sum is then divided by 1 + the envelopes' sum instead of by the number of neighbours.

Moving particles, unknown to the paper: charge and speed enter the scalars, the velocity the vectors,
products of charges the perceptron of an edge; the cutoff only sets the scale of the basis.
"""

import dataclasses

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Float

from demetar.core import kinds, segments
from demetar.core.arrays import Array
from demetar.core.graph import Graph
from demetar.core.output import Feature, Layer, Output, scalars
from demetar.models.nn import inputs as nf
from demetar.models.nn import radial
from demetar.models.nn import vectors as nv
from demetar.models.nn.layers import MLP, Dense, Embedding
from demetar.symmetry import irreps as ir

TITLE = "EQGAT"
SYMMETRY = "SE(3) x S_n"
OUTPUTS = {"positions": kinds.POSITIONS, "scalar": kinds.SCALAR}
REFERENCE = "Le, Noé, Clevert, LoG 2022 (arXiv:2202.09891)"
CONNECT = {"atoms": 5.0}  # Å; edges that a run gets unless it asks for others
CHOICES = {"parity": ("se3", "e3"), "envelope": tuple(radial.ENVELOPES), "pool": ("mean", "sum")}
VARIANTS = {"e3": {"parity": "e3"}}


@dataclasses.dataclass(frozen=True)
class Config:
    """Defaults are the public code's, with an envelope instead of none."""

    inputs: str = "particles"
    output: str = "positions"
    species: tuple[int, ...] = (1, 6, 7, 8, 9)
    width: int = 128  # of the scalars
    vectors: int = 32
    layers: int = 5
    bases: int = 32
    cutoff: float = 5.0  # Å, or the scene's unit
    parity: str = "se3"  # or "e3": no cross products
    envelope: str = "polynomial"  # or "cosine", "none"
    pool: str = "mean"  # or "sum"
    softening: float = 0.1  # δ of |n|, as PaiNN's; 0: |n|² kept above 1e-6, as published


def symmetry(config: Config) -> str:
    """The largest group that a configuration claims."""
    return "E(3) x S_n" if config.parity == "e3" else "SE(3) x S_n"


@dataclasses.dataclass(frozen=True)
class Edges:
    """What every layer needs of the edges."""

    invariants: Float[Array, "edges invariants"]
    direction: Float[Array, "edges 3 1"]  # 1o, from receiver to sender
    envelope: Float[Array, "edges 1"]
    share: Float[Array, "nodes 1 1"]  # what a sum over the neighbours is multiplied by


class Attention(nn.Module):
    """What the nodes receive, scalars and vectors, and attention; `v` is None where there are none yet."""

    config: Config

    @nn.compact
    def __call__(
        self,
        graph: Graph,
        s: Float[Array, "nodes width"],
        v: Float[Array, "nodes 3 vectors"] | None,
        edges: Edges,
    ) -> tuple[
        Float[Array, "nodes width"], Float[Array, "nodes 3 vectors"], Float[Array, "edges width"]
    ]:
        c = self.config
        terms = 1 if v is None else 2 if c.parity == "e3" else 3
        hidden = Dense(c.width, name="edge_geometry")(edges.invariants)
        hidden += Dense(c.width, bias=False, name="edge_receiver")(s)[graph.receivers]
        hidden += Dense(c.width, bias=False, name="edge_sender")(s)[graph.senders]
        made = Dense(c.width + terms * c.vectors, name="edge_out")(nn.silu(hidden))
        logits, b = made[:, : c.width], (made[:, c.width :] * edges.envelope)[:, None, :]
        alpha = segments.receive_softmax(graph, logits, edges.envelope)[0]
        sent = Dense(c.width, name="scalar")(s)[graph.senders]
        taken = segments.receive_sum(graph, alpha * edges.envelope * sent)
        along = b[..., : c.vectors] * edges.direction
        if v is None:
            return taken, segments.receive_sum(graph, along) * edges.share, alpha
        given = Dense(c.vectors, bias=False, name="vector")(v)[graph.senders]
        along += b[..., c.vectors : 2 * c.vectors] * given
        vectors = segments.receive_sum(graph, along) * edges.share
        if terms == 3:
            around = segments.receive_sum(graph, b[..., 2 * c.vectors :] * given) * edges.share
            vectors += jnp.cross(v, around, axis=1)
        return taken, vectors, alpha


def _above(n: Float[Array, "nodes 3 vectors"]) -> Float[Array, "nodes vectors"]:
    """|n| as published: |n|² kept above 1e-6."""
    return jnp.sqrt(jnp.maximum(jnp.sum(jnp.square(n), 1), 1e-6))


class Gated(nn.Module):
    """New (scalars, vectors) of each node's own, the vectors gated."""

    width: int
    vectors: int
    hidden: tuple[int, ...]  # widths of the perceptron's inner layers
    softening: float
    mixed: bool = True  # a last linear map of the vectors

    @nn.compact
    def __call__(
        self, s: Float[Array, "nodes scalars"], v: Float[Array, "nodes 3 vectors"]
    ) -> tuple[Float[Array, "nodes new_scalars"], Float[Array, "nodes 3 new_vectors"]]:
        inner = Dense(v.shape[-1] + self.vectors, bias=False, name="vector")(v)
        n = inner[..., : v.shape[-1]]
        size = nv.length(n, self.softening) if self.softening else _above(n)
        given = jnp.concatenate([s, size], -1)
        made = MLP((*self.hidden, self.vectors + self.width), name="scalar")(given)
        out = made[:, None, : self.vectors] * inner[..., v.shape[-1] :]
        if self.mixed:
            out = Dense(self.vectors, bias=False, name="out")(out)
        return made[:, self.vectors :], out


class Model(nn.Module):
    """Output with "positions" [nodes, 3] or "scalar" [graphs, 1] for a Graph."""

    config: Config = Config()

    @nn.compact
    def __call__(self, graph: Graph) -> Output:
        c = self.config
        edges = self._edges(graph)
        if c.inputs == "particles":
            given = jnp.concatenate([nf.charges(graph), nf.speeds(graph)], -1)
            s = Dense(c.width, name="embed")(given)
            v = Dense(c.vectors, bias=False, name="embed_vector")(nf.velocities(graph)[..., None])
        else:
            s, v = Embedding(c.species, c.width, name="embed")(graph), None
        trace = []
        for i in range(c.layers):
            taken, vectors, alpha = Attention(c, name=f"attention_{i + 1}")(graph, s, v, edges)
            s, v = s + taken, vectors if v is None else v + vectors
            gated = Gated(c.width, c.vectors, (c.width,), c.softening, name=f"update_{i + 1}")
            update = gated(s, v)
            s, v = s + update[0], v + update[1]
            mean = segments.edge_attention(graph, alpha.mean(-1, keepdims=True))
            trace.append(Layer(f"layer {i + 1}", (scalars(s), Feature(v, "1o")), mean))
        places = c.output == "positions"
        s, v = Gated(c.width, int(places), (), c.softening, mixed=False, name="head")(s, v)
        if places:
            return Output(nf.positions_value(graph, graph.positions + v[..., 0]), tuple(trace))
        pool = segments.graph_mean if c.pool == "mean" else segments.graph_sum
        return Output(nf.scalar_value(MLP((c.width, 1), name="out")(pool(graph, s))), tuple(trace))

    def _edges(self, graph: Graph) -> Edges:
        c = self.config
        r = -nf.differences(graph, graph.positions)
        length = segments.norm(r)
        basis = radial.bessel(length, c.cutoff, c.bases)
        if c.inputs == "particles":
            invariants = jnp.concatenate([basis, nf.charge_products(graph)], -1)
        else:
            invariants = basis * radial.polynomial_envelope(length, c.cutoff)
        smooth = c.inputs == "atoms" and c.envelope != "none"
        envelope = radial.ENVELOPES[c.envelope if smooth else "none"](length, c.cutoff)
        count = (
            1 + segments.receive_sum(graph, envelope) if smooth else segments.degree(graph, r.dtype)
        )
        return Edges(invariants, ir.direction(r)[..., None], envelope, 1 / count[..., None])
