"""Batches drawn on the device from data that stay there: only which systems they hold is sent."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from demetar.core import bonds
from demetar.core.arrays import Array
from demetar.core.errors import InputError
from demetar.core.graph import Graph
from demetar.data.loader import Draw, Loader
from demetar.data.systems import Labels

CHOICES = ("auto", "device", "host")
SHARE = 0.25  # of the device's memory that data may take; the rest is for the model


def wanted(choice: str, loader: Loader) -> bool:
    """Whether the loader's data should stay on the device: where asked, or where they fit.

    On the CPU they would lie in the same memory twice, and a thread of its own builds batches
    while the model computes; so "auto" means there, and for several devices, that they do not.
    Raises InputError if it is asked for several devices, each of which would need all of it.
    """
    if choice == "device" and loader.parts is not None:
        raise InputError(
            "Expected keep_data to be 'host' or 'auto' for several devices, got 'device'; change it."
        )
    if choice != "auto" or loader.parts is not None:
        return choice == "device"
    memory = (jax.local_devices()[0].memory_stats() or {}).get("bytes_limit", 0)
    return jax.default_backend() != "cpu" and sum(map(_bytes, _arrays(loader))) < SHARE * memory


def _bytes(array: np.ndarray) -> int:
    return array.size * min(array.itemsize, 4)  # what is float64 here is float32 there


def _arrays(loader: Loader) -> list[np.ndarray]:
    s = loader.systems
    found = [s.positions, s.targets, s.species, s.velocities, s.charges, s.masses, s.forces]
    return [x for x in (*found, loader.senders, loader.receivers) if x is not None]


class Resident:
    """The data of a loader on the device; called with stacked draws it gives their batches."""

    def __init__(self, loader: Loader) -> None:
        s = loader.systems
        self.most = loader.max_nodes, loader.max_edges, loader.max_degree
        rows = {
            "positions": s.positions,
            "species": s.species,
            "velocities": s.velocities,
            "charges": s.charges,
            "masses": s.masses,
            "forces": s.forces,
            "target": s.targets if s.per_node else None,
        }
        data = {
            "rows": rows,
            "targets": None if s.per_node else s.targets,
            "starts": loader.starts,
            "sizes": s.sizes.astype(np.int32),
            "pairs": {"senders": _some(loader.senders), "receivers": _some(loader.receivers)},
            "edge_starts": loader.edge_starts,
            "edge_counts": loader.edge_counts,
            "types": _some(_types(loader)) if loader.connect == "bonds" else None,
        }
        self.data = jax.device_put(jax.tree.map(np.asarray, data))

    def __call__(self, batches: tuple[Draw, Any]) -> tuple[Graph, Labels, Any]:
        """The stacked (graph, labels, elements) of stacked (draw, elements)."""
        draw, g = batches
        graph, labels = _taken(self.data, draw.index, draw.nodes, draw.edges, self.most)
        return graph, labels, jax.device_put(g)


def _some(rows: np.ndarray) -> np.ndarray:
    """The rows, or one of zeros: there has to be something to take from."""
    return rows if len(rows) else np.zeros(1, rows.dtype)


def _types(loader: Loader) -> np.ndarray:
    """Bond type of each edge as its place in bonds.TYPES, −1 where not bonded: what Loader shows."""
    found = []
    for start in range(0, len(loader.systems), 256):
        some = np.arange(start, min(start + 256, len(loader.systems)))
        count = int(loader.edge_counts[some].sum())
        rows = np.asarray(loader.batch(some, edges=max(count, 1))[0].edge_attributes)[:count]
        found.append(np.where(rows.any(1), rows.argmax(1), -1).astype(np.int8))
    return np.concatenate(found)


@partial(jax.jit, static_argnums=(2, 3, 4))
def _taken(data: Any, indices: Array, nodes: int, edges: int, most: tuple[int, int, int]) -> Any:
    return jax.vmap(lambda index: _batch(data, index, nodes, edges, most))(indices)


def _spans(starts: Array, counts: Array, length: int) -> tuple[Array, Array, Array]:
    """For each place of a batch: the row it takes, the system that row is of, whether it is real."""
    ends, place = jnp.cumsum(counts), jnp.arange(length)
    of = jnp.minimum(jnp.searchsorted(ends, place, side="right"), len(counts) - 1)
    real = place < ends[-1]
    return jnp.where(real, starts[of] + place - (ends - counts)[of], 0), of, real


def _batch(
    data: Any, index: Array, nodes: int, edges: int, most: tuple[int, int, int]
) -> tuple[Graph, Labels]:
    """`Loader.batch` on the device: the same arrays."""
    sizes, counts = data["sizes"][index], data["edge_counts"][index]
    row, system, real = _spans(data["starts"][index], sizes, nodes)
    pair, owner, joined = _spans(data["edge_starts"][index], counts, edges)
    first = (jnp.cumsum(sizes) - sizes)[owner]

    def take(values: Array) -> Array:
        mask = real.reshape(-1, *(1,) * (values.ndim - 1))
        return jnp.where(mask, values[row], jnp.zeros((), values.dtype))

    def end(which: str) -> Array:
        found = data["pairs"][which][pair].astype(jnp.int32) + first
        return jnp.where(joined, found, nodes - 1).astype(jnp.int32)

    taken = jax.tree.map(take, data["rows"])
    target, forces, species = taken.pop("target"), taken.pop("forces"), taken.pop("species")
    attributes = None
    if data["types"] is not None:
        kinds = jax.nn.one_hot(data["types"][pair], len(bonds.TYPES), dtype=jnp.float32)
        attributes = kinds * joined[:, None]
    graph = Graph(
        **taken,
        species=jnp.zeros(nodes, jnp.int32) if species is None else species.astype(jnp.int32),
        senders=end("senders"),
        receivers=end("receivers"),
        node_mask=real,
        edge_mask=joined,
        graph_index=jnp.where(real, system, len(index)).astype(jnp.int32),
        edge_attributes=attributes,
        n_graphs=len(index),
        max_nodes=most[0],
        max_edges=most[1],
        max_degree=most[2],
    )
    return graph, Labels(data["targets"][index] if target is None else target, forces)
