"""Batches of group elements and how graphs, values and features transform under them.

An element acts on a system as x_i -> R x_p(i) + t: first the nodes are renumbered by the
permutation p (new node i is old node p[i]), then the matrix R and the shift t move them. Velocities
turn without the shift. R is orthogonal, or a positive multiple of it for similarities.
"""

from __future__ import annotations

import dataclasses
import re
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from demetar.graph import Graph
from demetar.nn.clebsch_gordan import clebsch_gordan
from demetar.output import Attention, Feature, Value

Array = Any
_turn = partial(jnp.einsum, precision="highest")


@partial(
    jax.tree_util.register_dataclass,
    data_fields=["matrix", "shift", "permutation"],
    meta_fields=[],
)
@dataclasses.dataclass(frozen=True)
class Isometry:
    """Group elements: matrix [..., 3, 3], shift [..., 3], permutation [..., nodes] or None."""

    matrix: Array
    shift: Array
    permutation: Array | None = None

    def __len__(self) -> int:
        return len(self.matrix)

    def __getitem__(self, index: Any) -> Isometry:
        permutation = None if self.permutation is None else self.permutation[index]
        return Isometry(self.matrix[index], self.shift[index], permutation)

    def astype(self, dtype: Any) -> Isometry:
        """A copy with matrix and shift in `dtype`; sample in float64 and cast to measure."""
        return Isometry(
            np.asarray(self.matrix, dtype), np.asarray(self.shift, dtype), self.permutation
        )


def identity(samples: int = 1) -> Isometry:
    """The identity, `samples` times, float64 on the host."""
    return Isometry(np.tile(np.eye(3), (samples, 1, 1)), np.zeros((samples, 3)))


def from_matrix(matrix: np.ndarray) -> Isometry:
    """Elements without shift or permutation from matrices [..., 3, 3]."""
    matrix = np.asarray(matrix, np.float64).reshape(-1, 3, 3)
    return Isometry(matrix, np.zeros((len(matrix), 3)))


def pad(elements: Isometry, length: int) -> Isometry:
    """The elements with the last one repeated up to `length`."""
    index = np.minimum(np.arange(length), len(elements) - 1)
    return elements[index]


def led(elements: Isometry, count: int) -> Isometry:
    """The elements with the identity before them, `count` times."""
    still, p = identity(count), elements.permutation
    return Isometry(
        np.concatenate([still.matrix, elements.matrix]),
        np.concatenate([still.shift, elements.shift]),
        p if p is None else np.concatenate([np.tile(np.arange(p.shape[1]), (count, 1)), p]),
    )


def wigner(irrep: str, matrix: Array) -> Array:
    """Matrix [2l+1, 2l+1] of a group element on an irrep such as "1o", in e3nn's component order.

    `matrix` [3, 3] is orthogonal; improper ones act with the irrep's parity. Degree l is the part
    of (l − 1) ⊗ 1 that transforms as l, so entries are polynomials in the matrix and small angles
    keep their digits: by way of Euler angles float32 loses up to 6e-5 of them.
    """
    degree, parity = int(irrep[:-1]), irrep[-1]
    improper = jnp.sign(jnp.linalg.det(matrix)).astype(matrix.dtype)
    sign = improper if parity == "o" else jnp.ones((), matrix.dtype)
    if degree == 0:
        return sign * jnp.ones((1, 1), matrix.dtype)
    proper = turned = matrix * improper
    for l in range(2, degree + 1):
        # Orthonormal rows that take degree l out of (l − 1) ⊗ 1.
        coupling = np.sqrt(2 * l + 1) * clebsch_gordan(l - 1, 1, l)
        coupling = jnp.asarray(coupling, matrix.dtype)
        turned = _turn("iam,ij,ab,jbn->mn", coupling, turned, proper, coupling)
    return sign * turned


def parse_irreps(text: str) -> list[tuple[int, str]]:
    """(multiplicity, irrep) of each term of e3nn's notation, such as "2x0e + 1o"."""
    terms = [re.fullmatch(r"(?:(\d+)x)?(\d+[eo])", part.strip()) for part in text.split("+")]
    if not all(terms):
        raise ValueError(f"expected irreps such as '2x0e + 1o', got {text!r}")
    return [(int(term[1] or 1), term[2]) for term in terms if term]


def _rotate_rows(irreps: str, matrix: Array, rows: Array) -> Array:
    """Rows [n, dim] in e3nn's flat layout, transformed."""
    parts, start = [], 0
    for mul, irrep in parse_irreps(irreps):
        dim = 2 * int(irrep[:-1]) + 1
        block = rows[:, start : start + mul * dim].reshape(len(rows), mul, dim)
        parts.append(_turn("ij,nmj->nmi", wigner(irrep, matrix), block).reshape(len(rows), -1))
        start += mul * dim
    return jnp.concatenate(parts, axis=1)


def act_on_graph(g: Isometry, graph: Graph) -> tuple[Graph, Array]:
    """The transformed graph and the order [edges] in which its edges came from the old ones.

    Edges are sorted by receiver again after a renumbering, so the model sees a proper graph.
    """

    def move(x: Array) -> Array:
        return (x[:, None, :] * g.matrix).sum(-1)  # exact in the array's precision on any device

    real = graph.node_mask[:, None]
    changes: dict[str, Array] = {
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


def act_on_value(g: Isometry, value: Value, order: Array) -> Array:
    """The array of an output, transformed as its kind says it should be."""
    array = _rotate_rows(value.kind.irreps, g.matrix, value.array)
    if value.kind.affine:
        array = array + g.shift
    return _renumber(g, array, value.kind.per, order)


def act_on_feature(g: Isometry, feature: Feature, order: Array) -> Array:
    """Hidden features [rows, 2l+1, channels], transformed as their irrep says they should be."""
    turned = _turn("ij,njc->nic", wigner(feature.irrep, g.matrix), feature.values)
    return _renumber(g, turned, feature.per, order)


def _renumber(g: Isometry, rows: Array, per: str, order: Array) -> Array:
    if g.permutation is None or per == "graph":
        return rows
    return rows[g.permutation] if per == "node" else rows[order]


def attention_matrix(attention: Attention, nodes: int) -> Array:
    """Weights as a dense matrix [receiver, sender, heads]."""
    weights = jnp.where(attention.mask[:, None], attention.weights, 0)
    empty = jnp.zeros((nodes, nodes, weights.shape[-1]), weights.dtype)
    return empty.at[attention.receivers, attention.senders].add(weights)


def act_on_attention(g: Isometry, matrix: Array) -> Array:
    """An attention matrix [receiver, sender, heads], renumbered; invariant otherwise."""
    if g.permutation is None:
        return matrix
    return matrix[g.permutation][:, g.permutation]
