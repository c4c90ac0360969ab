"""One function at one system, held ready: measured at a few elements in the time of the calls themselves.

What `measure` does before it asks (edges, padding, parameters in a precision, f(x)) is done once, so a
hand that turns is answered by the compiled comparison alone. The comparison is the one that `measure`
uses for one element, of which it holds two: the identity and that one. Here f(x) is known, so a call
answers two elements, each in the same digits as `measure` does.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import numpy as np

from demetar.core.graph import Graph
from demetar.core.numerics import cast, check_dtype
from demetar.core.padding import pad
from demetar.symmetry import comparison, memory, neighbours
from demetar.symmetry import elements as isometry
from demetar.symmetry.elements import Elements
from demetar.symmetry.equivariance import Measurement, measurement
from demetar.symmetry.predictor import subject


class Ready:
    """A function and one system in a precision; of elements with or without permutations.

    Arguments and errors as in `measure`; the first one compiles, if nobody has.
    """

    def __init__(
        self, f: Any, graph: Graph, dtype: str = "float32", renumbered: bool = False
    ) -> None:
        check_dtype(dtype)
        self.dtype, limit = dtype, memory.budget()
        self.taken = subject(f, neighbours.unpadded(graph))
        self._nodes, edges = neighbours.size(self.taken.graph, [])
        most = comparison.at_once(1, edges)
        system = pad(self.taken.graph, self._nodes, edges).astype(dtype)
        built = neighbours.stack([self.taken.graph], self._nodes, edges)
        with jax.enable_x64(dtype == "float64"), jax.default_matmul_precision("highest"):
            params = cast(jax.device_get(self.taken.params), dtype)
            once, self._compare = comparison.compiled(self.taken.function, True)
            empty = comparison.nothing(once, params, system)
            still = isometry.identity()
            order = np.arange(self._nodes)[None] if renumbered else None
            still = Elements(still.matrix, still.shift, order)

            def some(count: int) -> tuple:
                which = np.zeros(count, int)
                own = cast(jax.tree.map(lambda x: x[which], built), dtype)
                given = still.astype(dtype)[which]
                return params, system, np.True_, empty, given, own, which > 0

            count = memory.fitting(self._compare, some, most, limit, self.taken.graph, dtype)
            self._held = jax.device_put(some(count))
            self._reference, _ = self._compare(*self._held)
            self._known = jax.device_get(self._reference)
        self._count = count

    def measure(self, elements: Elements, layers: bool = False) -> list[Measurement]:
        """At each element Δ_EQ of every output, and of every layer if wanted, with the graph moved."""
        given = isometry.widened(elements, self._nodes).astype(self.dtype)
        params, system, _, _, _, edges, fresh = self._held
        found = []
        with jax.enable_x64(self.dtype == "float64"), jax.default_matmul_precision("highest"):
            for start in range(0, len(elements), self._count):
                which = np.minimum(np.arange(start, start + self._count), len(elements) - 1)
                _, (values, trace) = self._compare(
                    params, system, np.False_, self._reference, given[which], edges, fresh
                )
                found.append((values, trace if layers else []))
            found = jax.device_get(found)
        found = jax.tree.map(lambda *x: np.concatenate(x)[None, : len(elements)], *found)
        parts = [(self._known, found, np.zeros(len(elements), int))]
        m = measurement(self.taken, parts, elements, "", self.dtype)
        return [_only(m, slice(k, k + 1)) for k in range(len(elements))]


def _only(m: Measurement, which: slice) -> Measurement:
    names = ("delta", "classic", "absolute", "scale", "predict_then_move", "move_then_predict")
    some: dict[str, Any] = {k: {n: x[which] for n, x in getattr(m, k).items()} for k in names}
    layers = tuple(
        dataclasses.replace(
            layer,
            features={k: d[which] for k, d in layer.features.items()},
            attention=None if layer.attention is None else layer.attention[which],
        )
        for layer in m.layers
    )
    return dataclasses.replace(
        m, elements=m.elements[which], edges_changed=m.edges_changed[which], layers=layers, **some
    )
