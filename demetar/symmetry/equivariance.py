"""Measures how far a function of 3D systems is from commuting with a group.

Δ_EQ(g) = ‖D(g) f(x) − f(g·x)‖₂ / scale, with D(g) the declared representation of the output. The
classic scale is ‖D(g) f(x)‖₂ (Fuchs et al., SE(3)-Transformers, NeurIPS 2020, section 4.1; places
are taken about their centroid, so that a large shift cannot hide an error). Where symmetry forces
an output to vanish that ratio means nothing; the scale therefore never falls below FLOOR times the
root mean square that the output has over a validation set, where a run knows it.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from demetar.core.arrays import Array
from demetar.core.errors import InputError
from demetar.core.graph import Graph
from demetar.core.numerics import cast, check_dtype
from demetar.core.output import Kind, Layer, Output, Value
from demetar.core.padding import pad
from demetar.symmetry import action, comparison, groups
from demetar.symmetry import elements as isometry
from demetar.symmetry.comparison import norm
from demetar.symmetry.elements import Elements


@dataclasses.dataclass(frozen=True)
class LayerDelta:
    """Δ_EQ [samples] of one layer: relative error per irrep; largest absolute one of attention."""

    name: str
    features: dict[str, np.ndarray]
    attention: np.ndarray | None


@dataclasses.dataclass(frozen=True)
class Measurement:
    """What measure() found, as host numpy without padding.

    `delta` and `absolute` hold [samples] per output; `predict_then_move` is D(g) f(x) and
    `move_then_predict` is f(g·x), each [samples, rows, dim]; `prediction` is f(x) itself and
    `trace` the layers that led to it, still padded.
    """

    group: str
    dtype: str
    elements: Elements
    delta: dict[str, np.ndarray]
    absolute: dict[str, np.ndarray]
    layers: tuple[LayerDelta, ...]
    kinds: dict[str, Kind]
    prediction: dict[str, np.ndarray]
    predict_then_move: dict[str, np.ndarray]
    move_then_predict: dict[str, np.ndarray]
    trace: tuple[Layer, ...] = ()

    def first_broken_layer(self, factor: float = 100.0) -> str | None:
        """The first layer whose worst Δ exceeds `factor` times what the precision explains."""
        limit = factor * float(jnp.finfo(self.dtype).eps)
        for layer in self.layers:
            found = [*layer.features.values()]
            found += [] if layer.attention is None else [layer.attention]
            if any(np.max(d) > limit for d in found):
                return layer.name
        return None


def measure(
    f: Any,
    graph: Graph,
    group: str = "SO(3)",
    samples: int = 64,
    seed: int = 0,
    dtype: str = "float32",
    elements: Elements | None = None,
    layers: bool = True,
) -> Measurement:
    """Δ_EQ of every output and layer of `f` at one system, over elements of a group.

    `f` is a Run or any function Graph -> Output that jax can trace. Elements are sampled in
    float64 from `group` by `seed`, or given. Everything, the transformation of the input
    included, is computed in `dtype` with full-precision matrix products. Raises InputError on an
    unknown group or dtype, and on permutations of a batch.
    """
    function, params, graph, rms = unpack(f, graph)
    check_dtype(dtype)
    padded = pad(graph)
    if elements is None:
        if samples < 1:
            raise InputError(f"Expected at least one sample, got {samples}; ask for 1 or more.")
        rng = np.random.default_rng(seed)
        elements = groups.load(group).sample(rng, samples, np.asarray(padded.node_mask))
    if graph.n_graphs > 1 and elements.permutation is not None:
        raise InputError(
            f"Expected one system to be renumbered, got a batch of {graph.n_graphs}; measure them "
            "one by one."
        )
    count = len(elements)
    room, lead, chunk = comparison.rooms(count)
    given = isometry.led(isometry.pad(elements, room), lead)
    with jax.enable_x64(dtype == "float64"), jax.default_matmul_precision("highest"):
        arguments = jax.device_get((params, rms))
        params, rms = jax.tree.map(lambda x: cast(x, dtype), arguments)
        reference, (values, trace) = jax.device_get(
            comparison.compiled(function, layers, lead, chunk)(
                params, padded.astype(dtype), given.astype(dtype), rms
            )
        )
    names = [layer.name for layer in reference.trace]
    return Measurement(
        group=group, dtype=dtype, elements=elements,
        delta={k: np.asarray(v["delta"])[:count] for k, v in values.items()},
        absolute={k: np.asarray(v["absolute"])[:count] for k, v in values.items()},
        layers=tuple(
            LayerDelta(
                name,
                {irrep: np.asarray(d)[:count] for irrep, d in features.items()},
                None if attention is None else np.asarray(attention)[:count],
            )
            for name, (features, attention) in zip(names, trace, strict=False)
        ),
        kinds={k: v.kind for k, v in reference.values.items()},
        prediction={k: _trim(v.array, v.kind, graph) for k, v in reference.values.items()},
        predict_then_move=_paths(values, "left", reference, graph, count),
        move_then_predict=_paths(values, "right", reference, graph, count),
        trace=reference.trace,
    )  # fmt: skip


def _trim(array: Array, kind: Kind, graph: Graph) -> np.ndarray:
    rows = {"graph": graph.n_graphs, "node": len(graph.species), "edge": len(graph.senders)}
    return np.asarray(array)[..., : rows[kind.per], :]


def _paths(values: Any, side: str, reference: Output, graph: Graph, count: int) -> dict:
    return {k: _trim(v[side][:count], reference.values[k].kind, graph) for k, v in values.items()}


@functools.lru_cache(maxsize=64)
def _without_params(f: Callable[[Graph], Output]) -> Callable[[Any, Graph], Output]:
    return lambda params, graph: f(graph)


def unpack(f: Any, graph: Graph) -> tuple[Callable, Any, Graph, Mapping[str, float]]:
    """The pure function, its parameters, the graph as it wants it, the rms of its outputs."""
    if hasattr(f, "function"):
        return f.function, f.params, f.prepare(graph), f.rms
    return _without_params(f), {}, graph, {}


def measure_arrays(
    f: Callable[[Array], Array],
    x: np.ndarray,
    irreps_in: str,
    irreps_out: str,
    group: str = "O(3)",
    samples: int = 64,
    seed: int = 0,
    dtype: str = "float32",
) -> np.ndarray:
    """Δ_EQ [samples] of a function of plain rows [n, dim] -> [m, dim] with declared irreps.

    Raises InputError on an unknown dtype, and on a group with translations: rows with irreps are
    differences, which do not move with them, so nothing could ever break.
    """
    check_dtype(dtype)
    elements = groups.load(group).sample(
        np.random.default_rng(seed), samples, np.ones(len(x), bool)
    )
    if elements.shift.any():
        raise InputError(
            f"Expected a group without translations, got {group}; choose SO(3), O(3) or S_n, or give "
            "measure() a function of a Graph."
        )
    with jax.enable_x64(dtype == "float64"), jax.default_matmul_precision("highest"):
        rows = jnp.asarray(x, dtype)

        def one(g: Elements) -> Array:
            order = jnp.arange(len(rows))
            left = action.act_on_value(g, Value(f(rows), Kind(irreps_out)), order)
            right = f(action.act_on_value(g, Value(rows, Kind(irreps_in)), order))
            return norm(left - right) / jnp.maximum(norm(left), jnp.finfo(left.dtype).tiny)

        return np.asarray(jax.lax.map(one, jax.tree.map(jnp.asarray, elements.astype(dtype))))
