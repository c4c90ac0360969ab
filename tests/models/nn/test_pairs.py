"""Convolutions over the neighbours whose filters are computed once for both directions of an edge."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from demetar.core import segments
from demetar.core.graph import Graph, from_arrays
from demetar.core.padding import pad
from demetar.models.nn import inputs as nf
from demetar.models.nn.pairs import convolve, pairs


class Curve(nn.Module):
    """A learned multiple of a curve over the rows' first column, times their last."""

    @nn.compact
    def __call__(self, rows):
        scale = self.param("scale", nn.initializers.ones, (1,))
        return scale * jnp.sin(rows[:, :1]) * rows[:, 1:]


class Convolution(nn.Module):
    """The convolution with the curve, by pairs or edge by edge."""

    by_pairs: bool

    @nn.compact
    def __call__(self, graph: Graph, x):
        r = segments.norm(nf.differences(graph, graph.positions))
        rows = jnp.concatenate([r, graph.edge_mask[:, None].astype(r.dtype)], -1)
        curve = Curve(name="curve")
        if self.by_pairs:
            return convolve(curve, graph, pairs(graph), rows, x)
        return segments.receive_sum(graph, x[graph.senders] * curve(rows))


def scene(order: np.ndarray | None = None, kept: np.ndarray | None = None, room: int = 40) -> Graph:
    """Six particles in reach of some of the others; edges of a receiver in another order, or fewer."""
    graph = from_arrays(np.random.default_rng(0).normal(size=(6, 3)), cutoff=1.9)
    for rows in (order, kept):
        if rows is not None:
            graph = graph.replace(
                senders=graph.senders[rows],
                receivers=graph.receivers[rows],
                edge_mask=graph.edge_mask[rows],
            )
    return pad(graph, 9, room).astype(np.float64)


EDGES = int(scene().edge_mask.sum())
CASES = {
    "usual": scene(),
    "odd room": scene(room=41),
    "another order": scene(order=np.lexsort((-scene().senders[:EDGES], scene().receivers[:EDGES]))),
    "one direction lacks": scene(kept=np.delete(np.arange(EDGES), 3)),
    "one direction lacks, odd room": scene(kept=np.delete(np.arange(EDGES), 3), room=EDGES - 1),
    "no edges": scene(kept=np.arange(0)),
}


@pytest.mark.parametrize("case", CASES)
def test_values_and_gradients_are_those_of_every_edge(case: str) -> None:
    graph = CASES[case]
    x, weights = np.random.default_rng(1).normal(size=(2, len(graph.species), 4))

    def total(params, positions, x, by_pairs: bool):
        moved = graph.replace(positions=positions)
        sums = jnp.asarray(Convolution(by_pairs).apply({"params": params}, moved, x))
        real = jnp.where(graph.node_mask[:, None], sums, 0)
        return jnp.sum(real * weights), real

    with jax.enable_x64(True):
        params = {"curve": {"scale": np.full(1, 1.3)}}
        found = [
            jax.jit(jax.value_and_grad(total, argnums=(0, 1, 2), has_aux=True), static_argnums=3)(
                params, graph.positions, x, by_pairs
            )
            for by_pairs in (True, False)
        ]
    for mine, expected in zip(*map(jax.tree.leaves, found), strict=True):
        np.testing.assert_allclose(mine, expected, rtol=1e-12, atol=1e-12)
    assert (np.abs(found[0][0][1]).max() > 0.1) == (case != "no edges")


def test_pairs_are_complete_only_where_every_edge_has_its_partner() -> None:
    complete = {case: bool(pairs(graph).complete) for case, graph in CASES.items()}
    lacking = {case for case, whole in complete.items() if not whole}
    assert lacking == {"one direction lacks", "one direction lacks, odd room"}


def test_the_network_sees_one_edge_of_each_pair() -> None:
    graph = CASES["another order"]
    among = pairs(graph)
    ends = np.stack([graph.senders, graph.receivers])
    mine = ends[:, np.asarray(among.first)]
    np.testing.assert_array_equal(np.sort(mine, 0), np.stack([among.low, among.high]))
    assert np.all(np.diff(among.high) >= 0)
    real = {tuple(sorted(pair)) for pair in ends[:, graph.edge_mask].T.tolist()}
    seen = [tuple(pair) for pair in np.stack([among.low, among.high]).T.tolist()]
    assert set(seen) - {(8, 8)} == real
    assert len(seen) == len(graph.senders) // 2
