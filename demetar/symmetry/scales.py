"""The numbers by which errors are divided: how large is what a function predicts."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float, Integer

from demetar.core.arrays import Array
from demetar.core.graph import Graph
from demetar.core.output import Kind
from demetar.symmetry.elements import Elements
from demetar.symmetry.predictor import Subject

FLOOR = 0.01  # of the root mean square that an output has over a validation set


@dataclasses.dataclass(frozen=True)
class Sizes:
    """Scales [samples]: of what is predicted, and the classic one of the whole output."""

    predicted: Float[np.ndarray, " samples"]
    classic: Float[np.ndarray, " samples"]


def lengths(rows: Float[np.ndarray, "samples rows dim"]) -> Float[np.ndarray, " samples"]:
    """Length [samples] of all entries [samples, rows, dim] together."""
    return np.sqrt(np.square(rows, dtype=np.float64).sum((1, 2)))


def about_centroid(
    rows: Float[np.ndarray, "samples rows dim"], owner: Integer[np.ndarray, " rows"]
) -> Float[np.ndarray, "samples rows dim"]:
    """Rows [samples, rows, 3] less the mean of all rows of the same system."""
    counts = np.maximum(np.bincount(owner), 1)[:, None]
    sums = np.zeros((len(counts), len(rows), rows.shape[2]))
    np.add.at(sums, owner, np.moveaxis(rows, 1, 0))
    return rows - np.moveaxis(sums / counts[:, None], 0, 1)[:, owner]


def by_row(rows: Float[Array, "nodes dim"], graph: Graph, per: str) -> Float[Array, "rows dim"]:
    """Rows by node as rows by node, or those of the first node of each system."""
    if per == "node":
        return rows
    return rows[np.searchsorted(np.asarray(graph.graph_index), owners(graph, per))]


def owners(graph: Graph, per: str) -> Integer[np.ndarray, " rows"]:
    """The system [rows] to which each row of an output belongs."""
    index = np.asarray(graph.graph_index)
    if per == "graph":
        return np.arange(graph.n_graphs)
    return index if per == "node" else index[np.asarray(graph.receivers)]


def sizes(
    kind: Kind,
    varying: Float[np.ndarray, "samples rows dim"],
    whole: Float[np.ndarray, "samples rows dim"],
    inputs: Float[np.ndarray, "samples nodes 3"],
    graph: Graph,
    rms: Mapping[str, float],
    name: str,
) -> Sizes:
    """Both scales of an output under each element.

    varying [samples, rows, dim]: D(g) f(x) without its constant part; whole: with it; inputs [samples,
    nodes, 3]: the moved positions. Places count from the input, those of a system from its centroid.
    """
    owner = owners(graph, kind.per)
    entries = np.sqrt(varying.shape[1] * varying.shape[2])
    floor = FLOOR * rms.get(name, 0.0) * entries
    tiny = np.finfo(np.float64).tiny
    if not kind.affine:
        return Sizes(*(np.maximum(np.maximum(lengths(x), floor), tiny) for x in (varying, whole)))
    classic = np.maximum(lengths(about_centroid(whole, owner)), floor)
    if kind.per == "node":
        own = varying - inputs
    else:
        middle = inputs - about_centroid(inputs, owners(graph, "node"))
        own = varying - np.stack([by_row(rows, graph, kind.per) for rows in middle])
    floor = floor if name in rms else FLOOR * classic
    return Sizes(np.maximum(np.maximum(lengths(own), floor), tiny), np.maximum(classic, tiny))


@dataclasses.dataclass(frozen=True)
class Square:
    """An output both ways around the square, left and right [ways, samples, rows, dim], float64.

    `rest` [rows, dim] was taken out before and belongs to it (constant part, centroid); `moved_rest`
    [samples, rows, dim] under each element.
    """

    kind: Kind
    left: Float[np.ndarray, "ways samples rows dim"]
    right: Float[np.ndarray, "ways samples rows dim"]
    rest: Float[np.ndarray, "rows dim"]
    moved_rest: Float[np.ndarray, "samples rows dim"]
    scale: Sizes

    @classmethod
    def of(cls, taken: Subject, g: Elements, name: str, kind: Kind, both: Any) -> Square:
        """From both ways as they were computed, [ways, samples, padded rows, dim] each."""
        graph = taken.graph
        rows = {"graph": graph.n_graphs, "node": len(graph.species), "edge": len(graph.senders)}
        left, right = (np.asarray(x, np.float64)[:, :, : rows[kind.per]] for x in both)
        order = np.arange(len(graph.species))[None] if g.permutation is None else g.permutation
        turn = np.swapaxes(g.matrix, 1, 2)
        rest = np.zeros(left.shape[2:]) + taken.constant.get(name, 0.0)
        if kind.affine:
            rest = rest + by_row(taken.offset, graph, kind.per)
        moved = rest[order] if kind.per == "node" else rest[None]
        moved = np.broadcast_to(moved @ turn if kind.affine else moved, left.shape[1:])
        inputs = np.asarray(graph.positions, np.float64)[order] @ turn
        inputs = inputs + g.shift[:, None]
        scale = sizes(kind, left[0], left[0] + moved, inputs, graph, taken.rms, name)
        return cls(kind, left, right, rest, moved, scale)

    def absolute(self, way: int) -> Float[np.ndarray, " samples"]:
        """‖D(g) f(x) − f(g·x)‖ [samples] of one way."""
        return lengths(self.left[way] - self.right[way])

    def delta(self, way: int) -> Float[np.ndarray, " samples"]:
        """The same over the scale of what is predicted."""
        return self.absolute(way) / self.scale.predicted
