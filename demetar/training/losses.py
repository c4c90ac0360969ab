"""Losses: how far a model's output is from the (standardised) labels, as sums that shards can add.

total = energy_weight · L(target) + force_weight · L(forces) where forces are labelled, else
L(target). Forces are −∂(scalar)/∂x (see `demetar.runs.prediction`), for all models alike; target and
forces are divided by the same number, so the ratio of the weights is that of the physical units.
"""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from demetar.core.arrays import Array
from demetar.core.graph import Graph
from demetar.core.kinds import QUANTITIES, predicted
from demetar.core.numerics import mixed
from demetar.core.output import Output
from demetar.core.segments import norm
from demetar.data.systems import Labels
from demetar.runs.prediction import with_gradient


def _mse(difference: Array) -> Array:
    return jnp.mean(difference**2, axis=-1)


def _mae(difference: Array) -> Array:
    return jnp.mean(jnp.abs(difference), axis=-1)


def _l2mae(difference: Array) -> Array:
    return norm(difference, keepdims=False)


# Of rows [rows, dim]: mean square, mean absolute value, length. The last one does not change when
# a vector turns (Chanussot et al., "The Open Catalyst 2020 dataset", ACS Catal. 2021, use it for
# forces); of a single number it is the absolute value.
KINDS = {"mse": _mse, "mae": _mae, "l2mae": _l2mae}


def _term(kind: str, difference: Array, mask: Array) -> tuple[Array, Array]:
    """Sum over the real rows and their number."""
    rows = KINDS[kind](jnp.where(mask[:, None], difference, 0))
    return rows.sum(), mask.sum()


def make(
    model: Any,
    kind: str = "",
    energy_weight: float = 1.0,
    force_weight: float = 1.0,
    precision: str = "float32",
    total: Callable[[Array], Array] = lambda x: x,
) -> Callable[[Any, Graph, Labels], Array]:
    """The loss (params, graph, labels) -> [] of a model, averaged over real rows.

    `kind` is "mse", "mae" or "l2mae"; empty for the usual one of the model's output. The model
    computes in `precision`. `total` adds the number of rows over the parts of a batch on several
    devices, so that the parts' losses add up to the whole's.
    """
    output_kind = model.config.output
    kind = kind or QUANTITIES[output_kind].loss

    def share(difference: Array, mask: Array) -> Array:
        sums, count = _term(kind, difference, mask)
        return sums / jnp.maximum(total(count), 1).astype(sums.dtype)

    compute = mixed(lambda params, graph: model.apply({"params": params}, graph), precision)

    def loss(params: Any, graph: Graph, labels: Labels) -> Array:
        def apply(graph: Graph) -> Output:
            return compute(params, graph)

        per_node = QUANTITIES[output_kind].per_node
        mask = graph.node_mask if per_node else jnp.ones(graph.n_graphs, bool)
        if labels.forces is None:
            return share(predicted(apply(graph), output_kind) - labels.target, mask)
        output, slope = with_gradient(apply, graph)
        energies = share(output["scalar"] - labels.target, mask)
        forces = share(-slope - labels.forces, graph.node_mask)
        return energy_weight * energies + force_weight * forces

    return loss
