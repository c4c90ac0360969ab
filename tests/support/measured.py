"""Models of known faults and the recomputation of Δ_EQ in NumPy."""

import jax.numpy as jnp
import numpy as np
import pytest

from demetar.core.graph import Graph
from demetar.core.output import Kind, Output, Value

PLACES = Kind("1x1o", affine=True)


VECTORS = Kind("1x1o")


FAULT = np.array([0.01, 0.02, -0.03])


SKEW = np.array([[1.0, 0.5, 0], [0, 2, 0.25], [0.3, 0, -1]])


each_precision = pytest.mark.parametrize("dtype", ["float32", "float64"])


def places(graph: Graph) -> Output:
    """The positions themselves: commutes with everything."""
    return Output({"positions": Value(graph.positions, PLACES)})


def faulty(graph: Graph) -> Output:
    """Places with the constant FAULT added, a sheared velocity, and x-coordinates as an invariant."""
    real = graph.node_mask[:, None]
    x = graph.positions
    shifted = jnp.where(real, x + jnp.asarray(FAULT, x.dtype), 0)
    assert graph.velocities is not None
    sheared = graph.velocities @ jnp.asarray(SKEW, x.dtype).T
    total = jnp.sum(jnp.where(real, x, 0)[:, :1], 0, keepdims=True)
    first = graph.positions[graph.senders][:, :1]
    return Output(
        {
            "positions": Value(shifted, PLACES),
            "sheared": Value(sheared, VECTORS),
            "total": Value(total, Kind("1x0e", per="graph")),
            "edges": Value(first, Kind("1x0e", per="edge")),
        }
    )


def nearly_nothing(graph: Graph) -> Output:
    """A dipole that symmetry forces to vanish, up to 1e-9 that does not turn."""
    noise = jnp.asarray([[1e-9, 0, 0]], graph.positions.dtype)
    return Output({"dipole": Value(noise, Kind("1x1o", per="graph"))})


def linear(graph: Graph) -> Output:
    """A x per particle, as vectors: does not commute with rotations unless A is a multiple of 1."""
    moved = graph.positions @ jnp.asarray(SKEW, graph.positions.dtype).T
    return Output({"Ax": Value(moved, VECTORS)})
