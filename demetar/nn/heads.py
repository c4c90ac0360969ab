"""From features of nodes to the outputs that the irreps models share."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from demetar.graph import Graph
from demetar.nn import features as nf
from demetar.output import Value

Array = Any
Features = dict[str, Array]

ASKED: dict[str, dict[str, int]] = {
    "positions": {"1o": 1},
    "state": {"1o": 2},
    "scalar": {"0e": 1},
    "node_scalar": {"0e": 1},
    "vector": {"1o": 1},
    "tensor": {"0e": 1, "2e": 1},
}


def answer(
    graph: Graph, output: str, x: Features, pool: Callable[[Graph, Array], Array] = nf.graph_sum
) -> dict[str, Value]:
    """The values of the named output from features with the channels of ASKED[output].

    The 1o channels are displacements and, for "state", changes of the velocities as well; `pool`
    makes one row a graph of the nodes' rows.
    """
    real = graph.node_mask[:, None]
    if output == "positions":
        return nf.positions_value(graph, graph.positions + x["1o"][:, :, 0])
    if output == "state":
        velocities = jnp.where(real, nf.velocities(graph) + x["1o"][:, :, 1], 0)
        return {
            **nf.positions_value(graph, graph.positions + x["1o"][:, :, 0]),
            "velocities": Value(velocities, nf.VELOCITIES),
        }
    if output == "node_scalar":
        return {"node_scalar": Value(jnp.where(real, x["0e"][:, 0], 0), nf.NODE_SCALAR)}
    rows = jnp.concatenate([x[irrep][:, :, 0] for irrep in ASKED[output]], -1)
    kind = {"scalar": nf.SCALAR, "vector": nf.VECTOR, "tensor": nf.TENSOR}[output]
    return {output: Value(pool(graph, rows), kind)}
