"""Energies and their forces: one formula for every model."""

from collections.abc import Callable
from typing import Any

import jax

from demetar.graph import Graph
from demetar.output import Output

Array = Any


def with_gradient(apply: Callable[[Graph], Output], graph: Graph) -> tuple[Output, Array]:
    """The output of `apply(graph)` and the gradient [nodes, 3] of its "scalar" at the positions.

    Systems of a batch do not interact, so the gradient of the sum over all of them holds each one's
    own. Forces are its negative, hence conservative whatever the model is.
    """

    def total(positions: Array) -> tuple[Array, Output]:
        output = apply(graph.replace(positions=positions))
        return output["scalar"].sum(), output

    slope, output = jax.grad(total, has_aux=True)(graph.positions)
    return output, slope
