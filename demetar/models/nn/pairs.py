"""What both directions of an edge share, computed once: functions of distances."""

from __future__ import annotations

from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Bool, Float, Int

from demetar.core import segments
from demetar.core.arrays import Array
from demetar.core.graph import Graph


class Pairs(NamedTuple):
    """The unordered pairs of nodes behind the edges, where each has an edge in both directions."""

    first: Int[Array, " pairs"]  # one edge of each pair
    high: Int[Array, " pairs"]  # its node of the higher number, ascending
    low: Int[Array, " pairs"]  # its other node
    complete: Bool[Array, ""]  # whether every edge has a partner; else the others mean nothing


def pairs(graph: Graph) -> Pairs:
    """The pairs of a graph, whatever the order of its edges."""
    senders, receivers, mask = map(jnp.asarray, (graph.senders, graph.receivers, graph.edge_mask))
    high, low = jnp.maximum(senders, receivers), jnp.minimum(senders, receivers)
    count = len(senders)
    places = jnp.arange(count, dtype=jnp.int32)
    # padded edges join the last node to itself, so that they come last
    high, low, order = jax.lax.sort((high, low, places), num_keys=2)
    whole = count - count % 2
    alike = (high[0:whole:2] == high[1::2]) & (low[0:whole:2] == low[1::2])
    alone = mask[order[-1]] if count % 2 else False
    complete = jnp.all(alike) & ~jnp.asarray(alone)
    return Pairs(order[0::2], high[0::2], low[0::2], complete)


def convolve(
    network: nn.Module,
    graph: Graph,
    among: Pairs,
    rows: Float[Array, "edges invariants"],
    x: Float[Array, "nodes channels"],
) -> Float[Array, "nodes channels"]:
    """Σ_j x_j ⊙ network(rows_ij) for rows that both directions of an edge share.

    What the network gives has to vanish for padded edges. Half the work where
    every edge has its partner, as in all graphs that distances alone make; where one lacks it, all of
    the work and the same result.
    """

    def halved(
        network: nn.Module,
        rows: Float[Array, "edges invariants"],
        x: Float[Array, "nodes channels"],
    ) -> Float[Array, "nodes channels"]:
        f, low, high = network(rows[among.first]), among.low, among.high
        total = jax.ops.segment_sum(x[low] * f, high, len(x), indices_are_sorted=True)
        return total.at[low].add(x[high] * f)

    def whole(
        network: nn.Module,
        rows: Float[Array, "edges invariants"],
        x: Float[Array, "nodes channels"],
    ) -> Float[Array, "nodes channels"]:
        return segments.receive_sum(graph, x[graph.senders] * network(rows))

    # Gradients compute a branch's inside again: kept, it would have to be filled with zeros in the other.
    return nn.cond(among.complete, nn.remat(halved), nn.remat(whole), network, rows, x)
