"""From a model's own output to its target: name, unit, scale, constant part, forces."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from demetar.core.arrays import Array
from demetar.core.graph import Graph
from demetar.core.kinds import QUANTITIES
from demetar.core.output import Kind, Output, Value
from demetar.core.segments import graph_sum
from demetar.data.standardise import ELEMENTS, norm_of
from demetar.symmetry import stored


@functools.lru_cache(maxsize=64)
def prediction(
    model: Any, target: str, unit: str, forces: bool = False
) -> Callable[[Any, Graph], Output]:
    """The pure function (params, graph) -> Output of a model, in the target's own name and unit.

    params: {"model": tree, "mean": [], "scale": []} and perhaps "references" [119] by atomic
    number. An invariant target f of a system comes with its gradient ∂f/∂x as "<target>_gradient"
    [nodes, 3], which must turn with the input, or with `forces` as "forces", −∂f/∂x.
    """

    def apply(params: Any, graph: Graph) -> Output:
        return model.apply({"params": params["model"]}, graph)

    output = model.config.output
    quantity = QUANTITIES[output]
    if quantity.fitted == "nothing":
        return _named(apply, model, "")

    def scaled(params: Any, graph: Graph) -> Output:
        out = apply(params, graph)
        value = out.values[output]
        array = value.array * params["scale"] + quantity.offset(params["mean"])
        return Output({target: Value(array, dataclasses.replace(value.kind, unit=unit))}, out.trace)

    def scalar(params: Any, graph: Graph) -> Output:
        out, slope = with_gradient(lambda graph: apply(params, graph), graph)
        value = out["scalar"] * params["scale"] + params["mean"]
        if "references" in params:
            value += graph_sum(graph, params["references"][graph.species])[:, None]
        name, sign = ("forces", -1) if forces else (f"{target}_gradient", 1)
        slope = sign * params["scale"] * slope
        values = {
            target: Value(value, Kind("1x0e", per="graph", unit=unit)),
            name: Value(slope, Kind("1x1o", per="node", unit=f"{unit}/Å")),
        }
        return Output(values, out.trace)

    made = scalar if output == "scalar" else scaled
    return _named(made, model, f"{target} {unit} {forces}")


def _named(function: Callable, model: Any, more: str) -> Callable:
    """With a name if the model is one of this package; others may change where nobody looks."""
    module = type(model).__module__
    if not module.startswith("demetar.models."):
        return function
    return stored.named(function, f"{module} {model!r} {more}")


def without_constant(params: Any, graph: Graph, output: str) -> tuple[Any, np.ndarray]:
    """The parameters without their constant part, and that part [rows, dim] of the target, float64."""
    norm, real = norm_of(params), np.asarray(graph.node_mask)
    quantity = QUANTITIES[output]
    rows = len(real) if quantity.per_node else graph.n_graphs
    constant = np.zeros((rows, 1)) + quantity.offset(norm.mean)
    part = {**params, "mean": np.zeros(())}
    if norm.references is not None:
        part["references"] = np.zeros(ELEMENTS)
        index, species = np.asarray(graph.graph_index)[real], np.asarray(graph.species)[real]
        np.add.at(constant[:, 0], index, norm.references[species])
    return part, constant


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
