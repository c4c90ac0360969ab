"""Faulty functions of known faults, and how each is measured."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from demetar.core import segments
from demetar.core.graph import Graph
from demetar.core.output import Kind, Output, Value

ENERGY, PSEUDO = Kind("1x0e", per="graph"), Kind("1x0o", per="graph")


PLACES, VECTORS = Kind("1x1o", affine=True), Kind("1x1o")


ROUNDING = {"float32": 1e-5, "float64": 1e-11}


VISIBLE = 1e-3


def value(name: str, array: Any, kind: Kind) -> Output:
    return Output({name: Value(array, kind)})


def lengths(graph: Graph) -> Any:
    return segments.norm(graph.positions[graph.receivers] - graph.positions[graph.senders])


def total(graph: Graph, per_edge: Any) -> Any:
    return jnp.sum(jnp.where(graph.edge_mask[:, None], per_edge, 0), 0, keepdims=True)


class Trained:
    """A function as a run is measured: with a rule of edges, a constant part, perhaps centred."""

    def __init__(
        self,
        call: Callable[[Graph], Output],
        rule: Callable[[Graph], Graph] = lambda graph: graph,
        constant: dict[str, Any] | None = None,
        rms: dict[str, float] | None = None,
        centred: bool = False,
    ) -> None:
        self.call, self.prepare, self.centred = call, rule, centred
        self.constant, self.rms = constant or {}, rms or {}

    def function(self, params: Any, graph: Graph) -> Output:
        return self.call(graph)

    def varying(self, graph: Graph) -> tuple[dict, dict]:
        return {}, self.constant


def reciprocals(graph: Graph) -> Output:
    """A sound energy that loses digits far from the origin: differences of large coordinates."""
    r = jnp.where(graph.edge_mask[:, None], lengths(graph), 1)
    return value("energy", total(graph, 1 / (r + 0.1)), ENERGY)


def leaning(graph: Graph) -> Output:
    """Four per cent of the answer depend on an axis: within what bfloat16 was excused for."""
    r = jnp.where(graph.edge_mask[:, None], lengths(graph), 1)
    x = (graph.positions[graph.receivers] - graph.positions[graph.senders])[:, :1]
    return value("energy", total(graph, (1 + 0.2 * x * x / r**2) / (r + 0.1)), ENERGY)
