"""Measures how far a function of 3D systems is from commuting with a group.

Δ_EQ(g) = ‖D(g) f(x) − f(g·x)‖₂ / scale, with D(g) the declared representation of the output, in two
ways: with the graph moved (the function alone), and with the graph built again from the moved particles,
its edges by the function's own rule and in a fresh order (function and neighbour list).

The scale is the size of what is predicted (Fuchs et al., SE(3)-Transformers, NeurIPS 2020, section 4.1:
‖D(g) f(x)‖₂, where f gives the displacement of particles). Of an invariant that is its deviation from the
constant part of a run (mean, contributions of atoms): beside 4·10⁶ meV of total energy an error of 10
meV reads as 2·10⁻⁶. Of places it is the displacement from the input. `classic` divides by all of
‖D(g) f(x)‖₂ instead, places about their centroid. Where symmetry forces an output to vanish either means
nothing; no scale therefore falls below FLOOR times the root mean square of what a run predicts over a
validation set, and that of a displacement, where no such number is known, below FLOOR times the classic.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Integer

from demetar.core.arrays import Array
from demetar.core.errors import InputError
from demetar.core.graph import Graph
from demetar.core.numerics import cast, check_dtype
from demetar.core.output import Kind, Layer, Output, Value
from demetar.core.padding import pad
from demetar.symmetry import action, comparison, groups, memory, neighbours
from demetar.symmetry import elements as isometry
from demetar.symmetry.comparison import norm
from demetar.symmetry.elements import Elements
from demetar.symmetry.predictor import Subject, subject
from demetar.symmetry.scales import Square

MOST_SAMPLES = 100_000  # what is kept of each is an answer of the model


@dataclasses.dataclass(frozen=True)
class LayerDelta:
    """Δ_EQ [samples] of one layer, relative: per irrep, and of its attention or message weights.

    Weights are compared by their largest change over the largest weight; `weights` names them.
    """

    name: str
    features: dict[str, Float[np.ndarray, " samples"]]
    attention: Float[np.ndarray, " samples"] | None
    weights: str = "attention"


@dataclasses.dataclass(frozen=True)
class Measurement:
    """What measure() found, as host numpy without padding, values in float64.

    `delta`, `classic`, `absolute` and `scale` (= absolute / delta) hold [samples] per output with the
    graph moved; `rebuilt` is
    delta with the graph built again, empty where that was not asked for, and `edges_changed` [samples]
    says how many edges came or went then. `predict_then_move` is D(g) f(x) and `move_then_predict` is
    f(g·x) of the moved graph, each [samples, rows, dim]; `prediction` is f(x) itself and `trace` the
    layers that led to it, still padded and without what was centred away.
    """

    group: str
    dtype: str
    elements: Elements
    delta: dict[str, Float[np.ndarray, " samples"]]
    classic: dict[str, Float[np.ndarray, " samples"]]
    absolute: dict[str, Float[np.ndarray, " samples"]]
    scale: dict[str, Float[np.ndarray, " samples"]]
    rebuilt: dict[str, Float[np.ndarray, " samples"]]
    edges_changed: Integer[np.ndarray, " samples"]
    layers: tuple[LayerDelta, ...]
    kinds: dict[str, Kind]
    prediction: dict[str, Float[np.ndarray, "_rows _dim"]]
    predict_then_move: dict[str, Float[np.ndarray, "samples _rows _dim"]]
    move_then_predict: dict[str, Float[np.ndarray, "samples _rows _dim"]]
    trace: tuple[Layer, ...] = ()

    def largest(self, way: str = "both") -> Float[np.ndarray, " moving"]:
        """The largest Δ of any output at each element that is not the identity [elements].

        `way`: with the graph "moved", with it "rebuilt", or the larger of "both"; or the "classic" one.
        """
        sides = {"moved": [self.delta], "rebuilt": [self.rebuilt], "classic": [self.classic]}
        chosen = sides.get(way, [self.delta, self.rebuilt])
        rows = [d for side in chosen for d in side.values()]
        return np.max(rows or [np.zeros(len(self.elements))], axis=0)[self.elements.moving()]


def measure(
    f: Any,
    graph: Graph,
    group: str = "SO(3)",
    samples: int = 64,
    seed: int = 0,
    dtype: str = "float32",
    elements: Elements | None = None,
    layers: bool = True,
    rebuild: bool | Callable[[Graph], Graph] = True,
    budget: float | None = None,
) -> Measurement:
    """Δ_EQ of every output and layer of `f` at one system, over elements of a group.

    `f` is a Run or any function Graph -> Output that jax can trace. Elements are sampled in
    float64 from `group` by `seed` (with improper ones among them where it has any), or given.
    Everything, the transformation of the input included, is computed in `dtype` with full-precision
    matrix products; edges of rebuilt graphs are drawn in float64 by `rebuild`, by default the run's
    own rule; a plain function's edges are then only put in another order. `budget` in GB limits what
    is held at once (see `demetar.symmetry.memory`). Raises InputError on an unknown group or dtype, a
    negative seed, permutations of a batch, and a system that is beyond the budget.
    """
    check_dtype(dtype)
    limit = memory.budget(budget)
    taken = subject(f, neighbours.unpadded(graph))
    elements = _drawn(taken.graph, group, samples, seed, elements)
    size = (len(taken.graph.senders), len(taken.graph.species))
    at_once = memory.elements_at_once(len(elements), *size, limit)
    parts = []
    for start in range(0, len(elements), at_once):
        part, graphs = elements[start : start + at_once], []
        changed = np.zeros(len(part), int)
        if rebuild:
            rule = rebuild if callable(rebuild) else taken.rule
            rng = np.random.default_rng((seed, start, 1))  # not the one that drew the elements
            graphs, changed = neighbours.rebuilt(part, taken.graph, rule, rng)
        reference, found = _compared(taken, part, graphs, dtype, layers, limit)
        parts.append((reference, found, changed))
    return measurement(taken, parts, elements, group, dtype)


def _drawn(graph: Graph, group: str, samples: int, seed: int, given: Elements | None) -> Elements:
    count = len(graph.species)
    if given is None:
        if not 1 <= samples <= MOST_SAMPLES:
            raise InputError(
                f"Expected at least one sample and at most {MOST_SAMPLES:,}, got {samples}; change it."
            )
        if seed < 0:
            raise InputError(f"Expected a seed from 0 on, got {seed}; choose another.")
        rng = np.random.default_rng(seed)
        given = groups.load(group).covering(rng, samples, np.ones(count, bool))
    if graph.n_graphs > 1 and given.permutation is not None:
        raise InputError(
            f"Expected one system to be renumbered, got a batch of {graph.n_graphs}; measure them "
            "one by one."
        )
    return isometry.widened(given, count)


def _compared(
    taken: Subject, part: Elements, graphs: list[Graph], dtype: str, layers: bool, limit: float
) -> tuple[Output, Any]:
    """f(x), and both ways and layers by element: first with the graph moved, then built again."""
    nodes, edges = neighbours.size(taken.graph, graphs)
    degrees = [g.max_degree for g in (taken.graph, *graphs)]  # 0 where one is not known
    padded = pad(taken.graph.replace(max_degree=min(degrees) and max(degrees)), nodes, edges)
    ways = 2 if graphs else 1
    count = ways * len(part)
    given = isometry.led(isometry.repeated(isometry.widened(part, nodes), ways), 1).astype(dtype)
    built = neighbours.stack(graphs or [taken.graph], nodes, edges)
    with jax.enable_x64(dtype == "float64"), jax.default_matmul_precision("highest"):
        params = cast(jax.device_get(taken.params), dtype)
        system = padded.astype(dtype)
        once, compare = comparison.compiled(taken.function, layers)
        reference = comparison.nothing(once, params, system)

        def arguments(start: int, chunk: int) -> tuple:
            """A chunk of the elements behind the identity, the last of them again where it ends."""
            which = np.minimum(np.arange(start, start + chunk), count)
            own = which - 1 - len(part)  # from 0 on: of those that see a graph of their own
            edges = jax.tree.map(lambda x: x[np.maximum(own, 0)], built)
            return given[which], cast(edges, dtype), own >= 0

        def some(chunk: int) -> tuple:
            return params, system, np.True_, reference, *arguments(0, chunk)

        most = comparison.at_once(count, edges)
        chunk = memory.fitting(compare, some, most, limit, taken.graph, dtype)
        first = some(chunk)
        reference, found = _asked(
            compare,
            first,
            [arguments(k, chunk) for k in range(chunk, count + 1, chunk)],
            memory.threads(compare, first, limit),
        )
    found = jax.tree.map(lambda *x: np.concatenate(x)[1 : count + 1], *found)
    found = jax.tree.map(lambda x: x.reshape(ways, len(part), *x.shape[1:]), found)
    return reference, found


def _asked(
    compare: Callable, first: tuple, others: list[tuple], threads: int
) -> tuple[Output, list[Any]]:
    """The reference and what each call of a comparison finds, on the host; `others` are more elements."""
    if others:  # the calls share what is on the device
        first = (*jax.device_put(first[:2]), *first[2:])
    reference, found = compare(*first)
    wide = jax.config.read("jax_enable_x64")  # a thread knows nothing of the one that began it

    def further(more: tuple) -> Any:
        with jax.enable_x64(wide), jax.default_matmul_precision("highest"):
            return jax.device_get(compare(*first[:2], np.False_, reference, *more)[1])

    with ThreadPoolExecutor(threads) as pool:
        return jax.device_get(reference), [jax.device_get(found), *pool.map(further, others)]


def measurement(
    taken: Subject, parts: list[tuple], elements: Elements, group: str, dtype: str
) -> Measurement:
    """What comparisons found, as numbers; of each part (f(x), (values, layers) by way and element, edges)."""
    reference = parts[0][0]
    values, trace = jax.tree.map(lambda *x: np.concatenate(x, 1), *(found for _, found, _ in parts))
    changed = np.concatenate([changed for *_, changed in parts])
    kinds = {k: v.kind for k, v in reference.values.items()}
    squares = {k: Square.of(taken, elements, k, kind, values[k]) for k, kind in kinds.items()}
    first = {k: np.asarray(v.array, np.float64) for k, v in reference.values.items()}
    return Measurement(
        group=group,
        dtype=dtype,
        elements=elements,
        delta={k: s.delta(0) for k, s in squares.items()},
        classic={k: s.absolute(0) / s.scale.classic for k, s in squares.items()},
        absolute={k: s.absolute(0) for k, s in squares.items()},
        scale={k: s.scale.predicted for k, s in squares.items()},
        # An edge that came or went has nothing beside it: outputs by edge have no such way.
        rebuilt={
            k: s.delta(1) for k, s in squares.items() if len(s.left) > 1 and s.kind.per != "edge"
        },
        edges_changed=changed,
        layers=tuple(
            LayerDelta(
                layer.name,
                {irrep: d[0] for irrep, d in features.items()},
                None if attention is None else attention[0],
                layer.attention.name if layer.attention else "attention",
            )
            for layer, (features, attention) in zip(reference.trace, trace, strict=False)
        ),
        kinds=kinds,
        prediction={k: first[k][: s.left.shape[2]] + s.rest for k, s in squares.items()},
        predict_then_move={k: s.left[0] + s.moved_rest for k, s in squares.items()},
        move_then_predict={k: s.right[0] + s.moved_rest for k, s in squares.items()},
        trace=reference.trace,
    )


def measure_arrays(
    f: Callable[[Float[Array, "n dim"]], Float[Array, "m other"]],
    x: Float[np.ndarray, "n dim"],
    irreps_in: str,
    irreps_out: str,
    group: str = "O(3)",
    samples: int = 64,
    seed: int = 0,
    dtype: str = "float32",
) -> Float[np.ndarray, " {samples}"]:
    """Δ_EQ [samples] of a function of plain rows [n, dim] -> [m, dim] with declared irreps.

    The scale is the classic one. Raises InputError on an unknown dtype, and on a group with
    translations: rows with irreps are differences, which do not move with them, so nothing could
    ever break.
    """
    check_dtype(dtype)
    elements = groups.load(group).covering(
        np.random.default_rng(seed), samples, np.ones(len(x), bool)
    )
    if elements.shift.any():
        raise InputError(
            f"Expected a group without translations, got {group}; choose SO(3), O(3) or S_n, or give "
            "measure() a function of a Graph."
        )
    with jax.enable_x64(dtype == "float64"), jax.default_matmul_precision("highest"):
        rows = jnp.asarray(x, dtype)

        def one(g: Elements) -> Float[Array, ""]:
            order = jnp.arange(len(rows))
            left = action.act_on_value(g, Value(f(rows), Kind(irreps_out)), order)
            right = f(action.act_on_value(g, Value(rows, Kind(irreps_in)), order))
            return norm(left - right) / jnp.maximum(norm(left), jnp.finfo(left.dtype).tiny)

        return np.asarray(jax.lax.map(one, jax.tree.map(jnp.asarray, elements.astype(dtype))))
