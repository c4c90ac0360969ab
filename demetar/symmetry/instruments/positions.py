"""What a function predicts for one system at many places of its particles, compiled once."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from demetar.core.arrays import Array
from demetar.core.errors import InputError
from demetar.core.graph import Graph
from demetar.core.numerics import cast, check_dtype
from demetar.core.output import Kind
from demetar.core.padding import pad
from demetar.symmetry import comparison, memory
from demetar.symmetry.neighbours import unpadded
from demetar.symmetry.predictor import Function, Subject, subject


class Places(Protocol):
    """What can be asked for its outputs with the particles elsewhere; a Probe is one."""

    @property
    def kinds(self) -> dict[str, Kind]:
        """What each output is."""
        ...

    @property
    def positions(self) -> Float[np.ndarray, "nodes 3"]:
        """Where the particles are [nodes, 3], float64."""
        ...

    def __call__(
        self, places: Float[np.ndarray, "places nodes 3"], names: tuple[str, ...]
    ) -> dict[str, Float[np.ndarray, "places _rows _dim"]]:
        """The named outputs [k, rows, dim], float64, at places [k, nodes, 3]."""
        ...


@functools.lru_cache(maxsize=64)
def _compiled(function: Function, names: tuple[str, ...], chunk: int) -> Callable:
    @jax.jit
    def at(
        params: Any, graph: Graph, places: Float[Array, "places nodes 3"]
    ) -> dict[str, Float[Array, "places _rows _dim"]]:
        def one(positions: Float[Array, "nodes 3"]) -> dict[str, Float[Array, "_rows _dim"]]:
            values = function(params, graph.replace(positions=positions)).values
            return {name: values[name].array for name in names}

        chunks = places.reshape(-1, chunk, *places.shape[1:])
        found = jax.lax.map(jax.vmap(one), chunks)
        return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), found)

    return at


@dataclasses.dataclass(frozen=True)
class Probe:
    """A function at one system whose particles can be put elsewhere; the edges stay.

    Constant parts and the centroid are left out, as both would only cost digits.
    """

    taken: Subject
    dtype: str
    kinds: dict[str, Kind]
    budget: float | None = None

    @property
    def positions(self) -> Float[np.ndarray, "nodes 3"]:
        """Where the particles are [nodes, 3], float64."""
        return np.asarray(self.taken.graph.positions, np.float64)

    def __call__(
        self, places: Float[np.ndarray, "places nodes 3"], names: tuple[str, ...]
    ) -> dict[str, Float[np.ndarray, "places _rows _dim"]]:
        """The outputs [k, rows, dim], float64, at places [k, nodes, 3]."""
        graph = self.taken.graph
        padded = pad(graph)
        most = max(1, comparison.EDGES // max(len(padded.senders), 1))
        chunk = min(8, most, len(places))
        count = -(-len(places) // chunk) * chunk
        rows = np.zeros((count, *padded.positions.shape))
        rows[: len(places), : len(graph.species)] = places
        with jax.enable_x64(self.dtype == "float64"), jax.default_matmul_precision("highest"):
            params = cast(jax.device_get(self.taken.params), self.dtype)
            at = _compiled(self.taken.function, names, chunk)
            arguments = (params, padded.astype(self.dtype), rows.astype(self.dtype))
            limit = memory.budget(self.budget)
            memory.refuse(memory.needed(at, *arguments), limit, graph, self.dtype)
            found = jax.device_get(at(*arguments))
        own = {"graph": graph.n_graphs, "node": len(graph.species), "edge": len(graph.senders)}
        return {
            k: np.asarray(v, np.float64)[: len(places), : own[self.kinds[k].per]]
            for k, v in found.items()
        }


def probe(f: Any, graph: Graph, dtype: str = "float64", budget: float | None = None) -> Probe:
    """A Probe of a Run or a function at one system; InputError for an unknown dtype or a batch."""
    check_dtype(dtype)
    taken = subject(f, unpadded(graph))
    if graph.n_graphs > 1:
        raise InputError(
            f"Expected one system, got a batch of {graph.n_graphs}; look at them one by one."
        )
    with jax.enable_x64(dtype == "float64"):
        shapes = jax.eval_shape(
            taken.function, taken.params, jax.tree.map(jnp.asarray, pad(taken.graph).astype(dtype))
        )
    return Probe(taken, dtype, {k: v.kind for k, v in shapes.values.items()}, budget)


def displaced(positions: Float[np.ndarray, "n 3"], step: float) -> Float[np.ndarray, "3*n n 3"]:
    """Places [3n, n, 3]: each coordinate of each particle moved by the step, one after the other."""
    n = len(positions)
    return positions + step * np.eye(3 * n).reshape(3 * n, n, 3)
