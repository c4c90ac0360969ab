"""Edges of many systems at once are those of each system alone."""

import numpy as np
import pytest

from demetar.core import edges
from demetar.core.edges import edges_between


@pytest.mark.parametrize("connect", [None, "bonds", 1.7, 3.0])
def test_edges_are_those_of_each_system_alone(connect: float | str | None, monkeypatch) -> None:
    rng = np.random.default_rng(0)
    sizes = rng.integers(1, 12, 40)
    species = rng.choice([1, 6, 8], sizes.sum()).astype(np.uint8)
    positions = (rng.normal(size=(sizes.sum(), 3)) * 1.2).astype(np.float32)
    monkeypatch.setattr(edges, "ROOM", 300)  # several parts of one size
    senders, receivers, counts = edges.edges(sizes, positions, species, connect)
    assert senders.dtype == np.uint8
    ends, rows = np.cumsum(counts), np.cumsum(sizes)
    for i, n in enumerate(sizes):
        at, mine = slice(rows[i] - n, rows[i]), slice(ends[i] - counts[i], ends[i])
        alone = edges_between(positions[at].astype(np.float64), connect, species[at])
        np.testing.assert_array_equal(senders[mine], alone[0])
        np.testing.assert_array_equal(receivers[mine], alone[1])
    assert 0 < counts.sum() < (sizes * (sizes - 1)).sum() + (connect is None)


def test_pairs_at_the_cutoff_are_decided_alike_alone_and_among_others() -> None:
    """A second rule that rounds differently (a norm by BLAS, say) decides some of these otherwise."""
    rng = np.random.default_rng(1)
    away = rng.normal(size=(4000, 3))
    away *= 5.0 / np.linalg.norm(away, axis=1, keepdims=True)
    positions = np.stack([np.zeros_like(away), away], 1).reshape(-1, 3)
    species, sizes = np.ones(8000, np.uint8), np.full(4000, 2)
    joined = edges.edges(sizes, positions, species, 5.0)[2] > 0
    pairs = [edges_between(pair, 5.0, species[:2])[0] for pair in positions.reshape(-1, 2, 3)]
    alone = [len(pair) > 0 for pair in pairs]
    np.testing.assert_array_equal(joined, alone)
    assert 0 < joined.sum() < 4000, "pairs fall on both sides by rounding alone"
    other = np.sqrt(np.einsum("ij,ij->i", away, away)) < 5.0
    assert (other != joined).any(), "another rule is seen"
