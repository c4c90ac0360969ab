"""Labelled systems of one split as flat arrays, and the padded batches drawn from them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

from demetar import bonds, neighbours
from demetar.errors import InputError
from demetar.graph import Graph

Array = Any


@dataclasses.dataclass(frozen=True)
class Systems:
    """Systems of a split, their rows one after the other, with one target each.

    `targets` is [systems, 1] for invariants of a system, [systems, 3] for vectors, [systems, 6] for
    symmetric tensors (irreps 1x0e+1x2e), [rows, 3] for positions, [rows, 6] for positions and
    velocities and [rows, 1] for invariants of a particle.
    """

    sizes: np.ndarray  # [systems]
    positions: np.ndarray  # [rows, 3]
    targets: np.ndarray
    unit: str
    species: np.ndarray | None = None  # [rows]
    velocities: np.ndarray | None = None  # [rows, 3]
    charges: np.ndarray | None = None  # [rows]
    masses: np.ndarray | None = None  # [rows]
    joined: np.ndarray | None = None  # [rows, n] bool: on which of its n bodies each acts
    forces: np.ndarray | None = None  # [rows, 3] label: minus the target's gradient, unit/Å

    def __len__(self) -> int:
        return len(self.sizes)

    @property
    def per_node(self) -> bool:
        """Whether a target row belongs to a particle rather than to a system."""
        return len(self.targets) != len(self.sizes)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Labels:
    """What a batch should give: target [graphs or nodes, dim], and forces [nodes, 3] where known."""

    target: Array
    forces: Array | None = None


def _ranges(starts: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The integers start … start + count − 1 of every pair, one after the other."""
    ends = np.cumsum(counts)
    return np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - (ends - counts), counts)


class Loader:
    """Batches of a fixed number of systems, padded to one size, deterministic by seed and epoch.

    `connect` is None for all pairs (where the systems say it, those that act on each other), "bonds",
    or a cutoff in Å; edges are found once, here, and kept as bytes where these suffice.
    """

    def __init__(
        self, systems: Systems, batch_size: int, connect: float | str | None = None
    ) -> None:
        if len(systems) < 1 or batch_size < 1:
            raise InputError(
                f"Expected at least one system and a batch of at least one, got {len(systems)} "
                f"and {batch_size}; ask for more."
            )
        self.systems, self.batch_size = systems, min(batch_size, len(systems))
        self.connect = connect
        sizes = systems.sizes.astype(np.int64)  # sums of unsigned bytes would wrap
        self.starts = np.cumsum(sizes) - sizes
        s = systems
        found = neighbours.edges(sizes, s.positions, s.species, connect, s.joined)
        self.senders, self.receivers, self.edge_counts = found
        self.edge_starts = np.cumsum(self.edge_counts) - self.edge_counts
        self.max_nodes = int(systems.sizes.max())
        self.max_edges = max(int(self.edge_counts.max()), 1)
        self.nodes = self._room(systems.sizes) + 1
        self.edges = max(self._room(self.edge_counts), 1)

    def _room(self, counts: np.ndarray) -> int:
        """Rows that hold a batch: exact for equal sizes, else the mean plus 2.5 deviations."""
        b = self.batch_size
        expected = b * counts.mean() + 2.5 * np.sqrt(b) * counts.std()
        return int(
            min(np.ceil(expected / 16) * 16 if counts.std() else b * counts[0], b * counts.max())
        )

    def __len__(self) -> int:
        return len(self.systems) // self.batch_size

    def epoch(self, seed: int, epoch: int) -> Iterator[tuple[Graph, Labels]]:
        """Shuffled whole batches; what is left over waits for another epoch's order."""
        order = np.random.default_rng((seed, epoch)).permutation(len(self.systems))
        for i in range(len(self)):
            yield self.batch(order[i * self.batch_size : (i + 1) * self.batch_size])

    def in_order(self) -> Iterator[tuple[Graph, Labels, int]]:
        """Every system once: padded batches and the number of systems that are new in each.

        The last batch is filled up with repeats of the first systems, so its shape is the others'.
        """
        n, b = len(self.systems), self.batch_size
        for start in range(0, n, b):
            index = np.arange(start, start + b) % n
            yield *self.batch(index), min(b, n - start)

    def batch(self, index: np.ndarray) -> tuple[Graph, Labels]:
        """The padded graph of the indexed systems and their labels, row by row."""
        s = self.systems
        sizes, counts = s.sizes[index].astype(np.int64), self.edge_counts[index]
        rows, edges = _ranges(self.starts[index], sizes), _ranges(self.edge_starts[index], counts)
        # Too many rows for the usual room (one batch in a hundred) cost one more compilation.
        nodes, room = self.nodes, self.edges
        while len(rows) >= nodes:
            nodes += max(self.nodes // 8, 1)
        while len(edges) > room:
            room += max(self.edges // 8, 1)
        first = np.repeat(np.cumsum(sizes) - sizes, counts)

        def padded(values: np.ndarray | None, length: int, fill: int = 0) -> np.ndarray | None:
            if values is None:
                return None
            out = np.full((length, *values.shape[1:]), fill, values.dtype)
            out[: len(values)] = values
            return out

        def take(values: np.ndarray | None) -> np.ndarray | None:
            return None if values is None else padded(values[rows], nodes)

        senders = (self.senders[edges] + first).astype(np.int32)
        receivers = (self.receivers[edges] + first).astype(np.int32)
        species = (
            np.zeros(len(rows), np.int32) if s.species is None else s.species[rows].astype(np.int32)
        )
        graph = Graph(
            positions=take(s.positions), species=padded(species, nodes),
            senders=padded(senders, room, nodes - 1), receivers=padded(receivers, room, nodes - 1),
            node_mask=np.arange(nodes) < len(rows), edge_mask=np.arange(room) < len(edges),
            graph_index=padded(np.repeat(np.arange(len(index), dtype=np.int32), sizes), nodes, len(index)),
            velocities=take(s.velocities), charges=take(s.charges), masses=take(s.masses),
            edge_attributes=self._bond_types(species, s.positions[rows], senders, receivers, room),
            n_graphs=len(index), max_nodes=self.max_nodes, max_edges=self.max_edges,
        )  # fmt: skip
        target = take(s.targets) if s.per_node else s.targets[index]
        return graph, Labels(target, take(s.forces))

    def _bond_types(self, species, positions, senders, receivers, room: int) -> np.ndarray | None:
        if self.connect != "bonds":
            return None
        out = np.zeros((room, len(bonds.TYPES)), np.float32)
        out[: len(senders)] = bonds.one_hot(species, positions, senders, receivers)
        return out
