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

from demetar import groups, isometry
from demetar.errors import InputError
from demetar.graph import Graph, pad
from demetar.isometry import Isometry
from demetar.output import Kind, Layer, Output, Value

Array = Any
FLOOR = 0.01
LAYER_FLOOR = 1e-3  # of the root mean square over all features of the same layer
DTYPES = ("float64", "float32", "bfloat16")
SAMPLE_RUNGS = (1, 8, 16, 40, 64, 256, 1024)  # numbers of elements that share one compilation


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
    elements: Isometry
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


def rows_mask(per: str, graph: Graph) -> Array:
    """Which rows [rows, 1] of a value per node, edge or graph are real."""
    if per == "graph":
        return jnp.ones((graph.n_graphs, 1), bool)
    return (graph.node_mask if per == "node" else graph.edge_mask)[:, None]


def norm(x: Array) -> Array:
    """Length of all entries together, summed in at least float32."""
    return jnp.sqrt(jnp.sum(jnp.square(x.astype(jnp.promote_types(x.dtype, jnp.float32)))))


def scale_of(rows: Array, mask: Array, affine: bool, rms: Array) -> Array:
    """The number by which an error of the masked rows [n, dim] is divided to give Δ_EQ."""
    count = jnp.maximum(mask.sum(), 1)
    centre = jnp.where(mask, rows, 0).sum(0) / count if affine else 0
    size = norm(jnp.where(mask, rows - centre, 0))
    floor = FLOOR * rms * jnp.sqrt(count * rows.shape[1])
    return jnp.maximum(jnp.maximum(size, floor), jnp.finfo(size.dtype).tiny)


def _compare_value(
    g: Isometry, value: Value, other: Value, graph: Graph, order: Array, rms: Array
) -> dict[str, Array]:
    mask = rows_mask(value.kind.per, graph)
    left = jnp.where(mask, isometry.act_on_value(g, value, order), 0)
    right = jnp.where(mask, other.array, 0)
    absolute = norm(left - right)
    scale = scale_of(left, mask, value.kind.affine, rms)
    return {"left": left, "right": right, "absolute": absolute, "delta": absolute / scale}


def _compare_layer(
    g: Isometry, layer: Layer, other: Layer, graph: Graph, order: Array
) -> tuple[dict[str, Array], Array | None]:
    pairs = []
    for feature, seen in zip(layer.features, other.features, strict=True):
        mask = rows_mask(feature.per, graph)[..., None]
        left = jnp.where(mask, isometry.act_on_feature(g, feature, order), 0)
        error = norm(left - jnp.where(mask, seen.values, 0))
        entries = jnp.maximum(mask.sum() * left.shape[1] * left.shape[2], 1)
        pairs.append((feature.irrep, error, norm(left), entries))
    total = (
        jnp.sqrt(sum(size**2 for _, _, size, _ in pairs) / sum(n for *_, n in pairs))
        if pairs
        else 0.0
    )
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
def _compiled(
    function: Callable[[Any, Graph], Output], layers: bool, lead: int, chunk: int
) -> Callable:
    """One jitted comparison for each function; jax keeps one compilation a padded size in it.

    Its elements begin with `lead` identities, and the first of them gives what the others are held
    against: so the function is compiled once, for a `chunk` of elements, and not for itself alone
    besides. Measured: two thirds of the time to the first answer.
    """
    once = function

    @jax.jit
    def compare(params: Any, graph: Graph, elements: Isometry, rms: dict[str, Array]) -> tuple:
        def moved(g: Isometry) -> tuple[Output, Array]:
            turned, order = isometry.act_on_graph(g, graph)
            return once(params, turned), order

        def against(reference: Output, g: Isometry, seen: Output, order: Array) -> tuple:
            values = {
                name: _compare_value(g, value, seen.values[name], graph, order, rms.get(name, 0.0))
                for name, value in reference.values.items()
            }
            trace = zip(reference.trace, seen.trace, strict=True) if layers else ()
            return values, [_compare_layer(g, a, b, graph, order) for a, b in trace]

        def some(state: tuple[Array, Output], elements: Isometry) -> tuple:
            first, reference = state
            seen, order = jax.vmap(moved)(elements)
            reference = jax.tree.map(lambda a, b: jnp.where(first, b[0], a), reference, seen)
            found = jax.vmap(functools.partial(against, reference))(elements, seen, order)
            return (jnp.zeros_like(first), reference), found

        nothing = jax.tree.map(
            lambda x: jnp.zeros(x.shape, x.dtype), jax.eval_shape(once, params, graph)
        )
        chunks = jax.tree.map(lambda x: x.reshape(-1, chunk, *x.shape[1:]), elements)
        (_, reference), found = jax.lax.scan(some, (jnp.ones((), bool), nothing), chunks)
        return reference, jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:])[lead:], found)

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
    room, lead, chunk = _rooms(count)
    given = isometry.led(isometry.pad(elements, room), lead)
    with jax.enable_x64(dtype == "float64"), jax.default_matmul_precision("highest"):
        arguments = jax.device_get((params, rms))
        params, rms = jax.tree.map(lambda x: cast(x, dtype), arguments)
        reference, (values, trace) = jax.device_get(
            _compiled(function, layers, lead, chunk)(
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


def _rooms(count: int) -> tuple[int, int, int]:
    """Room for so many elements, how many identities lead them, how many are computed at once.

    All at once on an accelerator, where one identity leads. A CPU gains nothing by that (measured);
    few at once waste little on the identities, which have to fill the first chunk.
    """
    room = next((r for r in SAMPLE_RUNGS if count <= r), -(-count // 16) * 16)
    if jax.default_backend() != "cpu":
        return room, 1, 1 + room
    chunk = 16 if room >= 256 else min(8, room)
    return room, chunk, chunk


def check_dtype(dtype: str) -> None:
    """Raises InputError unless it is one of DTYPES."""
    if dtype not in DTYPES:
        raise InputError(f"Expected a dtype among {', '.join(DTYPES)}, got {dtype!r}; choose one.")


def cast(x: Any, dtype: str) -> Any:
    """The array in `dtype` if it holds real numbers, else as it is."""
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

        def one(g: Isometry) -> Array:
            order = jnp.arange(len(rows))
            left = isometry.act_on_value(g, Value(f(rows), Kind(irreps_out)), order)
            right = f(isometry.act_on_value(g, Value(rows, Kind(irreps_in)), order))
            return norm(left - right) / jnp.maximum(norm(left), jnp.finfo(left.dtype).tiny)

        return np.asarray(jax.lax.map(one, jax.tree.map(jnp.asarray, elements.astype(dtype))))
