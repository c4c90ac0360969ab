"""Inputs and outputs that the models share: invariants of nodes and edges, declared values."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from demetar.core import bonds
from demetar.core.arrays import Array
from demetar.core.graph import Graph
from demetar.core.kinds import POSITIONS, SCALAR
from demetar.core.output import Attention, Value
from demetar.core.segments import graph_sum, norm


def species_powers(graph: Graph, species: tuple[int, ...]) -> Float[Array, "nodes features"]:
    """One-hot species times (Z/9)^0, ^1, ^2: three features for each.

    The input of Cormorant and EGNN on QM9 (Satorras et al. 2021, appendix C.3).
    """
    one_hot = (graph.species[:, None] == jnp.asarray(species)).astype(graph.positions.dtype)
    charge = graph.species[:, None, None].astype(graph.positions.dtype) / max(species)
    powers = charge ** jnp.arange(3, dtype=graph.positions.dtype)
    return (one_hot[:, :, None] * powers).reshape(len(one_hot), -1)


def speeds(graph: Graph) -> Float[Array, "nodes 1"]:
    """|v| of each particle; zero where the graph has no velocities."""
    if graph.velocities is None:
        return jnp.zeros_like(graph.positions[:, :1])
    return norm(graph.velocities)


def velocities(graph: Graph) -> Float[Array, "nodes 3"]:
    """Velocities, 1o; zero where the graph has none."""
    return jnp.zeros_like(graph.positions) if graph.velocities is None else graph.velocities


def charges(graph: Graph) -> Float[Array, "nodes 1"]:
    """Charges; zero where the graph has none."""
    return (
        jnp.zeros_like(graph.positions[:, :1]) if graph.charges is None else graph.charges[:, None]
    )


def charge_products(graph: Graph) -> Float[Array, "edges 1"]:
    """q_i q_j of each edge."""
    q = charges(graph)
    return q[graph.senders] * q[graph.receivers]


def bond_types(graph: Graph, length: Float[Array, "edges 1"]) -> Float[Array, "edges 4"]:
    """Bond type by length, one-hot over bonds.TYPES; zeros where not bonded.

    As `bonds.one_hot` tells it of species and positions, but anew for the positions at hand. Its
    steps have no gradient.
    """
    z, count = np.arange(len(bonds.LIMITS)), len(bonds.TYPES)
    reach = jnp.asarray(bonds.reach(z[:, None], z), length.dtype)
    limits = jnp.asarray(bonds.LIMITS, length.dtype)
    ends = graph.species[graph.senders], graph.species[graph.receivers]
    shorter = length < limits[ends]
    kinds = [bonds.TYPES.index(name) for name in bonds.ORDER]
    found = jnp.select(list(shorter.T), kinds, bonds.TYPES.index("single"))
    near = length < reach[ends][:, None]
    return (near & (found[:, None] == jnp.arange(count))).astype(length.dtype)


def differences(graph: Graph, positions: Float[Array, "nodes 3"]) -> Float[Array, "edges 3"]:
    """x_receiver − x_sender, 1o, zero for padded edges."""
    return positions[graph.receivers] - positions[graph.senders]


def from_centre(graph: Graph) -> Float[Array, "nodes 3"]:
    """Positions relative to the centre of mass of their graph (equal masses if None)."""
    mass = jnp.ones_like(graph.positions[:, :1]) if graph.masses is None else graph.masses[:, None]
    total = graph_sum(graph, mass * graph.node_mask[:, None])
    centre = graph_sum(graph, graph.positions * mass) / jnp.where(total > 0, total, 1)
    safe = jnp.minimum(graph.graph_index, graph.n_graphs - 1)
    return jnp.where(graph.node_mask[:, None], graph.positions - centre[safe], 0)


def attention_with_self(
    graph: Graph,
    weights: Float[Array, "edges heads"],
    own: Float[Array, "nodes heads"],
    name: str = "attention",
) -> Attention:
    """The trace entry for weights of the edges, and `own` of each node for itself."""
    nodes = jnp.arange(len(own))
    return Attention(
        jnp.concatenate([weights, own]),
        senders=jnp.concatenate([graph.senders, nodes]),
        receivers=jnp.concatenate([graph.receivers, nodes]),
        mask=jnp.concatenate([graph.edge_mask, graph.node_mask]),
        name=name,
    )


def positions_value(graph: Graph, positions: Float[Array, "nodes 3"]) -> dict[str, Value]:
    """The output "positions"."""
    return {"positions": Value(jnp.where(graph.node_mask[:, None], positions, 0), POSITIONS)}


def scalar_value(per_graph: Float[Array, "graphs 1"]) -> dict[str, Value]:
    """The output "scalar"."""
    return {"scalar": Value(per_graph, SCALAR)}


def coordinates(
    graph: Graph, inputs: str, species: tuple[int, ...]
) -> Float[Array, "nodes features"]:
    """What the controls see: absolute coordinates beside velocity and charge, or species."""
    if inputs == "particles":
        given = [velocities(graph), charges(graph)]
    else:
        given = [species_powers(graph, species)]
    return jnp.concatenate([graph.positions, *given], -1)
