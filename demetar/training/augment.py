"""Group elements on batches: another one for each system, on its input and its labels alike."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp

from demetar.core.arrays import Array
from demetar.core.graph import Graph
from demetar.core.kinds import QUANTITIES
from demetar.data.systems import Labels
from demetar.symmetry.elements import Elements
from demetar.symmetry.irreps import degree, parse_irreps, wigner


def act(g: Elements, graph: Graph, labels: Labels, output: str) -> tuple[Graph, Labels]:
    """The batch with element i of `g` [graphs] acting on system i; labels by the kind of output.

    Invariants stay. Positions turn and are shifted, velocities, vectors and forces turn, of
    tensors (1x0e+1x2e) the second part turns by the Wigner matrix of degree 2.
    """
    own = jnp.minimum(graph.graph_index, graph.n_graphs - 1)
    real = graph.node_mask[:, None]

    def turn(rows: Array, matrix: Array) -> Array:
        return (rows[:, None, :] * matrix).sum(-1)  # exact in the array's precision on any device

    velocities = graph.velocities
    moved = graph.replace(
        positions=jnp.where(
            real, turn(graph.positions, g.matrix[own]) + g.shift[own], graph.positions
        ),
        velocities=None if velocities is None else turn(velocities, g.matrix[own]),
    )
    target = _turned(output, labels.target, g, graph, turn)
    forces = None if labels.forces is None else turn(labels.forces, g.matrix[own])
    return moved, Labels(target, forces)


def _turned(output: str, target: Array, g: Elements, graph: Graph, turn: Callable) -> Array:
    """The rows of a target under the element of the system that each belongs to."""
    own = jnp.minimum(graph.graph_index, graph.n_graphs - 1)
    found, start = [], 0
    for kind in QUANTITIES[output].values.values():
        matrix, shift = (x[own] if kind.per == "node" else x for x in (g.matrix, g.shift))
        for multiplicity, irrep in parse_irreps(kind.irreps):
            for _ in range(multiplicity):
                rows = target[:, start : start + 2 * degree(irrep) + 1]
                start += rows.shape[1]
                if irrep == "1o":
                    rows = turn(rows, matrix)
                elif irrep != "0e":
                    rows = turn(rows, jax.vmap(partial(wigner, irrep))(matrix))
                if kind.affine:
                    before = target[:, start - rows.shape[1] : start]
                    rows = jnp.where(graph.node_mask[:, None], rows + shift, before)
                found.append(rows)
    return found[0] if len(found) == 1 else jnp.concatenate(found, axis=1)


def inverse(g: Elements) -> Elements:
    """The elements that undo those of `g`, which are orthogonal and permute nothing."""
    back = jnp.swapaxes(g.matrix, -1, -2)
    return Elements(back, -(g.shift[..., None, :] * back).sum(-1))
