"""Labelled systems of one split as flat arrays, and one system out of them."""

from __future__ import annotations

import dataclasses
import hashlib

import jax
import numpy as np

from demetar.core.arrays import Array
from demetar.core.graph import Graph, from_arrays

ROWS = ("positions", "species", "velocities", "charges", "masses", "joined", "forces")


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

    def checksum(self) -> str:
        """The SHA-256 of all arrays, their types and shapes: equal for equal systems and labels."""
        found = hashlib.sha256()
        for name in ("sizes", "targets", *ROWS):
            value = getattr(self, name)
            if value is not None:
                found.update(f"{name} {value.dtype} {value.shape} ".encode())
                found.update(np.ascontiguousarray(value).data)
        return found.hexdigest()

    def first(self, count: int) -> Systems:
        """The first `count` systems of the set, or all where there are fewer."""
        rows = int(self.sizes[:count].astype(np.int64).sum())
        given = {name: getattr(self, name) for name in ROWS}
        return dataclasses.replace(
            self,
            sizes=self.sizes[:count],
            targets=self.targets[: rows if self.per_node else count],
            **{name: value[:rows] for name, value in given.items() if value is not None},
        )

    def rows(self, index: int) -> slice:
        """The rows that belong to a system."""
        start = int(self.sizes[:index].astype(np.int64).sum())
        return slice(start, start + int(self.sizes[index]))

    def graph(self, index: int, connect: float | str | None = None) -> Graph:
        """One system of the set, its edges drawn as `connect` says: see `from_arrays`."""
        r = self.rows(index)

        def part(values: np.ndarray | None) -> np.ndarray | None:
            return None if values is None else values[r]

        return from_arrays(
            self.positions[r],
            part(self.species),
            velocities=part(self.velocities),
            charges=part(self.charges),
            masses=part(self.masses),
            cutoff=connect,
        )

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
