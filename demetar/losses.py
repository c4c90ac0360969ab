"""Losses by kind of target: mean squared for positions, mean absolute for standardised invariants."""

from typing import Any

import jax.numpy as jnp

from demetar.graph import Graph
from demetar.output import Output

Array = Any


def positions(output: Output, targets: Array, graph: Graph) -> Array:
    """Mean squared error per coordinate over the real nodes."""
    square = jnp.where(graph.node_mask[:, None], output["positions"] - targets, 0) ** 2
    return square.sum() / (3 * jnp.maximum(graph.node_mask.sum(), 1))


def scalar(output: Output, targets: Array, graph: Graph) -> Array:
    """Mean absolute error of the standardised target over the systems [graphs, 1]."""
    return jnp.abs(output["scalar"] - targets).mean()


BY_OUTPUT = {"positions": positions, "scalar": scalar}
