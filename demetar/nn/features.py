"""Inputs and outputs that the models share: invariants of nodes and edges, declared values."""

from typing import Any

import jax
import jax.numpy as jnp

from demetar.graph import Graph
from demetar.output import Attention, Kind, Value

Array = Any

POSITIONS = Kind("1x1o", per="node", affine=True)
VELOCITIES = Kind("1x1o", per="node")
STATE = {"positions": POSITIONS, "velocities": VELOCITIES}
SCALAR = Kind("1x0e", per="graph")
NODE_SCALAR = Kind("1x0e", per="node")
VECTOR = Kind("1x1o", per="graph")
TENSOR = Kind("1x0e+1x2e", per="graph")  # a symmetric tensor: its trace part and the rest


def norm(x: Array, keepdims: bool = True) -> Array:
    """Length of the rows' last axis, with a gradient of zero (not NaN) at zero."""
    square = jnp.sum(x * x, axis=-1, keepdims=keepdims)
    safe = jnp.where(square > 0, square, 1)
    return jnp.where(square > 0, jnp.sqrt(safe), 0)


def species_powers(graph: Graph, species: tuple[int, ...]) -> Array:
    """One-hot species times (Z/9)^0, ^1, ^2: [nodes, 3·len(species)].

    The input of Cormorant and EGNN on QM9 (Satorras et al. 2021, appendix C.3).
    """
    one_hot = (graph.species[:, None] == jnp.asarray(species)).astype(graph.positions.dtype)
    charge = graph.species[:, None, None].astype(graph.positions.dtype) / max(species)
    powers = charge ** jnp.arange(3, dtype=graph.positions.dtype)
    return (one_hot[:, :, None] * powers).reshape(len(one_hot), -1)


def speeds(graph: Graph) -> Array:
    """|v| of each particle [nodes, 1]; zero where the graph has no velocities."""
    if graph.velocities is None:
        return jnp.zeros_like(graph.positions[:, :1])
    return norm(graph.velocities)


def velocities(graph: Graph) -> Array:
    """Velocities [nodes, 3], 1o; zero where the graph has none."""
    return jnp.zeros_like(graph.positions) if graph.velocities is None else graph.velocities


def charges(graph: Graph) -> Array:
    """Charges [nodes, 1]; zero where the graph has none."""
    return (
        jnp.zeros_like(graph.positions[:, :1]) if graph.charges is None else graph.charges[:, None]
    )


def charge_products(graph: Graph) -> Array:
    """q_i q_j of each edge [edges, 1]."""
    q = charges(graph)
    return q[graph.senders] * q[graph.receivers]


def differences(graph: Graph, positions: Array) -> Array:
    """x_receiver − x_sender [edges, 3], 1o, zero for padded edges."""
    return positions[graph.receivers] - positions[graph.senders]


def receive_sum(graph: Graph, messages: Array) -> Array:
    """Sum [nodes, ...] of the messages [edges, ...] that each node receives."""
    mask = graph.edge_mask.reshape(-1, *[1] * (messages.ndim - 1))
    return jax.ops.segment_sum(
        jnp.where(mask, messages, 0), graph.receivers, graph.species.shape[0],
        indices_are_sorted=True,
    )  # fmt: skip


def receive_softmax(
    graph: Graph, logits: Array, envelope: Array | None = None, own: Array | None = None
) -> tuple[Array, Array | None]:
    """Softmax [edges, heads] of the logits over the edges that each node receives; zeros if none.

    Weights are exp(logit) · envelope before they are normalised, with an envelope [edges, 1] that
    ends smoothly at a cutoff. `own` [nodes, heads] are logits of each node about itself; their
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
    total = jnp.where(total > 0, total, 1)
    return weights / total[graph.receivers], None if mine is None else mine / total


def degree(graph: Graph, dtype: Any) -> Array:
    """Number of neighbours [nodes, 1], at least 1."""
    return jnp.maximum(receive_sum(graph, graph.edge_mask.astype(dtype)[:, None]), 1)


def graph_sum(graph: Graph, rows: Array) -> Array:
    """Sum [graphs, ...] of node rows over the nodes of each graph; padding is dropped."""
    return jax.ops.segment_sum(rows, graph.graph_index, graph.n_graphs, indices_are_sorted=True)


def graph_mean(graph: Graph, rows: Array) -> Array:
    """Mean [graphs, ...] of node rows over the nodes of each graph."""
    counts = graph_sum(graph, graph.node_mask.astype(rows.dtype)[:, None])
    return graph_sum(graph, rows) / jnp.maximum(counts, 1)


def from_centre(graph: Graph) -> Array:
    """Positions [nodes, 3] relative to the centre of mass of their graph (equal masses if None)."""
    mass = jnp.ones_like(graph.positions[:, :1]) if graph.masses is None else graph.masses[:, None]
    total = graph_sum(graph, mass * graph.node_mask[:, None])
    centre = graph_sum(graph, graph.positions * mass) / jnp.where(total > 0, total, 1)
    safe = jnp.minimum(graph.graph_index, graph.n_graphs - 1)
    return jnp.where(graph.node_mask[:, None], graph.positions - centre[safe], 0)


def edge_attention(graph: Graph, weights: Array) -> Attention:
    """The trace entry for weights [edges, heads] along the edges of the graph."""
    return Attention(weights, graph.senders, graph.receivers, graph.edge_mask)


def positions_value(graph: Graph, positions: Array) -> dict[str, Value]:
    """The output "positions" [nodes, 3]."""
    return {"positions": Value(jnp.where(graph.node_mask[:, None], positions, 0), POSITIONS)}


def scalar_value(per_graph: Array) -> dict[str, Value]:
    """The output "scalar" [graphs, 1]."""
    return {"scalar": Value(per_graph, SCALAR)}


def coordinates(graph: Graph, inputs: str, species: tuple[int, ...]) -> Array:
    """What the controls see [nodes, c]: absolute coordinates beside velocity and charge, or species."""
    if inputs == "particles":
        given = [velocities(graph), charges(graph)]
    else:
        given = [species_powers(graph, species)]
    return jnp.concatenate([graph.positions, *given], -1)
