"""Graphs built again from moved particles: edges by the model's own rule, in a fresh random order.

A graph that is moved keeps its edges and the order in which each receiver meets its neighbours. A
model that reads the first neighbour only, a cap on the number of neighbours, ties at a cutoff: none
of them shows there (renumbered atoms keep the order of their neighbours too). Reported faults of that
kind: FAIR-Chem pull request 823, pytorch_cluster issues 106 and 219, openmm-ml issue 130.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import no_type_check

import jax
import numpy as np
from jaxtyping import Bool, Float, Integer

from demetar.core.arrays import Array
from demetar.core.graph import Graph
from demetar.core.padding import rung
from demetar.symmetry.elements import Elements

Rule = Callable[[Graph], Graph]


@partial(
    jax.tree_util.register_dataclass,
    data_fields=["senders", "receivers", "edge_mask", "edge_attributes"],
    meta_fields=[],
)
@no_type_check  # jax builds it anew with shapes, tracers, None in the fields
@dataclasses.dataclass(frozen=True)
class Edges:
    """Edges of several graphs over the same particles: arrays [graphs, edges, ...]."""

    senders: Integer[Array, "graphs edges"]
    receivers: Integer[Array, "graphs edges"]
    edge_mask: Bool[Array, "graphs edges"]
    edge_attributes: Float[Array, "graphs edges 4"] | None = None


def moved(g: Elements, graph: Graph) -> Graph:
    """The unpadded system under one element, float64 on the host; its edges still the old ones."""
    n = len(graph.species)
    order = np.arange(n) if g.permutation is None else np.asarray(g.permutation)[:n]
    turn = np.asarray(g.matrix, np.float64).T
    changes = {"positions": np.asarray(graph.positions, np.float64)[order] @ turn + g.shift}
    if graph.velocities is not None:
        changes["velocities"] = np.asarray(graph.velocities, np.float64)[order] @ turn
    for name in ("species", "charges", "masses"):
        value = getattr(graph, name)
        changes[name] = None if value is None else np.asarray(value)[order]
    inverse = np.argsort(order).astype(np.int32)
    senders, receivers = inverse[graph.senders], inverse[graph.receivers]
    return graph.replace(senders=senders, receivers=receivers, **changes)


def shuffled(graph: Graph, rng: np.random.Generator) -> Graph:
    """The same graph with the edges of each receiver in a random order."""
    receivers = np.asarray(graph.receivers)
    order = np.lexsort((rng.random(len(receivers)), receivers))
    attributes = graph.edge_attributes
    return graph.replace(
        senders=np.asarray(graph.senders)[order],
        receivers=receivers[order],
        edge_mask=np.asarray(graph.edge_mask)[order],
        edge_attributes=None if attributes is None else np.asarray(attributes)[order],
    )


def _changed(before: Graph, after: Graph) -> int:
    n = len(before.species)
    codes = [np.asarray(g.receivers, np.int64) * n + g.senders for g in (before, after)]
    return len(np.setxor1d(*codes))


def rebuilt(
    elements: Elements, graph: Graph, rule: Rule | None, rng: np.random.Generator
) -> tuple[list[Graph], Integer[np.ndarray, " {len(elements)}"]]:
    """The graph built again under each element, and how many edges [elements] came or went.

    `graph`: unpadded. Without a rule its edges stay and only their order is drawn anew.
    """
    graphs, counts = [], []
    for k in range(len(elements)):
        before = moved(elements[k], graph)
        after = before if rule is None else rule(before)
        graphs.append(shuffled(after, rng))
        counts.append(_changed(before, after))
    return graphs, np.array(counts)


def stack(graphs: list[Graph], nodes: int, edges: int) -> Edges:
    """The edges of one graph or more, padded to so many nodes and edges."""
    ends = np.full((len(graphs), edges), nodes - 1, np.int32)
    senders, receivers, mask = ends, ends.copy(), np.zeros(ends.shape, bool)
    attributes = None
    if graphs[0].edge_attributes is not None:
        attributes = np.zeros((*ends.shape, np.shape(graphs[0].edge_attributes)[1]))
    for k, graph in enumerate(graphs):
        count = len(graph.senders)
        senders[k, :count], receivers[k, :count] = graph.senders, graph.receivers
        mask[k, :count] = graph.edge_mask
        if attributes is not None:
            attributes[k, :count] = graph.edge_attributes
    return Edges(senders, receivers, mask, attributes)


def size(graph: Graph, graphs: list[Graph]) -> tuple[int, int]:
    """Padded (nodes, edges) that hold the graph and all the rebuilt ones."""
    return rung(graph, max((len(g.senders) for g in graphs), default=0))


def unpadded(graph: Graph) -> Graph:
    """The graph without padding, for one or several systems; host arrays."""
    nodes, edges = np.asarray(graph.node_mask), np.asarray(graph.edge_mask)
    if nodes.all() and edges.all():
        return graph
    changes = {}
    for name in ("positions", "species", "graph_index", "velocities", "charges", "masses"):
        value = getattr(graph, name)
        changes[name] = None if value is None else np.asarray(value)[nodes]
    for name in ("senders", "receivers", "edge_attributes"):
        value = getattr(graph, name)
        changes[name] = None if value is None else np.asarray(value)[edges]
    return graph.replace(node_mask=nodes[nodes], edge_mask=edges[edges], **changes)
