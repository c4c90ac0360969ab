"""Graphs of a few sizes: padding, batches, dense views."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Integer, Shaped

from demetar.core.arrays import Array
from demetar.core.errors import InputError
from demetar.core.graph import ARRAYS, Graph, slots_of

RUNGS = (8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)


def to_dense(
    rows: Shaped[Array, " n *features"], index: Integer[Array, " n"], n_graphs: int, width: int
) -> tuple[Shaped[Array, "{n_graphs} {width} *features"], Bool[Array, "{n_graphs} {width}"]]:
    """Rows [n, ...] gathered per graph as ([graphs, width, ...], mask [graphs, width])."""
    slots = slots_of(index, n_graphs)
    empty = jnp.zeros((n_graphs, width, *rows.shape[1:]), rows.dtype)
    mask = jnp.zeros((n_graphs, width), bool).at[index, slots].set(True, mode="drop")
    return empty.at[index, slots].set(rows, mode="drop"), mask


def from_dense(
    dense: Shaped[Array, "graphs width *features"], index: Integer[Array, " n"]
) -> Shaped[Array, " n *features"]:
    """Rows [n, ...] back from the dense view [graphs, width, ...]; padding gets zeros."""
    n_graphs, width = dense.shape[:2]
    slots = jnp.minimum(slots_of(index, n_graphs), width - 1)
    return dense.at[index, slots].get(mode="fill", fill_value=0)


def rung(graph: Graph, edges: int = 0) -> tuple[int, int]:
    """Padded (nodes, edges) of the ladder's lowest rung that holds the graph and one padded node.

    All fully connected systems that share a rung share one compilation. `edges`: room for so many
    where the graph has fewer.
    """
    n, e = len(graph.species) + 1, max(len(graph.senders), edges)
    for size in RUNGS:
        if n <= size:
            return size, min(next(r for r in map(_full, RUNGS) if e <= r), _full(size))
    raise InputError(
        f"Expected at most {RUNGS[-1] - 1} particles, got {n - 1}; choose a smaller system."
    )


def _full(size: int) -> int:
    return (size - 1) * (size - 2)


def pad(graph: Graph, nodes: int | None = None, edges: int | None = None) -> Graph:
    """The graph with padding at its end, up to (nodes, edges) or to its rung of the ladder.

    A single graph's dense views grow to the padded size, so that they too are shared by the rung.
    Raises ValueError if the graph does not fit.
    """
    if nodes is None or edges is None:
        nodes, edges = rung(graph)
    more_nodes, more_edges = nodes - len(graph.species), edges - len(graph.senders)
    if more_nodes < 1 or more_edges < 0:
        raise ValueError(
            f"{len(graph.species)} nodes and {len(graph.senders)} edges do not fit into "
            f"{nodes} nodes (one of them padding) and {edges} edges."
        )
    fill = {"senders": nodes - 1, "receivers": nodes - 1, "graph_index": graph.n_graphs}
    padded = {}
    for name in ARRAYS:
        value = getattr(graph, name)
        if value is None or name == "cell":
            continue
        per_edge = name in ("senders", "receivers", "edge_mask", "edge_attributes")
        more = more_edges if per_edge else more_nodes
        widths = [(0, more)] + [(0, 0)] * (np.ndim(value) - 1)
        padded[name] = np.pad(value, widths, constant_values=fill.get(name, 0))
    if graph.n_graphs > 1:
        return graph.replace(**padded)
    # R − 2 neighbours are all there can be on the rung R: systems that share it share this as well.
    degree = min(next(r - 2 for r in RUNGS if graph.max_degree <= r - 2), nodes - 2)
    return graph.replace(**padded, max_nodes=nodes - 1, max_edges=edges, max_degree=degree)


def batch(graphs: Sequence[Graph]) -> Graph:
    """One unpadded graph that holds all the (unpadded) systems side by side, in order."""
    if not graphs:
        raise ValueError("A batch needs at least one graph.")
    if not all(np.all(g.node_mask) for g in graphs):
        raise ValueError("A padded graph cannot be part of a batch; pad the batch instead.")
    shifts = np.concatenate([[0], np.cumsum([len(g.species) for g in graphs])[:-1]])
    firsts = np.concatenate([[0], np.cumsum([g.n_graphs for g in graphs])[:-1]])
    offset = {"senders": shifts, "receivers": shifts, "graph_index": firsts}
    joined = {}
    for name in ARRAYS:
        parts = [getattr(g, name) for g in graphs]
        if any(p is None for p in parts):
            if not all(p is None for p in parts):
                raise ValueError(f"Some graphs of the batch have {name} and some do not.")
            continue
        if name in offset:
            parts = [p + s for p, s in zip(parts, offset[name], strict=True)]
        joined[name] = np.concatenate(parts)
    return Graph(
        **joined,
        n_graphs=sum(g.n_graphs for g in graphs),
        max_nodes=max(g.max_nodes for g in graphs),
        max_edges=max(g.max_edges for g in graphs),
        max_degree=max(g.max_degree for g in graphs),
    )
