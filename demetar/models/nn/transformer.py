"""Attention among the members of a set, in a dense view."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Bool, Float, Int

from demetar.core.arrays import Array
from demetar.core.graph import Graph
from demetar.core.output import Attention, Feature, scalars
from demetar.core.padding import from_dense, to_dense
from demetar.models.nn.layers import Dense, LayerNorm


def masked_softmax(
    logits: Float[Array, "*rows members"], mask: Bool[Array, "*#rows members"]
) -> Float[Array, "*rows members"]:
    """Softmax over the last axis among the entries where the boolean mask holds; zeros if none."""
    assert mask.dtype == bool, "the mask is boolean, true where attention may go"
    logits = jnp.where(mask, logits, -jnp.inf)
    top = jax.lax.stop_gradient(jnp.max(logits, -1, keepdims=True))
    weights = jnp.where(mask, jnp.exp(logits - jnp.where(jnp.isfinite(top), top, 0)), 0)
    return weights / jnp.maximum(weights.sum(-1, keepdims=True), jnp.finfo(weights.dtype).tiny)


class MultiHead(nn.Module):
    """softmax(Q K^T / √d) V with several heads (Vaswani et al. 2017, section 3.2).

    The mask says which keys there are. Gives the mixed values and the weights.
    """

    width: int
    heads: int

    @nn.compact
    def __call__(
        self,
        queries: Float[Array, "graphs queries channels"],
        keys: Float[Array, "graphs keys channels"],
        mask: Bool[Array, "graphs keys"],
    ) -> tuple[Float[Array, "graphs queries width"], Float[Array, "graphs heads queries keys"]]:
        def split(
            name: str, rows: Float[Array, "graphs rows channels"]
        ) -> Float[Array, "graphs rows heads dim"]:
            projected = Dense(self.width, kernel="xavier", name=name)(rows)
            return projected.reshape(*rows.shape[:2], self.heads, -1)

        q, k, v = split("query", queries), split("key", keys), split("value", keys)
        logits = jnp.einsum("gqhd,gkhd->ghqk", q, k) * (q.shape[-1] ** -0.5)
        weights = masked_softmax(logits, mask[:, None, None, :])
        mixed = jnp.einsum("ghqk,gkhd->gqhd", weights, v).reshape(*queries.shape[:2], self.width)
        return Dense(self.width, kernel="xavier", name="out")(mixed), weights


class FeedForward(nn.Module):
    """Two-layer perceptron of the normalised rows, added to the rows."""

    width: int

    @nn.compact
    def __call__(self, x: Float[Array, "*rows width"]) -> Float[Array, "*rows width"]:
        inner = nn.silu(Dense(self.width, kernel="xavier", name="in")(LayerNorm(name="norm")(x)))
        return x + Dense(self.width, kernel="xavier", name="out")(inner)


class Block(nn.Module):
    """Self-attention and perceptron, each of the normalised rows and added to them (pre-norm).

    The encoder layer of Vaswani et al. 2017 and the SAB of Lee et al. 2019 normalise after the sum;
    normalising before it (Xiong et al., ICML 2020) keeps magnitudes and needs no long warm-up.
    """

    width: int
    heads: int

    @nn.compact
    def __call__(
        self, x: Float[Array, "graphs members width"], mask: Bool[Array, "graphs members"]
    ) -> tuple[Float[Array, "graphs members width"], Float[Array, "graphs heads members members"]]:
        given = LayerNorm(name="norm")(x)
        mixed, weights = MultiHead(self.width, self.heads, name="attention")(given, given, mask)
        return FeedForward(self.width, name="perceptron")(x + mixed), weights


def among_edges(graph: Graph, weights: Float[Array, "graphs heads members members"]) -> Attention:
    """The trace entry for dense weights among the edges of each graph."""
    width = weights.shape[-1]
    index, mask = to_dense(
        jnp.arange(graph.senders.shape[0]), graph.edge_graphs(), graph.n_graphs, width
    )
    return _pairs(weights, index, mask, "edge")


def to_nodes(graph: Graph, weights: Float[Array, "graphs heads members"]) -> Feature:
    """The trace entry for what a token gives to each node of its graph.

    A token is no node, so what it attends to stands as invariants of the nodes, a channel a head.
    """
    return scalars(from_dense(jnp.moveaxis(weights, 1, -1), graph.graph_index))


def pair_attention(
    graph: Graph, weights: Float[Array, "graphs heads members members"]
) -> Attention:
    """The trace entry for dense weights among the nodes of each graph."""
    width = weights.shape[-1]
    index, mask = to_dense(
        jnp.arange(graph.species.shape[0]), graph.graph_index, graph.n_graphs, width
    )
    return _pairs(weights, index, mask, "node")


def _pairs(
    weights: Float[Array, "graphs heads members members"],
    index: Int[Array, "graphs members"],
    mask: Bool[Array, "graphs members"],
    per: str,
) -> Attention:
    graphs, _, width, _ = weights.shape
    shape = (graphs, width, width)
    both = mask[:, :, None] & mask[:, None, :]
    return Attention(
        jnp.moveaxis(weights, 1, -1).reshape(-1, weights.shape[1]),
        senders=jnp.broadcast_to(index[:, None, :], shape).reshape(-1),
        receivers=jnp.broadcast_to(index[:, :, None], shape).reshape(-1),
        mask=both.reshape(-1),
        per=per,
    )
