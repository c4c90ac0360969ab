"""Labelled systems of one split as flat arrays, and the padded batches drawn from them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from functools import partial
from typing import Any

import jax
import numpy as np

from demetar.core import bonds
from demetar.core import edges as neighbours
from demetar.core.arrays import Array
from demetar.core.errors import InputError
from demetar.core.graph import Graph
from demetar.data.systems import Labels, Systems


@partial(jax.tree_util.register_dataclass, data_fields=["index"], meta_fields=["nodes", "edges"])
@dataclasses.dataclass(frozen=True)
class Draw:
    """What a batch is of: rows of systems [batch], or [parts, batch / parts], and its padded size."""

    index: Array
    nodes: int
    edges: int


def ranges(starts: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The integers start … start + count − 1 of every pair, one after the other."""
    ends = np.cumsum(counts)
    return np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - (ends - counts), counts)


def _grown(usual: int, needed: int) -> int:
    """The usual room, or the next rung above it: a rare batch costs one more compilation."""
    return usual + max(0, -(-(needed - usual) // max(usual // 8, 1))) * max(usual // 8, 1)


class Loader:
    """Batches of a fixed number of systems, padded to one size, deterministic by seed and epoch.

    `connect` is None for all pairs (where the systems say it, those that act on each other), "bonds",
    or a cutoff in Å; edges are found once, here, and kept as bytes where these suffice. With `parts`
    a batch is dealt out to so many devices: its arrays get a first axis [parts of this host], and
    `shard` = (i, n) says that this is host i of n.
    """

    def __init__(
        self,
        systems: Systems,
        batch_size: int,
        connect: float | str | None = None,
        parts: int | None = None,
        shard: tuple[int, int] = (0, 1),
    ) -> None:
        if len(systems) < 1 or batch_size < 1:
            raise InputError(
                f"Expected at least one system and a batch of at least one, got {len(systems)} "
                f"and {batch_size}; ask for more."
            )
        self.systems, self.batch_size = systems, min(batch_size, len(systems))
        self.connect, self.parts = connect, parts
        self.shard = shard
        if self.batch_size % self._all_parts:
            raise InputError(
                f"Expected a batch that {self._all_parts} devices share evenly, got "
                f"{self.batch_size}; choose a multiple."
            )
        sizes = systems.sizes.astype(np.int64)  # sums of unsigned bytes would wrap
        self.starts = np.cumsum(sizes) - sizes
        s = systems
        found = neighbours.edges(sizes, s.positions, s.species, connect, s.joined)
        self.senders, self.receivers, self.edge_counts = found
        self.edge_starts = np.cumsum(self.edge_counts) - self.edge_counts
        self.max_nodes = int(systems.sizes.max())
        self.max_edges = max(int(self.edge_counts.max()), 1)
        self.max_degree = self._degree()
        nodes, edges = np.max([self._needed(0, epoch) for epoch in range(4)], axis=(0, 2))
        self.nodes, self.edges = (
            self._rounded(sizes, nodes) + 1,
            self._rounded(self.edge_counts, edges),
        )

    @property
    def _all_parts(self) -> int:
        return (self.parts or 1) * self.shard[1]

    def _degree(self) -> int:
        """The most edges of one node in one direction, found for some systems at a time."""
        found = 0
        for some in np.array_split(np.arange(len(self.systems)), len(self.systems) // 4096 + 1):
            pairs = slice(
                self.edge_starts[some[0]], self.edge_starts[some[0]] + self.edge_counts[some].sum()
            )
            first = np.repeat(self.starts[some] - self.starts[some[0]], self.edge_counts[some])
            ends = (x[pairs] + first for x in (self.senders, self.receivers))
            found = max(found, neighbours.most(*ends))
        return found

    def _rounded(self, counts: np.ndarray, needed: int) -> int:
        """A little more than the fullest of some epochs' batches took, unless all are alike."""
        most = counts.max() * (self.batch_size // self._all_parts)
        usual = needed if counts.min() == counts.max() else -(-needed * 1.004 // 16) * 16
        return max(int(min(usual, most)), 1)

    def __len__(self) -> int:
        return len(self.systems) // self.batch_size

    def order(self, seed: int, epoch: int) -> np.ndarray:
        """Which systems [batches, batch_size] an epoch takes, in a random order.

        Systems are shuffled by size bucket: sorted by their number of edges and cut into as many
        buckets as a batch has places; each place of a batch draws from its own bucket. So every
        batch holds small and large systems alike, all batches fill nearly the same room, and their
        gradients differ less. What is left over waits for another epoch's order.
        """
        rng = np.random.default_rng((seed, epoch))
        kept = rng.permutation(len(self.systems))[: len(self) * self.batch_size]
        if self.edge_counts.min() == self.edge_counts.max() and self._alike:
            return kept.reshape(len(self), self.batch_size)
        by_size = kept[np.lexsort((self.systems.sizes[kept], self.edge_counts[kept]))]
        return rng.permuted(by_size.reshape(self.batch_size, len(self)), axis=1).T.copy()

    @property
    def _alike(self) -> bool:
        return self.systems.sizes.min() == self.systems.sizes.max()

    def _needed(self, seed: int, epoch: int) -> np.ndarray:
        """Nodes and edges [2, batches] of the fullest part of each batch of an epoch."""
        order = self.order(seed, epoch).reshape(len(self), -1, self._all_parts)
        counts = np.stack([self.systems.sizes.astype(np.int64), self.edge_counts])
        return counts[:, order].sum(2).max(2)

    def waste(self, seed: int, epoch: int) -> dict[str, float]:
        """The share of the rows of an epoch's batches that is padding, of nodes and of edges."""
        order = self.order(seed, epoch).reshape(len(self), -1, self._all_parts)
        rooms = {
            "nodes": (self.systems.sizes.astype(np.int64), self.nodes),
            "edges": (self.edge_counts, self.edges),
        }
        return {k: 1 - float(c[order].sum(1).mean()) / room for k, (c, room) in rooms.items()}

    def epoch(self, seed: int, epoch: int, start: int = 0) -> Iterator[tuple[Graph, Labels]]:
        """Shuffled whole batches of an epoch from number `start` on, or this host's part of them."""
        return map(self.drawn, self.draws(seed, epoch, start))

    def draws(self, seed: int, epoch: int, start: int = 0) -> Iterator[Draw]:
        """What the batches of `epoch` are of.

        All parts have the room that the fullest of them needs, on whichever host it is.
        """
        order, needed = self.order(seed, epoch), self._needed(seed, epoch)
        for i in range(start, len(self)):
            nodes = _grown(self.nodes, int(needed[0, i]) + 1)
            edges = _grown(self.edges, int(needed[1, i]))
            own = self._own(order[i])
            yield Draw(own[0] if self.parts is None else np.stack(own), nodes, edges)

    def drawn(self, draw: Draw) -> tuple[Graph, Labels]:
        """The batch of a draw; of several parts, their batches stacked."""
        if self.parts is None:
            return self.batch(draw.index, draw.nodes, draw.edges)
        made = [self.batch(index, draw.nodes, draw.edges) for index in draw.index]
        return jax.tree.map(lambda *x: np.stack(x), *made)

    def _own(self, rows: Array) -> list[Array]:
        """The rows of a batch that belong to each of this host's parts."""
        first = self.shard[0] * (self.parts or 1)
        return [rows[p :: self._all_parts] for p in range(first, first + (self.parts or 1))]

    def deal(self, tree: Any) -> Any:
        """Arrays with one row a system of a batch, dealt out as `epoch` deals out the systems."""

        def one(x: Array) -> Array:
            return self._own(x)[0] if self.parts is None else np.stack(self._own(x))

        return jax.tree.map(one, tree)

    def in_order(self) -> Iterator[tuple[Graph, Labels, int]]:
        """Every system once: padded batches and the number of systems that are new in each.

        The last batch is filled up with repeats of the first systems, so its shape is the others'.
        """
        n, b = len(self.systems), self.batch_size
        starts = range(0, n, b)
        indices = [np.arange(start, start + b) % n for start in starts]
        sums = [[c[i].sum() for i in indices] for c in (self.systems.sizes, self.edge_counts)]
        nodes, edges = int(max(sums[0])) + 1, max(int(max(sums[1])), 1)
        for start, index in zip(starts, indices, strict=True):
            yield *self.batch(index, nodes, edges), min(b, n - start)

    def batch(
        self, index: np.ndarray, nodes: int | None = None, edges: int | None = None
    ) -> tuple[Graph, Labels]:
        """The padded graph of the indexed systems and their labels, row by row.

        Padded to `nodes` and `edges`, usually to what an epoch's batches need.
        """
        s = self.systems
        sizes, counts = s.sizes[index].astype(np.int64), self.edge_counts[index]
        rows, pairs = ranges(self.starts[index], sizes), ranges(self.edge_starts[index], counts)
        nodes = nodes or _grown(self.nodes, len(rows) + 1)
        room = edges or _grown(self.edges, len(pairs))
        first = np.repeat(np.cumsum(sizes) - sizes, counts)

        def padded(values: np.ndarray | None, length: int, fill: int = 0) -> np.ndarray | None:
            if values is None:
                return None
            out = np.full((length, *values.shape[1:]), fill, values.dtype)
            out[: len(values)] = values
            return out

        def take(values: np.ndarray | None) -> np.ndarray | None:
            return None if values is None else padded(values[rows], nodes)

        senders = (self.senders[pairs] + first).astype(np.int32)
        receivers = (self.receivers[pairs] + first).astype(np.int32)
        species = (
            np.zeros(len(rows), np.int32) if s.species is None else s.species[rows].astype(np.int32)
        )
        graph = Graph(
            positions=take(s.positions),
            species=padded(species, nodes),
            senders=padded(senders, room, nodes - 1),
            receivers=padded(receivers, room, nodes - 1),
            node_mask=np.arange(nodes) < len(rows),
            edge_mask=np.arange(room) < len(pairs),
            graph_index=padded(
                np.repeat(np.arange(len(index), dtype=np.int32), sizes), nodes, len(index)
            ),
            velocities=take(s.velocities),
            charges=take(s.charges),
            masses=take(s.masses),
            edge_attributes=self._bond_types(species, s.positions[rows], senders, receivers, room),
            n_graphs=len(index),
            max_nodes=self.max_nodes,
            max_edges=self.max_edges,
            max_degree=self.max_degree,
        )
        target = take(s.targets) if s.per_node else s.targets[index]
        return graph, Labels(target, take(s.forces))

    def _bond_types(self, species, positions, senders, receivers, room: int) -> np.ndarray | None:
        if self.connect != "bonds":
            return None
        out = np.zeros((room, len(bonds.TYPES)), np.float32)
        out[: len(senders)] = bonds.one_hot(species, positions, senders, receivers)
        return out
