"""Edges of many systems at once, on the host."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Integer

from demetar.core import bonds

ROOM = 4_000_000  # pairs whose distances are held at once


def most(senders: Integer[np.ndarray, " edges"], receivers: Integer[np.ndarray, " edges"]) -> int:
    """The most edges that one node sends, or that one receives; 0 without edges."""
    return max((int(np.bincount(x).max()) for x in (senders, receivers) if len(x)), default=0)


def edges(
    sizes: Integer[np.ndarray, " systems"],
    positions: Float[np.ndarray, "rows 3"],
    species: Integer[np.ndarray, " rows"] | None,
    connect: float | str | None,
    joined: Bool[np.ndarray, "rows n"] | None = None,
) -> tuple[
    Integer[np.ndarray, " edges"], Integer[np.ndarray, " edges"], Integer[np.ndarray, " systems"]
]:
    """Edges (senders, receivers) of every system by its own node numbers, and how many each has.

    sizes [systems], positions [rows, 3], species [rows]; joined [rows, n] for systems of n nodes:
    the only pairs that may be edges. `connect` is None for all pairs, "bonds", or a length: pairs
    closer than it. Edges are sorted by system, receiver and sender, and kept in
    as few bytes as their numbers need.
    """
    small = np.uint8 if sizes.max() <= 256 else np.uint16
    starts = np.cumsum(sizes) - sizes
    counts = np.zeros(len(sizes), np.int64)
    found: list[
        tuple[Integer[np.ndarray, " systems"], Integer[np.ndarray, "edges 2"]]
    ] = []  # systems of one size, and all their edges
    for n in np.unique(sizes):
        members = np.flatnonzero(sizes == n)
        for part in np.array_split(members, max(1, -(-len(members) * int(n) ** 2 // ROOM))):
            rows = starts[part][:, None] + np.arange(n)
            counts[part], pairs = _pairs(rows, positions, species, connect, joined)
            found.append((part, pairs.astype(small)))
    both = np.empty((counts.sum(), 2), small)
    ends = np.cumsum(counts)
    for part, pairs in found:
        own = np.cumsum(counts[part]) - counts[part]
        both[np.arange(len(pairs)) + np.repeat(ends[part] - counts[part] - own, counts[part])] = (
            pairs
        )
    return both[:, 1].copy(), both[:, 0].copy(), counts


def _pairs(
    rows: Integer[np.ndarray, "systems n"],
    positions: Float[np.ndarray, "rows 3"],
    species: Integer[np.ndarray, " rows"] | None,
    connect: float | str | None,
    joined: Bool[np.ndarray, "rows n"] | None,
) -> tuple[Integer[np.ndarray, " systems"], Integer[np.ndarray, "edges 2"]]:
    """Edges of each system and (receiver, sender) [edges, 2], for systems of one size [systems, n]."""
    m, n = rows.shape
    apart = ~np.eye(n, dtype=bool)
    by_length = connect is not None and connect != "bonds"
    by_bonds = connect == "bonds" and species is not None
    if joined is None and not by_length and not by_bonds:
        return np.full(m, n * (n - 1)), np.tile(np.argwhere(apart), (m, 1))
    near = np.broadcast_to(apart if joined is None else joined[rows], (m, n, n))
    if by_bonds:
        assert species is not None
        near = bonds.bonded(species[rows], positions[rows])
    elif by_length:
        assert connect is not None
        places = positions[rows].astype(np.float64)
        square = np.zeros((m, n, n))
        for axis in range(3):
            square += (places[:, :, None, axis] - places[:, None, :, axis]) ** 2
        near = near & (np.sqrt(square) < float(connect))
    return near.sum((1, 2)), np.argwhere(near)[:, 1:]


def edges_between(
    positions: Float[np.ndarray, "nodes 3"],
    cutoff: float | str | None,
    species: Integer[np.ndarray, " nodes"],
) -> tuple[Integer[np.ndarray, " edges"], Integer[np.ndarray, " edges"]]:
    """Directed edges (senders, receivers) sorted by receiver, without self-loops.

    `cutoff`: None joins all pairs, a length joins pairs closer than it, "bonds" joins the pairs
    that their covalent radii say are bonded. Coordinates are taken as they stand: no periodic
    images.
    """
    senders, receivers, _ = edges(np.array([len(positions)]), positions, species, cutoff)
    return senders.astype(np.int32), receivers.astype(np.int32)
