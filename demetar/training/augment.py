"""Group elements on batches: another one for each system, on its input and its labels alike."""

import jax
import jax.numpy as jnp

from demetar.core.arrays import Array
from demetar.core.graph import Graph
from demetar.data.systems import Labels
from demetar.symmetry.elements import Elements
from demetar.symmetry.irreps import wigner


def act(g: Elements, graph: Graph, labels: Labels, output: str) -> tuple[Graph, Labels]:
    """The batch with element i of `g` [graphs] acting on system i; labels by the kind of output.

    Invariants stay. Positions turn and are shifted, velocities, vectors and forces turn, of
    tensors (1x0e+1x2e) the second part turns by the Wigner matrix of degree 2.
    """
    own = jnp.minimum(graph.graph_index, graph.n_graphs - 1)
    real = graph.node_mask[:, None]

    def turn(rows: Array, matrix: Array) -> Array:
        return (rows[:, None, :] * matrix).sum(-1)  # exact in the array's precision on any device

    def move(rows: Array) -> Array:
        return jnp.where(real, turn(rows, g.matrix[own]) + g.shift[own], rows)

    velocities = graph.velocities
    moved = graph.replace(
        positions=move(graph.positions),
        velocities=None if velocities is None else turn(velocities, g.matrix[own]),
    )
    target = labels.target
    if output == "positions":
        target = move(target)
    elif output == "state":
        parts = [move(target[:, :3]), turn(target[:, 3:], g.matrix[own])]
        target = jnp.concatenate(parts, axis=1)
    elif output == "vector":
        target = turn(target, g.matrix)
    elif output == "tensor":
        matrices = jax.vmap(lambda matrix: wigner("2e", matrix))(g.matrix)
        target = jnp.concatenate([target[:, :1], turn(target[:, 1:], matrices)], axis=1)
    forces = None if labels.forces is None else turn(labels.forces, g.matrix[own])
    return moved, Labels(target, forces)


def inverse(g: Elements) -> Elements:
    """The elements that undo those of `g`, which are orthogonal and permute nothing."""
    back = jnp.swapaxes(g.matrix, -1, -2)
    return Elements(back, -(g.shift[..., None, :] * back).sum(-1))
