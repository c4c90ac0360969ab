"""What the measure asks of a function of 3D systems, and how it takes one apart."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from demetar.core.arrays import Array
from demetar.core.graph import Graph, centred
from demetar.core.output import Output

Function = Callable[[Any, Graph], Output]


@runtime_checkable
class Predictor(Protocol):
    """A trained model as the measure takes it; a plain function Graph -> Output will do as well."""

    @property
    def function(self) -> Function:
        """The pure function (params, graph) -> Output."""
        ...

    @property
    def rms(self) -> Mapping[str, float]:
        """Root mean square of what each output adds to its constant part, where it is known."""
        ...

    @property
    def centred(self) -> bool:
        """Whether systems are moved to their centroid in float64 before they are cast."""
        ...

    def prepare(self, graph: Graph) -> Graph:
        """The graph as the model reads it, its edges drawn by the model's own rule."""
        ...

    def varying(self, graph: Graph) -> tuple[Any, Mapping[str, Float[Array, "_rows _dim"]]]:
        """Parameters without the constant part of an output, and that part [rows, dim] by name."""
        ...


@dataclasses.dataclass(frozen=True)
class Subject:
    """A function and one system, ready to be measured.

    `graph`: as the function sees it, float64. `constant` is taken out of the function and belongs
    to its outputs by name; `offset` [nodes, 3] was taken off the positions; `rule` draws the edges.
    """

    function: Function
    params: Any
    graph: Graph
    rms: Mapping[str, float]
    constant: Mapping[str, Float[Array, "_rows _dim"]]
    offset: Float[Array, "nodes 3"]
    rule: Callable[[Graph], Graph] | None


@functools.lru_cache(maxsize=64)
def _without_params(f: Callable[[Graph], Output]) -> Function:
    return lambda params, graph: f(graph)


def subject(f: Predictor | Callable[[Graph], Output], graph: Graph) -> Subject:
    """The function taken apart; a plain one has no parameters, no constant part, no rule of edges.

    Where a predictor's systems are centred, the group acts on the centred system, and nothing is
    centred afterwards: a model that breaks T(3) shows it.
    """
    still = np.zeros((len(graph.species), 3))
    if not isinstance(f, Predictor):
        return Subject(_without_params(f), {}, graph, {}, {}, still, None)
    given = f.prepare(graph)
    params, constant = f.varying(given)
    placed = centred(given) if f.centred else given
    offset = np.asarray(given.positions, np.float64) - placed.positions
    return Subject(f.function, params, placed, f.rms, constant, offset, f.prepare)
