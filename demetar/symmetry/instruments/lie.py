"""The infinitesimal equivariance error: what an arbitrarily small motion already shows."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from demetar.core.arrays import Array
from demetar.core.errors import InputError
from demetar.core.graph import Graph
from demetar.core.numerics import cast, check_dtype
from demetar.core.output import Output, Value
from demetar.core.padding import pad
from demetar.symmetry import groups, memory, scales
from demetar.symmetry.action import rotate_rows
from demetar.symmetry.comparison import norm, rows_mask
from demetar.symmetry.neighbours import unpadded
from demetar.symmetry.predictor import Subject, subject


@functools.lru_cache(maxsize=256)
def _compiled_lie(function: Callable[[Any, Graph], Output]) -> Callable:
    @jax.jit
    def derivatives(
        params: Any,
        graph: Graph,
        matrix: Float[Array, "generators 3 3"],
        shift: Float[Array, "generators 3"],
    ) -> tuple:
        def values_of(
            positions: Float[Array, "nodes 3"], velocities: Float[Array, "nodes 3"] | None
        ) -> dict[str, Value]:
            return function(
                params, graph.replace(positions=positions, velocities=velocities)
            ).values

        values = values_of(graph.positions, graph.velocities)

        def one(generator: tuple[Float[Array, "3 3"], Float[Array, "3"]]) -> dict:
            x, s = generator
            turn = functools.partial(jnp.einsum, "ij,nj->ni", x, precision="highest")
            still = graph.velocities is None
            primals = (graph.positions, graph.velocities)
            moves = (
                jnp.where(graph.node_mask[:, None], turn(graph.positions) + s, 0),
                None if still else turn(graph.velocities),
            )
            _, change = jax.jvp(values_of, primals, moves)
            return {k: _lie_error(v, change[k], x, s, graph) for k, v in values.items()}

        return values, jax.lax.map(one, (matrix, shift))

    return derivatives


def _lie_error(
    value: Value, change: Value, x: Float[Array, "3 3"], s: Float[Array, "3"], graph: Graph
) -> Float[Array, ""]:
    mask = rows_mask(value.kind.per, graph)
    expected = _infinitesimal(value.kind.irreps, x, value.array)
    expected = expected + s if value.kind.affine else expected
    return norm(jnp.where(mask, change.array - expected, 0))


def _infinitesimal(
    irreps: str, x: Float[Array, "3 3"], rows: Float[Array, "rows dim"]
) -> Float[Array, "rows dim"]:
    """Rows [n, dim] under dD(X): the derivative at the identity of how rows turn, along X [3, 3].

    Of a dilation too: entries of D are polynomials of degree l in the matrix.
    """
    still = jnp.eye(3, dtype=rows.dtype)
    return jax.jvp(lambda matrix: rotate_rows(irreps, matrix, rows), (still,), (x,))[1]


def lie_derivative(
    f: Any, graph: Graph, group: str = "SE(3)", dtype: str = "float32"
) -> dict[str, dict[str, float]]:
    """Infinitesimal Δ_EQ per output and generator: ‖d/dt [f(e^{tX}x) − D(e^{tX}) f(x)]‖ / scale at t = 0.

    No sampling and no step width: the derivative is exact, by forward-mode differentiation
    (Gruver et al., The Lie derivative for measuring learned equivariance, ICLR 2023). In radians
    for rotations, per unit of length for translations. Raises InputError for a group without
    generators and an unknown dtype.
    """
    check_dtype(dtype)
    taken = subject(f, unpadded(graph))
    generators = groups.load(group).generators()
    if not generators:
        raise InputError(
            f"Expected a group with infinitesimal elements, got {group}; choose SO(3), T(3) or SE(3)."
        )
    with jax.enable_x64(dtype == "float64"), jax.default_matmul_precision("highest"):
        arguments = (
            cast(jax.device_get(taken.params), dtype),
            pad(taken.graph).astype(dtype),
            np.stack([m for _, m, _ in generators]).astype(dtype),
            np.stack([s for *_, s in generators]).astype(dtype),
        )
        derivatives, limit = _compiled_lie(taken.function), memory.budget()
        memory.refuse(memory.needed(derivatives, *arguments), limit, taken.graph, dtype)
        values, found = jax.device_get(derivatives(*arguments))
    labels = [name for name, *_ in generators]
    return {
        k: dict(
            zip(
                labels,
                (np.asarray(e, np.float64) / _scale(taken, k, values[k])).tolist(),
                strict=True,
            )
        )
        for k, e in found.items()
    }


def _scale(taken: Subject, name: str, value: Value) -> Float[np.ndarray, "1"]:
    graph, kind = taken.graph, value.kind
    rows = {"graph": graph.n_graphs, "node": len(graph.species), "edge": len(graph.senders)}
    own = np.asarray(value.array, np.float64)[None, : rows[kind.per]]
    inputs = np.asarray(graph.positions, np.float64)[None]
    return scales.sizes(kind, own, own, inputs, graph, taken.rms, name).predicted
