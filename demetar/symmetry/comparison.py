"""Holds what a model predicts before and after group elements against each other, compiled.

The numbers are defined in `demetar.symmetry.equivariance`; scales are computed there too, on the host.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Integer, Shaped

from demetar.core.arrays import Array
from demetar.core.graph import Graph
from demetar.core.output import Attention, Feature, Layer, Output, Value
from demetar.symmetry import action, stored
from demetar.symmetry.elements import Elements
from demetar.symmetry.neighbours import Edges

LAYER_FLOOR = 1e-3  # of the root mean square over all features of the same layer
SAMPLE_RUNGS = (
    1,
    8,
    16,
    40,
    64,
    256,
    1024,
)  # numbers of elements that share one compilation on a GPU
KEPT = 256  # functions, and sizes of what they give
# Elements that a CPU computes at once: an element and the identity beside it in the first call, which is what
# a page asks for and a hand turns by, so that all share one program. More at once gains nothing where two
# threads ask by turns (256 rotations of ethanol through Cormorant 1.9 s by eights, 1.3 by twos).
PAIR = 2
# Edges that are computed at once: EGNN with 7 layers of width 128 and its gradient holds 12 kB for each
# (`benchmarks/memory.py`), 0.8 GB of the 1.5 that a measurement may hold.
EDGES = 65_536


def rows_mask(per: str, graph: Graph) -> Bool[Array, "rows 1"]:
    """Which rows [rows, 1] of a value per node, edge or graph are real."""
    if per == "graph":
        return jnp.ones((graph.n_graphs, 1), bool)
    return (graph.node_mask if per == "node" else graph.edge_mask)[:, None]


def norm(x: Float[Array, "..."]) -> Float[Array, ""]:
    """Length of all entries together, summed in at least float32."""
    return jnp.sqrt(jnp.sum(jnp.square(x.astype(jnp.promote_types(x.dtype, jnp.float32)))))


def _value(
    g: Elements, value: Value, other: Value, graph: Graph, order: Integer[Array, " edges"]
) -> tuple[Float[Array, "rows dim"], Float[Array, "rows dim"]]:
    mask = rows_mask(value.kind.per, graph)
    left = jnp.where(mask, action.act_on_value(g, value, order), 0)
    return left, jnp.where(mask, other.array, 0)


def _features(
    g: Elements, feature: Feature, seen: Feature, graph: Graph, order: Integer[Array, " edges"]
) -> tuple[str, Float[Array, ""], Float[Array, ""], Integer[Array, ""]]:
    """The irrep, how far both ways are apart, how large they are, of how many entries."""
    mask = rows_mask(feature.per, graph)[..., None]
    left = jnp.where(mask, action.act_on_feature(g, feature, order), 0)
    entries = jnp.maximum(mask.sum() * left.shape[1] * left.shape[2], 1)
    return feature.irrep, norm(left - jnp.where(mask, seen.values, 0)), norm(left), entries


def _attention(
    g: Elements,
    own: Attention | None,
    seen: Attention | None,
    graph: Graph,
    order: Integer[Array, " edges"],
) -> Float[Array, ""] | None:
    """The largest change of a weight over the largest weight: some are lengths without a bound."""
    if own is None or seen is None:
        return None
    rows = (graph.species if own.per == "node" else graph.senders).shape[0]
    left = action.act_on_attention(g, action.attention_matrix(own, rows), own.per, order)
    apart = jnp.abs(left - action.attention_matrix(seen, rows)).max()
    return apart / jnp.maximum(jnp.abs(left).max(), jnp.finfo(left.dtype).tiny)


def _layer(
    g: Elements, layer: Layer, other: Layer, graph: Graph, order: Integer[Array, " edges"]
) -> tuple[dict[str, Float[Array, ""]], Float[Array, ""] | None]:
    pairs = [
        _features(g, a, b, graph, order)
        for a, b in zip(layer.features, other.features, strict=True)
    ]
    total = 0.0
    if pairs:
        total = jnp.sqrt(sum(size**2 for _, _, size, _ in pairs) / sum(n for *_, n in pairs))
    found = {}
    for irrep, error, size, entries in pairs:
        floor = LAYER_FLOOR * total * jnp.sqrt(entries)
        ratio = error / jnp.maximum(jnp.maximum(size, floor), jnp.finfo(size.dtype).tiny)
        found[irrep] = jnp.maximum(found[irrep], ratio) if irrep in found else ratio
    return found, _attention(g, layer.attention, other.attention, graph, order)


@functools.lru_cache(maxsize=KEPT)
def compiled(function: Callable[[Any, Graph], Output], layers: bool) -> tuple[Callable, Callable]:
    """The function, traced once, and a jitted comparison of a few elements; jax keeps one a size in each.

    (params, graph, first, reference, elements, edges, fresh) -> the reference, and for each element
    both ways around the square and the layers. Elements with `fresh` see the edges that were built for
    them, the others the moved ones. With `first` the first element is the identity, and what it gives is
    the reference that all are held against: so the function is compiled once, for so many elements, and
    not for itself alone besides. Measured: two thirds of the time to the first answer. How many times a
    caller asks is no part of what is compiled: one element and fifteen share it.
    """
    once = jax.jit(function)  # traced once, for its shapes and for its values

    @jax.jit
    def compare(
        params: Any,
        graph: Graph,
        first: Bool[Array, ""],
        reference: Output,
        elements: Elements,
        edges: Edges,
        fresh: Bool[Array, " elements"],
    ) -> tuple:
        def moved(
            g: Elements, edges: Edges, fresh: Bool[Array, ""]
        ) -> tuple[Output, Integer[Array, " edges"]]:
            turned, order = action.act_on_graph(g, graph)
            return once(params, _with(turned, edges, fresh)), order

        def against(g: Elements, seen: Output, order: Integer[Array, " edges"]) -> tuple:
            values = {
                name: _value(g, value, seen.values[name], graph, order)
                for name, value in held.values.items()
            }
            trace = zip(held.trace, seen.trace, strict=True) if layers else ()
            return values, [_layer(g, a, b, graph, order) for a, b in trace]

        seen, order = jax.vmap(moved)(elements, edges, fresh)
        held = jax.tree.map(lambda a, b: jnp.where(first, b[0], a), reference, seen)
        return held, jax.vmap(against)(elements, seen, order)

    if name := stored.name_of(function):
        stored.named(once, name)
        return once, stored.Kept(compare, f"comparison of {name}, layers: {layers}")
    return once, compare


_shapes: dict[tuple, Output] = {}  # to ask for them takes as long as to answer a hand


def nothing(function: Callable[[Any, Graph], Output], params: Any, graph: Graph) -> Output:
    """Zeros in the place of what a jitted function gives; nobody writes to them."""
    key = (function, stored.sizes((params, graph)))
    if key not in _shapes:
        if len(_shapes) >= KEPT:
            _shapes.clear()
        found = stored.shapes(function, params, graph)
        _shapes[key] = jax.tree.map(lambda x: np.zeros(x.shape, x.dtype), found)
    return _shapes[key]


def _with(turned: Graph, edges: Edges, fresh: Bool[Array, ""]) -> Graph:
    def chosen(
        own: Shaped[Array, " edges *dims"] | None, built: Shaped[Array, " edges *dims"] | None
    ) -> Shaped[Array, " edges *dims"] | None:
        return own if own is None or built is None else jnp.where(fresh, built, own)

    return turned.replace(
        senders=chosen(turned.senders, edges.senders),
        receivers=chosen(turned.receivers, edges.receivers),
        edge_mask=chosen(turned.edge_mask, edges.edge_mask),
        edge_attributes=chosen(turned.edge_attributes, edges.edge_attributes),
    )


def at_once(count: int, edges: int) -> int:
    """How many of so many elements are computed at once, the identity that leads them among them.

    PAIR on a CPU; all on an accelerator, in numbers of a few sizes.
    """
    most = max(1, EDGES // max(edges, 1))
    if jax.default_backend() == "cpu":
        return min(most, PAIR)
    room = next((r for r in SAMPLE_RUNGS if count <= r), -(-count // 8) * 8)
    return min(most, 1 + room)
