"""A group-invariant autoencoder of point clouds: an invariant code, a frame, an order, a decoder.

R. Winter, M. Bertolini, T. Le, F. Noé, D.-A. Clevert, "Unsupervised Learning of Group Invariant and
Equivariant Representations", NeurIPS 2022 (arXiv:2202.07559), sections 3 and 4.3. A cloud x is encoded as
η(x), which no motion and no renumbering changes, and as ψ(x) = (R, t, P), which takes them along:

    z = η(x),   x̂_i = t + R Σ_k P_ik δ(z)_k.

η and R come from PaiNN's layers; triple products make η see handedness, so that the claim is SE(3) and not
E(3). t is the centroid. R is Gram-Schmidt of two vectors, v_a = Σ_i softmax_i(s_ia) μ_ia, where the
paper takes means: weights can choose among points that are nearly alike. P takes point i to the slot
nearest to its rank by a score in the frame, as a softmax; the paper sorts scores and keeps P near a
permutation by a penalty, here scores in units of their spread and a low temperature do.

Where a turn leaves the cloud as it is, no frame can turn along: v_a has to vanish, or v_1 and v_2 to be
parallel. So lengths are softened, v/√(|v|² + δ²), and ranks are sums of sigmoids: both then fade instead
of jumping, and R is a rotation only as far as |v| is large against δ. The claim holds everywhere;
what is lost is the reconstruction.

`plain` is the autoencoder of the same size that knows no turns: coordinates enter as numbers, without R.
"""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float

from demetar.core import kinds, segments
from demetar.core.arrays import Array
from demetar.core.graph import Graph
from demetar.core.output import Feature, Layer, Output, scalars
from demetar.models.nn import inputs as nf
from demetar.models.nn import radial
from demetar.models.nn import readout as ro
from demetar.models.nn.layers import MLP, Dense
from demetar.models.painn import Config as PaiNN
from demetar.models.painn import Message, Update
from demetar.symmetry import irreps as ir

TITLE = "Group-invariant autoencoder"
SYMMETRY = "SE(3) x S_n"
INPUTS = ("particles",)
VARIANTS = {"plain": {"plain": True}}
OUTPUTS = {"positions": kinds.POSITIONS}
REFERENCE = "Winter, Bertolini, Le, Noé, Clevert, NeurIPS 2022 (arXiv:2202.07559)"
SHARPNESS = 4.0  # of the softmax over standardised scores
CODE, FRAME = "code", "frame"  # layers of the trace, each node with those of its cloud


@dataclasses.dataclass(frozen=True)
class Config:
    """Smaller than the paper's: 3 layers of 32 channels, distances up to 5 in the cloud's own unit.

    slots: of a canonical cloud, at least as many as points. temperature: of ranks, and of P.
    """

    inputs: str = "particles"
    output: str = "positions"
    width: int = 32
    layers: int = 3
    bases: int = 16
    cutoff: float = 5.0
    code: int = 8
    slots: int = 9
    softening: float = 0.1  # δ, of vectors and of the spread of scores
    temperature: float = 0.1
    plain: bool = False


def symmetry(config: Config) -> str:
    """The largest group that a configuration claims."""
    return "T(3) x S_n" if config.plain else SYMMETRY


class Encoder(nn.Module):
    """Invariants of each node, its vectors, and the layers' trace: PaiNN's messages and updates."""

    config: Config

    @nn.compact
    def __call__(
        self, graph: Graph, own: Float[Array, "nodes inputs"]
    ) -> tuple[Float[Array, "nodes width"], Float[Array, "nodes 3 width"], tuple[Layer, ...]]:
        c = self.config
        q = Dense(c.width, name="embed")(own)
        mu = Dense(c.width, False, name="embed_velocity")(nf.velocities(graph)[:, :, None])
        x = -nf.differences(graph, graph.positions)
        r, unit, trace = segments.norm(x), ir.direction(x), []
        given = [radial.gaussian(r, c.cutoff, c.bases), ro.edge_inputs(graph, c.inputs)]
        basis = jnp.concatenate([*given, jnp.ones_like(r)], -1)
        for i in range(1, c.layers + 1):
            filters = Dense(3 * c.width, False, name=f"filters_{i}")(basis)
            q, mu, weights = Message(name=f"message_{i}")(graph, q, mu, filters, unit)
            q, mu = Update(PaiNN(), name=f"update_{i}")(q, mu)
            attention = segments.message_weights(graph, weights)
            trace.append(Layer(f"layer {i}", (scalars(q), Feature(mu, "1o")), attention))
        return q, mu, tuple(trace)


class Model(nn.Module):
    """Output with "positions" [nodes, 3], the cloud as the code and the frame remember it."""

    config: Config = Config()

    @nn.compact
    def __call__(self, graph: Graph) -> Output:
        c = self.config
        index = jnp.minimum(graph.graph_index, graph.n_graphs - 1)
        centre = segments.graph_mean(graph, graph.positions)[index]
        u = jnp.where(graph.node_mask[:, None], graph.positions - centre, 0)
        own = jnp.concatenate([nf.charges(graph), nf.speeds(graph)], -1)
        own = jnp.concatenate([own, u, nf.velocities(graph)], -1) if c.plain else own
        q, mu, trace = Encoder(c, name="encoder")(graph, own)
        three = Dense(3 * c.width, False, name="triple")(mu)
        three /= jnp.sqrt(1 + jnp.sum(three**2, 1, keepdims=True))  # or the cube of a vector's size
        one, two, other = jnp.split(three, 3, -1)
        handed = jnp.sum(jnp.cross(one, two, axis=1) * other, 1)  # 0o
        told = MLP((c.width, c.width), name="told")(jnp.concatenate([q, handed], -1))
        pooled = segments.graph_mean(graph, jnp.where(graph.node_mask[:, None], told, 0))
        code = MLP((c.width, c.code), name="code")(pooled)
        frame = None if c.plain else self._frame(graph, q, mu, u)
        within = u if frame is None else jnp.einsum("nij,ni->nj", frame[index], u)
        chosen = self._order(graph, q, within)
        slots = MLP((2 * c.width, 2 * c.width, 3 * c.slots), name="decoder")(code)
        slots = slots.reshape(-1, c.slots, 3)[index]
        canonical = jnp.einsum("ns,nsi->ni", chosen, slots)
        turned = canonical if frame is None else jnp.einsum("nij,nj->ni", frame[index], canonical)
        trace += (Layer(CODE, (scalars(code[index]),)),)
        trace += () if frame is None else (Layer(FRAME, (Feature(frame[index], "1o"),)),)
        trace += (Layer("canonical", (scalars(canonical), scalars(chosen))),)
        return Output(nf.positions_value(graph, centre + turned), trace)

    def _frame(
        self,
        graph: Graph,
        q: Float[Array, "nodes width"],
        mu: Float[Array, "nodes 3 width"],
        u: Float[Array, "nodes 3"],
    ) -> Float[Array, "graphs 3 3"]:
        """R, its columns the softened Gram-Schmidt of two vectors and their cross product.

        The second vector's weights know how far each node lies along the first.
        """
        c = self.config
        index = jnp.minimum(graph.graph_index, graph.n_graphs - 1)
        values = Dense(2, False, name="vectors")(jnp.concatenate([mu, u[..., None]], -1))
        v = self._chosen(graph, MLP((c.width, 1), name="first")(q), values[..., 0])
        first = v / segments.soft_norm(v, c.softening)
        along = jnp.sum(u * first[index], -1, keepdims=True)
        scores = MLP((c.width, 1), name="second")(jnp.concatenate([q, along], -1))
        v = self._chosen(graph, scores, values[..., 1])
        rest = v - jnp.sum(v * first, -1, keepdims=True) * first
        second = rest / segments.soft_norm(rest, c.softening)
        return jnp.stack([first, second, jnp.cross(first, second)], -1)

    def _chosen(
        self, graph: Graph, scores: Float[Array, "nodes 1"], vectors: Float[Array, "nodes 3"]
    ) -> Float[Array, "graphs 3"]:
        """The mean of the nodes' vectors by a softmax of their scores."""
        index = jnp.minimum(graph.graph_index, graph.n_graphs - 1)
        raised = SHARPNESS * _standardised(graph, scores, self.config.softening)
        top = jax.ops.segment_max(jax.lax.stop_gradient(raised), index, graph.n_graphs)[index]
        weights = jnp.where(graph.node_mask[:, None], jnp.exp(raised - top), 0)
        total = segments.graph_sum(graph, weights)
        return segments.graph_sum(graph, weights * vectors) / jnp.where(total > 0, total, 1)

    def _order(
        self, graph: Graph, q: Float[Array, "nodes width"], within: Float[Array, "nodes 3"]
    ) -> Float[Array, "nodes slots"]:
        """P: near a permutation where scores are apart; nodes of one score share their slots."""
        c = self.config
        score = MLP((c.width, 1), name="score")(jnp.concatenate([q, within], -1))
        score = _standardised(graph, score, c.softening)
        above = (score[graph.receivers] - score[graph.senders]) / c.temperature
        rank = segments.receive_sum(graph, nn.sigmoid(above))
        return nn.softmax(-((rank - jnp.arange(c.slots)) ** 2) / c.temperature, -1)


def _standardised(
    graph: Graph, scores: Float[Array, "nodes 1"], softening: float
) -> Float[Array, "nodes 1"]:
    """Scores less their mean over the cloud, over their spread: small differences count as well."""
    real = graph.node_mask[:, None]
    index = jnp.minimum(graph.graph_index, graph.n_graphs - 1)
    scores = jnp.where(real, scores, 0)
    scores = jnp.where(real, scores - segments.graph_mean(graph, scores)[index], 0)
    spread = segments.graph_mean(graph, scores**2)[index]
    return scores / jnp.sqrt(spread + softening**2)
