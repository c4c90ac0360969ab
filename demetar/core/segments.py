"""Sums, means and softmax over the edges of a node or the nodes of a system."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Float, Num

from demetar.core.arrays import Array
from demetar.core.graph import Graph
from demetar.core.output import Attention

LEAST = 1e-15  # of the weights of a softmax together


def norm(x: Float[Array, "*rows dim"], keepdims: bool = True) -> Float[Array, "..."]:
    """Length of the rows' last axis, with a gradient of zero (not NaN) at zero."""
    square = jnp.sum(x * x, axis=-1, keepdims=keepdims)
    safe = jnp.where(square > 0, square, 1)
    return jnp.where(square > 0, jnp.sqrt(safe), 0)


def soft_norm(x: Float[Array, "*rows dim"], softening: float) -> Float[Array, "*rows 1"]:
    """√(|x|² + softening²) of the rows' last axis [..., 1]: a length that is smooth at zero."""
    return jnp.sqrt(jnp.sum(x * x, axis=-1, keepdims=True) + softening**2)


def receive_sum(
    graph: Graph, messages: Num[Array, " edges *features"]
) -> Num[Array, " nodes *features"]:
    """Sum [nodes, ...] of the messages [edges, ...] that each node receives."""
    mask = graph.edge_mask.reshape(-1, *[1] * (messages.ndim - 1))
    return jax.ops.segment_sum(
        jnp.where(mask, messages, 0),
        graph.receivers,
        graph.species.shape[0],
        indices_are_sorted=True,
    )


def receive_softmax(
    graph: Graph,
    logits: Float[Array, "edges heads"],
    envelope: Float[Array, "edges 1"] | None = None,
    own: Float[Array, "nodes heads"] | None = None,
) -> tuple[Float[Array, "edges heads"], Float[Array, "nodes heads"] | None]:
    """Softmax [edges, heads] of the logits over the edges that each node receives; zeros if none.

    Weights are exp(logit) · envelope before they are normalised, with an envelope [edges, 1] that
    ends smoothly at a cutoff; a node whose weights add up to less than LEAST, as with one neighbour
    just inside it, looks at none. `own` [nodes, heads] are logits of each node about itself; their
    weights come second.
    """
    nodes, mask = graph.species.shape[0], graph.edge_mask[:, None]
    logits = jnp.where(mask, logits, -jnp.inf)
    fixed = jax.lax.stop_gradient(logits)
    top = jax.ops.segment_max(fixed, graph.receivers, nodes, indices_are_sorted=True)
    if own is not None:
        top = jnp.maximum(top, jax.lax.stop_gradient(own))
    top = jnp.where(jnp.isfinite(top), top, 0)
    weights = jnp.where(mask, jnp.exp(logits - top[graph.receivers]), 0)
    if envelope is not None:
        weights = weights * envelope
    total = receive_sum(graph, weights)
    mine = None
    if own is not None:
        mine = jnp.exp(own - top)
        total = total + mine
    # The slope divides by the square of the total: in float32 that of 1e-20 is zero.
    total = jnp.where(total > LEAST, total, 1)
    return weights / total[graph.receivers], None if mine is None else mine / total


def degree(graph: Graph, dtype: Any) -> Float[Array, "nodes 1"]:
    """Number of neighbours [nodes, 1], at least 1."""
    return jnp.maximum(receive_sum(graph, graph.edge_mask.astype(dtype)[:, None]), 1)


def graph_sum(
    graph: Graph, rows: Num[Array, " nodes *features"]
) -> Num[Array, " {graph.n_graphs} *features"]:
    """Sum [graphs, ...] of node rows over the nodes of each graph; padding is dropped."""
    return jax.ops.segment_sum(rows, graph.graph_index, graph.n_graphs, indices_are_sorted=True)


def graph_mean(
    graph: Graph, rows: Float[Array, " nodes *features"]
) -> Float[Array, " {graph.n_graphs} *features"]:
    """Mean [graphs, ...] of node rows over the nodes of each graph."""
    counts = graph_sum(graph, graph.node_mask.astype(rows.dtype)[:, None])
    return graph_sum(graph, rows) / jnp.maximum(counts, 1)


def edge_attention(
    graph: Graph, weights: Float[Array, "edges heads"], name: str = "attention"
) -> Attention:
    """The trace entry for weights [edges, heads] along the edges of the graph."""
    return Attention(weights, graph.senders, graph.receivers, graph.edge_mask, name=name)


def message_weights(graph: Graph, weights: Float[Array, "edges heads"]) -> Attention:
    """The same where a receiver's weights do not add up to 1: gates, factors, lengths of messages."""
    return edge_attention(graph, weights, "message weight")
