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

import e3nn_jax as e3nn
import jax
import jax.numpy as jnp
import numpy as np

from demetar import groups, isometry
from demetar.errors import InputError
from demetar.graph import Graph, connect, pad
from demetar.isometry import Isometry
from demetar.output import Kind, Layer, Output, Value

Array = Any
FLOOR = 0.01
LAYER_FLOOR = 1e-3  # of the root mean square over all features of the same layer
DTYPES = ("float64", "float32", "bfloat16")
SAMPLE_RUNGS = (8, 40, 64, 256, 1024)  # numbers of elements that share one compilation


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
    `move_then_predict` is f(g·x), each [samples, rows, dim]; `prediction` is f(x) itself.
    """

    group: str
    dtype: str
    elements: Isometry
    delta: dict[str, np.ndarray]
    absolute: dict[str, np.ndarray]
    layers: tuple[LayerDelta, ...]
    kinds: dict[str, Kind]
    prediction: dict[str, np.ndarray]
    predict_then_move: dict[str, np.ndarray]
    move_then_predict: dict[str, np.ndarray]

    def first_broken_layer(self, factor: float = 100.0) -> str | None:
        """The first layer whose worst Δ exceeds `factor` times what the precision explains."""
        limit = factor * float(jnp.finfo(self.dtype).eps)
        for layer in self.layers:
            found = [*layer.features.values()]
            found += [] if layer.attention is None else [layer.attention]
            if any(np.max(d) > limit for d in found):
                return layer.name
        return None


def _mask(per: str, graph: Graph) -> Array:
    if per == "graph":
        return jnp.ones((graph.n_graphs, 1), bool)
    return (graph.node_mask if per == "node" else graph.edge_mask)[:, None]


def _norm(x: Array) -> Array:
    return jnp.sqrt(jnp.sum(jnp.square(x.astype(jnp.promote_types(x.dtype, jnp.float32)))))


def _compare_value(
    g: Isometry, value: Value, other: Value, graph: Graph, order: Array, rms: Array
) -> dict[str, Array]:
    mask = _mask(value.kind.per, graph)
    left = jnp.where(mask, isometry.act_on_value(g, value, order), 0)
    right = jnp.where(mask, other.array, 0)
    rows = jnp.maximum(mask.sum(), 1)
    centre = left.sum(0, keepdims=True) / rows if value.kind.affine else 0
    size = _norm(jnp.where(mask, left - centre, 0))
    floor = FLOOR * rms * jnp.sqrt(rows * left.shape[1])
    absolute = _norm(left - right)
    scale = jnp.maximum(jnp.maximum(size, floor), jnp.finfo(size.dtype).tiny)
    return {"left": left, "right": right, "absolute": absolute, "delta": absolute / scale}


def _compare_layer(
    g: Isometry, layer: Layer, other: Layer, graph: Graph, order: Array
) -> tuple[dict[str, Array], Array | None]:
    pairs = []
    for feature, seen in zip(layer.features, other.features, strict=True):
        mask = _mask(feature.per, graph)[..., None]
        left = jnp.where(mask, isometry.act_on_feature(g, feature, order), 0)
        error = _norm(left - jnp.where(mask, seen.values, 0))
        entries = jnp.maximum(mask.sum() * left.shape[1] * left.shape[2], 1)
        pairs.append((feature.irrep, error, _norm(left), entries))
    total = jnp.sqrt(sum(size**2 for _, _, size, _ in pairs) / sum(n for *_, n in pairs)) if pairs else 0.0
    found = {}
    for irrep, error, size, entries in pairs:
        floor = LAYER_FLOOR * total * jnp.sqrt(entries)
        ratio = error / jnp.maximum(jnp.maximum(size, floor), jnp.finfo(size.dtype).tiny)
        found[irrep] = jnp.maximum(found[irrep], ratio) if irrep in found else ratio
    if layer.attention is None or other.attention is None:
        return found, None
    nodes = graph.species.shape[0]
    left = isometry.act_on_attention(g, isometry.attention_matrix(layer.attention, nodes))
    return found, jnp.abs(left - isometry.attention_matrix(other.attention, nodes)).max()


@functools.lru_cache(maxsize=256)
def _compiled(function: Callable[[Any, Graph], Output], layers: bool) -> Callable:
    """One jitted comparison for each function; jax keeps one compilation a padded size in it."""

    @jax.jit
    def compare(params: Any, graph: Graph, elements: Isometry, rms: dict[str, Array]) -> tuple:
        reference = function(params, graph)

        def one(g: Isometry) -> tuple:
            moved, order = isometry.act_on_graph(g, graph)
            seen = function(params, moved)
            values = {
                name: _compare_value(g, value, seen.values[name], graph, order, rms.get(name, 0.0))
                for name, value in reference.values.items()
            }
            trace = zip(reference.trace, seen.trace, strict=True) if layers else ()
            return values, [_compare_layer(g, a, b, graph, order) for a, b in trace]

        if jax.default_backend() == "cpu":  # measured: vmap over all gains nothing on a CPU
            return reference, jax.lax.map(one, elements, batch_size=8)
        return reference, jax.vmap(one)(elements)

    return compare


def measure(
    f: Any,
    graph: Graph,
    group: str = "SO(3)",
    samples: int = 64,
    seed: int = 0,
    dtype: str = "float32",
    elements: Isometry | None = None,
    layers: bool = True,
) -> Measurement:
    """Δ_EQ of every output and layer of `f` at one system, over elements of a group.

    `f` is a Run or any function Graph -> Output that jax can trace. Elements are sampled in
    float64 from `group` by `seed`, or given. Everything, the transformation of the input
    included, is computed in `dtype` with full-precision matrix products. Raises InputError on an
    unknown group or dtype.
    """
    function, params, graph, rms = _unpack(f, graph)
    if dtype not in DTYPES:
        raise InputError(f"Expected a dtype among {', '.join(DTYPES)}, got {dtype!r}; choose one.")
    padded = pad(graph)
    if elements is None:
        if samples < 1:
            raise InputError(f"Expected at least one sample, got {samples}; ask for 1 or more.")
        rng = np.random.default_rng(seed)
        elements = groups.load(group).sample(rng, samples, np.asarray(padded.node_mask))
    count = len(elements)
    room = next((r for r in SAMPLE_RUNGS if count <= r), count)
    with jax.enable_x64(dtype == "float64"), jax.default_matmul_precision("highest"):
        arguments = jax.device_get((params, rms))
        params, rms = jax.tree.map(lambda x: _cast(x, dtype), arguments)
        reference, (values, trace) = jax.device_get(
            _compiled(function, layers)(
                params, padded.astype(dtype), isometry.pad(elements, room).astype(dtype), rms
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
    )  # fmt: skip


def _cast(x: Any, dtype: str) -> Any:
    array = np.asarray(x)
    return array.astype(dtype) if np.issubdtype(array.dtype, np.floating) else array


def _trim(array: Array, kind: Kind, graph: Graph) -> np.ndarray:
    rows = {"graph": graph.n_graphs, "node": len(graph.species), "edge": len(graph.senders)}
    return np.asarray(array)[..., : rows[kind.per], :]


def _paths(values: Any, side: str, reference: Output, graph: Graph, count: int) -> dict:
    return {k: _trim(v[side][:count], reference.values[k].kind, graph) for k, v in values.items()}


@functools.lru_cache(maxsize=64)
def _without_params(f: Callable[[Graph], Output]) -> Callable[[Any, Graph], Output]:
    return lambda params, graph: f(graph)


def _unpack(f: Any, graph: Graph) -> tuple[Callable, Any, Graph, Mapping[str, float]]:
    """The pure function, its parameters, the graph as it wants it, the rms of its outputs."""
    if hasattr(f, "function"):
        return f.function, f.params, f.prepare(graph), f.rms
    return _without_params(f), {}, graph, {}


@functools.lru_cache(maxsize=256)
def _compiled_lie(function: Callable[[Any, Graph], Output]) -> Callable:
    @jax.jit
    def derivatives(params: Any, graph: Graph, matrix: Array, shift: Array, rms: dict) -> dict:
        def values_of(positions: Array, velocities: Array | None) -> dict[str, Value]:
            return function(params, graph.replace(positions=positions, velocities=velocities)).values

        def one(generator: tuple[Array, Array]) -> dict:
            x, s = generator
            turn = functools.partial(jnp.einsum, "ij,nj->ni", x, precision="highest")
            still = graph.velocities is None
            primals = (graph.positions, graph.velocities)
            moves = (
                jnp.where(graph.node_mask[:, None], turn(graph.positions) + s, 0),
                None if still else turn(graph.velocities),
            )
            values, change = jax.jvp(values_of, primals, moves)
            return {k: _lie_error(v, change[k], x, s, graph, rms.get(k, 0.0)) for k, v in values.items()}

        return jax.lax.map(one, (matrix, shift))

    return derivatives


def _lie_error(value: Value, change: Value, x: Array, s: Array, graph: Graph, rms: Array) -> Array:
    mask = _mask(value.kind.per, graph)
    expected = _infinitesimal(value.kind.irreps, x, value.array)
    expected = expected + s if value.kind.affine else expected
    rows = jnp.maximum(mask.sum(), 1)
    centre = jnp.where(mask, value.array, 0).sum(0) / rows if value.kind.affine else 0
    size = _norm(jnp.where(mask, value.array - centre, 0))
    floor = FLOOR * rms * jnp.sqrt(rows * value.array.shape[1])
    scale = jnp.maximum(jnp.maximum(size, floor), jnp.finfo(size.dtype).tiny)
    return _norm(jnp.where(mask, change.array - expected, 0)) / scale


def _infinitesimal(irreps: str, x: Array, rows: Array) -> Array:
    """Rows [n, dim] under dD(X), X antisymmetric: Σ_k θ_k J_k with e3nn's generators J_k."""
    theta = jnp.stack([x[2, 1] - x[1, 2], x[0, 2] - x[2, 0], x[1, 0] - x[0, 1]]) / 2
    parts, start = [], 0
    for mul, ir in e3nn.Irreps(irreps):
        block = rows[:, start : start + mul * ir.dim].reshape(len(rows), mul, ir.dim)
        matrix = jnp.einsum("k,kij->ij", theta, jnp.asarray(ir.generators(), rows.dtype))
        turned = jnp.einsum("ij,nmj->nmi", matrix, block, precision="highest")
        parts.append(turned.reshape(len(rows), -1))
        start += mul * ir.dim
    return jnp.concatenate(parts, axis=1)


def lie_derivative(
    f: Any, graph: Graph, group: str = "SE(3)", dtype: str = "float32"
) -> dict[str, dict[str, float]]:
    """Infinitesimal Δ_EQ per output and generator: ‖d/dt [f(e^{tX}x) − D(e^{tX}) f(x)]‖ / scale at t = 0.

    No sampling and no step width: the derivative is exact, by forward-mode differentiation
    (Gruver et al., The Lie derivative for measuring learned equivariance, ICLR 2023). In radians
    for rotations, per unit of length for translations. Raises InputError for a group without
    generators.
    """
    function, params, graph, rms = _unpack(f, graph)
    generators = groups.load(group).generators()
    if not generators:
        raise InputError(
            f"Expected a group with infinitesimal elements, got {group}; choose SO(3), T(3) or SE(3)."
        )
    with jax.enable_x64(dtype == "float64"), jax.default_matmul_precision("highest"):
        params, rms = jax.tree.map(lambda x: _cast(x, dtype), jax.device_get((params, rms)))
        matrix = np.stack([m for _, m, _ in generators]).astype(dtype)
        shift = np.stack([s for *_, s in generators]).astype(dtype)
        found = jax.device_get(
            _compiled_lie(function)(params, pad(graph).astype(dtype), matrix, shift, rms)
        )
    labels = [name for name, *_ in generators]
    return {k: dict(zip(labels, map(float, v), strict=True)) for k, v in found.items()}


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
    """Δ_EQ [samples] of a function of plain rows [n, dim] -> [m, dim] with declared irreps."""
    elements = groups.load(group).sample(np.random.default_rng(seed), samples, np.ones(len(x), bool))
    with jax.enable_x64(dtype == "float64"), jax.default_matmul_precision("highest"):
        x = jnp.asarray(x, dtype)

        def one(g: Isometry) -> Array:
            still = dataclasses.replace(g, shift=g.shift * 0)
            order = jnp.arange(len(x))
            left = isometry.act_on_value(still, Value(f(x), Kind(irreps_out)), order)
            right = f(isometry.act_on_value(still, Value(x, Kind(irreps_in)), order))
            return _norm(left - right) / jnp.maximum(_norm(left), jnp.finfo(left.dtype).tiny)

        return np.asarray(jax.lax.map(one, jax.tree.map(jnp.asarray, elements.astype(dtype))))


__all__ = ["LayerDelta", "Measurement", "connect", "lie_derivative", "measure", "measure_arrays"]
