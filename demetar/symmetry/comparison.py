"""Holds what a model predicts before and after group elements against each other, compiled.

The numbers are defined in `demetar.symmetry.equivariance`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from demetar.core.arrays import Array
from demetar.core.graph import Graph
from demetar.core.output import Layer, Output, Value
from demetar.symmetry import action
from demetar.symmetry.elements import Elements

FLOOR = 0.01
LAYER_FLOOR = 1e-3  # of the root mean square over all features of the same layer
SAMPLE_RUNGS = (1, 8, 16, 40, 64, 256, 1024)  # numbers of elements that share one compilation


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


def _value(
    g: Elements, value: Value, other: Value, graph: Graph, order: Array, rms: Array
) -> dict[str, Array]:
    mask = rows_mask(value.kind.per, graph)
    left = jnp.where(mask, action.act_on_value(g, value, order), 0)
    right = jnp.where(mask, other.array, 0)
    absolute = norm(left - right)
    scale = scale_of(left, mask, value.kind.affine, rms)
    return {"left": left, "right": right, "absolute": absolute, "delta": absolute / scale}


def _layer(
    g: Elements, layer: Layer, other: Layer, graph: Graph, order: Array
) -> tuple[dict[str, Array], Array | None]:
    pairs = []
    for feature, seen in zip(layer.features, other.features, strict=True):
        mask = rows_mask(feature.per, graph)[..., None]
        left = jnp.where(mask, action.act_on_feature(g, feature, order), 0)
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
    left = action.act_on_attention(g, action.attention_matrix(layer.attention, nodes))
    return found, jnp.abs(left - action.attention_matrix(other.attention, nodes)).max()


@functools.lru_cache(maxsize=256)
def compiled(
    function: Callable[[Any, Graph], Output], layers: bool, lead: int, chunk: int
) -> Callable:
    """One jitted comparison for each function; jax keeps one compilation a padded size in it.

    Its elements begin with `lead` identities, and the first of them gives what the others are held
    against: so the function is compiled once, for a `chunk` of elements, and not for itself alone
    besides. Measured: two thirds of the time to the first answer.
    """
    once = jax.jit(function)  # traced once, for its shapes and for its values

    @jax.jit
    def compare(params: Any, graph: Graph, elements: Elements, rms: dict[str, Array]) -> tuple:
        def moved(g: Elements) -> tuple[Output, Array]:
            turned, order = action.act_on_graph(g, graph)
            return once(params, turned), order

        def against(reference: Output, g: Elements, seen: Output, order: Array) -> tuple:
            values = {
                name: _value(g, value, seen.values[name], graph, order, rms.get(name, 0.0))
                for name, value in reference.values.items()
            }
            trace = zip(reference.trace, seen.trace, strict=True) if layers else ()
            return values, [_layer(g, a, b, graph, order) for a, b in trace]

        def some(state: tuple[Array, Output], elements: Elements) -> tuple:
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


def rooms(count: int) -> tuple[int, int, int]:
    """Room for so many elements, how many identities lead them, how many are computed at once.

    All at once on an accelerator. A CPU gains nothing by that (measured); there it is about eight,
    such that few identities have to fill the last chunk.
    """
    room = next((r for r in SAMPLE_RUNGS if count <= r), -(-count // 8) * 8)
    if jax.default_backend() != "cpu" or room < 8:
        return room, 1, 1 + room

    def computed(chunk: int) -> int:
        return -(-(1 + room) // chunk) * chunk

    chunk = min(range(6, 11), key=computed)
    return room, computed(chunk) - room, chunk
