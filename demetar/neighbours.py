"""Edges of many systems at once, on the host."""

from typing import Any

import numpy as np

from demetar import bonds

Array = Any
ROOM = 4_000_000  # pairs whose distances are held at once


def edges(
    sizes: np.ndarray,
    positions: np.ndarray,
    species: np.ndarray | None,
    connect: float | str | None,
    joined: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Edges (senders, receivers) of every system by its own node numbers, and how many each has.

    sizes [systems], positions [rows, 3], species [rows]; joined [rows, n] for systems of n nodes:
    the only pairs that may be edges. `connect` is None for all pairs, "bonds", or a length: pairs
    closer than it. Edges are sorted by system, receiver and sender, and kept in
    as few bytes as their numbers need.
    """
    small = np.uint8 if sizes.max() <= 256 else np.uint16
    starts = np.cumsum(sizes) - sizes
    counts = np.zeros(len(sizes), np.int64)
    found: list[tuple[np.ndarray, np.ndarray]] = []  # systems and the edges of each size
    for n in np.unique(sizes):
        members = np.flatnonzero(sizes == n)
        for part in np.array_split(members, max(1, -(-len(members) * int(n) ** 2 // ROOM))):
            rows = starts[part][:, None] + np.arange(n)
            allowed = ~np.eye(n, dtype=bool) if joined is None else joined[rows]
            system, pairs = _pairs(rows, positions, species, connect, allowed)
            counts[part] = np.bincount(system, minlength=len(part))
            found.append((part[system], pairs.astype(small)))
    owner = np.concatenate([s for s, _ in found])
    both = np.concatenate([pairs for _, pairs in found])
    if np.any(np.diff(owner) < 0):
        both = both[np.argsort(owner, kind="stable")]
    return both[:, 1].copy(), both[:, 0].copy(), counts


def _pairs(
    rows: np.ndarray,
    positions: np.ndarray,
    species: np.ndarray | None,
    connect: float | str | None,
    allowed: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """System [edges] and (receiver, sender) [edges, 2] for systems of one size, rows [systems, n]."""
    m, n = rows.shape
    near = np.broadcast_to(allowed, (m, n, n))
    if connect == "bonds" and species is not None:
        near = bonds.bonded(species[rows], positions[rows])
    elif connect is not None and connect != "bonds":
        places = positions[rows].astype(np.float64)
        square = np.zeros((m, n, n))
        for axis in range(3):
            square += (places[:, :, None, axis] - places[:, None, :, axis]) ** 2
        near = near & (np.sqrt(square) < float(connect))
    found = np.argwhere(near)
    return found[:, 0], found[:, 1:]
