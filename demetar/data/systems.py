"""Labelled systems of one split as flat arrays, and one system out of them."""

from __future__ import annotations

import dataclasses

import jax
import numpy as np

from demetar.core.arrays import Array
from demetar.core.graph import Graph, from_arrays


def _graphs(data: Systems, count: int) -> list:
    ends = np.cumsum(data.sizes)[:count]

    def part(values: np.ndarray | None, i: int) -> np.ndarray | None:
        return None if values is None else values[ends[i] - data.sizes[i] : ends[i]]

    return [
        from_arrays(
            data.positions[ends[i] - data.sizes[i] : ends[i]],
            part(data.species, i),
            velocities=part(data.velocities, i),
            charges=part(data.charges, i),
            masses=part(data.masses, i),
        )
        for i in range(len(ends))
    ]


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


def _first(systems: Systems, count: int) -> Systems:
    """The first systems of a set."""
    rows = int(systems.sizes[:count].sum())
    own = {"sizes": systems.sizes[:count], "unit": systems.unit}
    per_system = not systems.per_node
    own["targets"] = systems.targets[: count if per_system else rows]
    for name in ("positions", "species", "velocities", "charges", "masses", "joined", "forces"):
        value = getattr(systems, name)
        own[name] = None if value is None else value[:rows]
    return Systems(**own)


def _graph(s: Systems, connect: float | str | None) -> Graph:
    """The graph of a set of one system."""
    return from_arrays(
        s.positions, s.species, velocities=s.velocities, charges=s.charges, masses=s.masses,
        cutoff=connect,
    )  # fmt: skip
