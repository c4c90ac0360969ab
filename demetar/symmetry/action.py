"""How graphs, values, features and attention transform under a group element."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Float, Integer, Shaped

from demetar.core.arrays import Array
from demetar.core.graph import Graph
from demetar.core.output import Attention, Feature, Value
from demetar.symmetry.elements import Elements
from demetar.symmetry.irreps import exact_einsum, parse_irreps, wigner


def rotate_rows(
    irreps: str, matrix: Float[Array, "3 3"], rows: Float[Array, "rows dim"]
) -> Float[Array, "rows dim"]:
    """Rows [n, dim] in e3nn's flat layout, transformed."""
    parts, start = [], 0
    for mul, irrep in parse_irreps(irreps):
        dim = 2 * int(irrep[:-1]) + 1
        block = rows[:, start : start + mul * dim].reshape(len(rows), mul, dim)
        parts.append(
            exact_einsum("ij,nmj->nmi", wigner(irrep, matrix), block).reshape(len(rows), -1)
        )
        start += mul * dim
    return jnp.concatenate(parts, axis=1)


def act_on_graph(g: Elements, graph: Graph) -> tuple[Graph, Integer[Array, " edges"]]:
    """The transformed graph and the order [edges] in which its edges came from the old ones.

    Edges are sorted by receiver again after a renumbering, so the model sees a proper graph.
    """

    def move(x: Float[Array, "nodes 3"]) -> Float[Array, "nodes 3"]:
        return (x[:, None, :] * g.matrix).sum(-1)  # exact in the array's precision on any device

    real = graph.node_mask[:, None]
    changes: dict[str, Shaped[Array, "rows ..."]] = {
        "positions": jnp.where(real, move(graph.positions) + g.shift, graph.positions)
    }
    if graph.velocities is not None:
        changes["velocities"] = move(graph.velocities)
    order = jnp.arange(graph.senders.shape[0])
    if g.permutation is not None:
        inverse = jnp.argsort(g.permutation).astype(graph.senders.dtype)
        senders, receivers = inverse[graph.senders], inverse[graph.receivers]
        # Padded edges join the last padded node, which stays last: they remain at the end.
        order = jnp.argsort(receivers, stable=True)
        changes |= {"senders": senders[order], "receivers": receivers[order]}
        changes["edge_mask"] = graph.edge_mask[order]
        if graph.edge_attributes is not None:
            changes["edge_attributes"] = graph.edge_attributes[order]
        for name in ("positions", "velocities", "species", "charges", "masses"):
            value = changes.get(name, getattr(graph, name))
            if value is not None:
                changes[name] = value[g.permutation]
    return graph.replace(**changes), order


def act_on_value(
    g: Elements, value: Value, order: Integer[Array, " edges"]
) -> Float[Array, "rows dim"]:
    """The array of an output, transformed as its kind says it should be."""
    array = rotate_rows(value.kind.irreps, g.matrix, value.array)
    if value.kind.affine:
        array = array + g.shift
    return _renumber(g, array, value.kind.per, order)


def act_on_feature(
    g: Elements, feature: Feature, order: Integer[Array, " edges"]
) -> Float[Array, "rows m channels"]:
    """Hidden features [rows, 2l+1, channels], transformed as their irrep says they should be."""
    turned = exact_einsum("ij,njc->nic", wigner(feature.irrep, g.matrix), feature.values)
    return _renumber(g, turned, feature.per, order)


def _renumber(
    g: Elements, rows: Float[Array, " rows *dims"], per: str, order: Integer[Array, " edges"]
) -> Float[Array, " rows *dims"]:
    if g.permutation is None or per == "graph":
        return rows
    return rows[g.permutation] if per == "node" else rows[order]


def attention_matrix(attention: Attention, rows: int) -> Float[Array, "{rows} {rows} heads"]:
    """Weights as a dense matrix [receiver, sender, heads] among so many nodes or edges."""
    weights = jnp.where(attention.mask[:, None], attention.weights, 0)
    empty = jnp.zeros((rows, rows, weights.shape[-1]), weights.dtype)
    return empty.at[attention.receivers, attention.senders].add(weights)


def act_on_attention(
    g: Elements, matrix: Float[Array, "rows rows heads"], per: str, order: Integer[Array, " edges"]
) -> Float[Array, "rows rows heads"]:
    """A matrix [receiver, sender, heads] among nodes or edges, renumbered; invariant otherwise."""
    if g.permutation is None:
        return matrix
    rows = g.permutation if per == "node" else order
    return matrix[rows][:, rows]
