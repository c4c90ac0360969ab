"""The one type that travels through the library: a batch of 3D systems as one edge list.

Conventions. Edges are directed, `senders[e] -> receivers[e]`, and sorted by receiver, so that sums
over neighbours are contiguous. Padding stands at the end: padded nodes carry `graph_index ==
n_graphs` (sums over graphs drop them) and padded edges join the last padded node to itself, so a
padded graph always has at least one padded node. Coordinates are in Å for molecules and in the
scene's own units for N-body systems.
"""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any, no_type_check

import ase
import jax
import jax.numpy as jnp
import numpy as np
from ase.data import covalent_radii
from jaxtyping import Bool, Float, Integer
from numpy.typing import ArrayLike

from demetar.core import bonds, edges
from demetar.core.arrays import Array
from demetar.core.edges import edges_between
from demetar.core.errors import InputError
from demetar.core.remarks import remark

ARRAYS = (
    "positions", "species", "senders", "receivers", "node_mask", "edge_mask", "graph_index",
    "velocities", "charges", "masses", "edge_attributes", "cell",
)  # fmt: skip
_META = ("n_graphs", "max_nodes", "max_edges", "max_degree")
_FLOATS = ("positions", "velocities", "charges", "masses", "edge_attributes", "cell")


@partial(jax.tree_util.register_dataclass, data_fields=ARRAYS, meta_fields=_META)
@no_type_check  # jax builds it anew with shapes, tracers, None in the fields
@dataclasses.dataclass(frozen=True)
class Graph:
    """One or several systems of particles with the directed edges between them."""

    positions: Float[Array, "nodes 3"]  # parity 1o
    species: Integer[Array, " nodes"]  # atomic numbers; 0 for padding and what is no atom
    senders: Integer[Array, " edges"]
    receivers: Integer[Array, " edges"]  # ascending
    node_mask: Bool[Array, " nodes"]
    edge_mask: Bool[Array, " edges"]
    graph_index: Integer[Array, " nodes"]  # n_graphs for padding
    velocities: Float[Array, "nodes 3"] | None = None  # parity 1o
    charges: Float[Array, " nodes"] | None = None
    masses: Float[Array, " nodes"] | None = None
    edge_attributes: Float[Array, "edges 4"] | None = None  # bond type, one-hot; zeros: no bond
    cell: Float[Array, "n_graphs 3 3"] | None = None
    n_graphs: int = 1
    max_nodes: int = 0  # upper bound of the nodes of one graph, for dense views
    max_edges: int = 0  # upper bound of the edges of one graph, for dense views
    max_degree: int = 0  # upper bound of the edges of one node in one direction, for dense views

    def replace(self, **changes: Any) -> Graph:
        """A copy with some fields replaced."""
        return dataclasses.replace(self, **changes)

    def astype(self, dtype: Any) -> Graph:
        """A copy whose real-valued arrays have `dtype`."""
        cast = {
            name: np.asarray(value).astype(dtype)
            for name in _FLOATS
            if (value := getattr(self, name)) is not None
        }
        return self.replace(**cast)

    @property
    def n_nodes(self) -> int:
        """Number of real (unpadded) nodes; host arrays only."""
        return int(np.asarray(self.node_mask).sum())

    def node_slots(self) -> Integer[Array, " nodes"]:
        """Place [nodes] of each node within its own graph."""
        return slots_of(self.graph_index, self.n_graphs)

    def edge_graphs(self) -> Integer[Array, " edges"]:
        """Graph [edges] to which each edge belongs; `n_graphs` for padded edges."""
        return jnp.where(self.edge_mask, self.graph_index[self.receivers], self.n_graphs)


def slots_of(index: Integer[Array, " nodes"], n_graphs: int) -> Integer[Array, " nodes"]:
    counts = jnp.zeros(n_graphs + 1, jnp.int32).at[index].add(1)
    return jnp.arange(index.shape[0]) - (jnp.cumsum(counts) - counts)[index]


def from_arrays(
    positions: ArrayLike,
    species: ArrayLike | None = None,
    *,
    velocities: ArrayLike | None = None,
    charges: ArrayLike | None = None,
    masses: ArrayLike | None = None,
    cutoff: float | str | None = None,
) -> Graph:
    """An unpadded graph of one system, positions [n, 3] float64 on the host.

    Raises InputError if a shape does not fit or a number is not finite.
    """
    positions = np.asarray(positions, np.float64)
    if positions.ndim != 2 or positions.shape[1] != 3 or len(positions) == 0:
        raise InputError(
            f"Expected positions of shape [n, 3] with n ≥ 1, got {list(positions.shape)}; "
            "give one row of x, y, z a particle."
        )
    n = len(positions)
    fields = {
        "velocities": (velocities, (n, 3)),
        "charges": (charges, (n,)),
        "masses": (masses, (n,)),
    }
    checked = {"positions": positions}
    for name, (value, shape) in fields.items():
        if value is not None:
            checked[name] = np.asarray(value, np.float64)
            if checked[name].shape != shape:
                raise InputError(
                    f"Expected {name} of shape {list(shape)}, got {list(checked[name].shape)}; "
                    "give one row a particle."
                )
    for name, value in checked.items():
        if not np.isfinite(value).all():
            raise InputError(
                f"Expected finite {name}, got NaN or infinity in row "
                f"{int(np.argwhere(~np.isfinite(value))[0][0]) + 1}; correct that number."
            )
    species = _checked_species(species, n)
    senders, receivers = edges_between(positions, cutoff, species)
    attributes = bonds.one_hot(species, positions, senders, receivers) if species.all() else None
    return Graph(
        species=species,
        senders=senders,
        receivers=receivers,
        node_mask=np.ones(n, bool),
        edge_mask=np.ones(len(senders), bool),
        graph_index=np.zeros(n, np.int32),
        edge_attributes=attributes,
        n_graphs=1,
        max_nodes=n,
        max_edges=len(senders),
        max_degree=edges.most(senders, receivers),
        **checked,
    )


def _checked_species(species: ArrayLike | None, n: int) -> Integer[np.ndarray, " {n}"]:
    given = np.zeros(n, np.int32) if species is None else np.asarray(species)
    known = given.dtype.kind in "iu" and np.all((given >= 0) & (given < len(covalent_radii)))
    if given.shape != (n,) or not known:
        raise InputError(
            f"Expected species as {n} integers from 0 to {len(covalent_radii) - 1}, got {given.dtype} "
            f"{given.tolist()!s:.60}; give one atomic number a particle, 0 where it is no atom."
        )
    return given.astype(np.int32)


def from_atoms(atoms: ase.Atoms, cutoff: float | str | None = None) -> Graph:
    """The graph of an `ase.Atoms`: all pairs by default, else pairs within `cutoff` Å or "bonds".

    Velocities, charges and masses are taken over only where the atoms carry them explicitly. A
    periodic cell is not: a remark says so.
    """
    atoms = without_cell(atoms)
    velocities = atoms.get_velocities() if atoms.has("momenta") else None
    charges = atoms.get_initial_charges() if atoms.has("initial_charges") else None
    masses = atoms.get_masses() if atoms.has("masses") else None
    return from_arrays(
        atoms.positions,
        atoms.numbers,
        velocities=velocities,
        charges=charges,
        masses=masses,
        cutoff=cutoff,
    )


def without_cell(atoms: ase.Atoms) -> ase.Atoms:
    """The atoms as models see them: not periodic; where they were, a remark says what is lost."""
    if not atoms.pbc.any():
        return atoms
    remark(
        "No model uses a periodic cell: the atoms are taken as a molecule without periodic images."
    )
    atoms = atoms.copy()
    atoms.cell, atoms.pbc = None, False
    return atoms


def to_atoms(graph: Graph) -> ase.Atoms:
    """The `ase.Atoms` of a graph that holds one system."""
    if graph.n_graphs != 1:
        raise InputError(f"Expected a graph of one system, got {graph.n_graphs}; split it first.")
    real = np.asarray(graph.node_mask)
    atoms = ase.Atoms(
        numbers=np.asarray(graph.species)[real], positions=np.asarray(graph.positions)[real]
    )
    if graph.masses is not None:  # before the velocities: ASE keeps momenta
        atoms.set_masses(np.asarray(graph.masses)[real].tolist())
    if graph.velocities is not None:
        atoms.set_velocities(np.asarray(graph.velocities)[real])
    if graph.charges is not None:
        atoms.set_initial_charges(np.asarray(graph.charges)[real])
    return atoms


def centred(graph: Graph) -> Graph:
    """The same systems, each about the centroid of its own particles, float64; padding stays."""
    real = np.asarray(graph.node_mask)
    index = np.asarray(graph.graph_index)[real]
    positions = np.array(graph.positions, np.float64)
    sums = np.zeros((graph.n_graphs, 3))
    np.add.at(sums, index, positions[real])
    counts = np.maximum(np.bincount(index, minlength=graph.n_graphs), 1)
    positions[real] -= (sums / counts[:, None])[index]
    return graph.replace(positions=positions)


def connect(graph: Graph, cutoff: float | str | None) -> Graph:
    """The same single, unpadded system with its edges drawn anew."""
    return from_arrays(
        graph.positions,
        graph.species,
        velocities=graph.velocities,
        charges=graph.charges,
        masses=graph.masses,
        cutoff=cutoff,
    )
