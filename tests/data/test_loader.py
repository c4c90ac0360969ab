"""Batches: which systems, in which order, with which edges, in which room."""

import numpy as np
import pytest

from demetar.core.errors import InputError
from demetar.core.graph import connect, from_arrays
from demetar.data.loader import Loader, ranges
from demetar.data.systems import Systems

SIZES = np.array([3, 1, 4, 2, 3, 5, 2])


def molecules(sizes: np.ndarray = SIZES) -> Systems:
    """Chains of carbon 1.5 Å apart; the label of system i is i."""
    positions = np.concatenate([np.arange(n)[:, None] * [1.5, 0, 0] for n in sizes])
    return Systems(
        sizes=sizes,
        positions=positions.astype(np.float32),
        unit="eV",
        species=np.full(len(positions), 6, np.uint8),
        targets=np.arange(len(sizes), dtype=float)[:, None],
    )


def particles(count: int = 7) -> Systems:
    rng = np.random.default_rng(0)
    x, v, y, f = rng.normal(size=(4, 5 * count, 3)).astype(np.float32)
    return Systems(
        sizes=np.full(count, 5),
        positions=x,
        velocities=v,
        targets=y,
        unit="",
        forces=f,
        charges=rng.choice([-1.0, 1.0], 5 * count).astype(np.float32),
        masses=rng.uniform(1, 2, 5 * count).astype(np.float32),
    )


def labels(loader: Loader, seed: int, epoch: int) -> list[int]:
    return [int(t) for _, given in loader.epoch(seed, epoch) for t in given.target[:, 0]]


def test_ranges_follow_each_other() -> None:
    assert ranges(np.array([10, 0, 5]), np.array([2, 0, 3])).tolist() == [10, 11, 5, 6, 7]
    assert ranges(np.array([], int), np.array([], int)).tolist() == []


def test_an_epoch_is_a_permutation_by_seed_and_epoch() -> None:
    loader = Loader(molecules(), 2)
    assert len(loader) == 3
    first = labels(loader, 0, 0)
    assert len(first) == len(set(first)) == 6
    assert first == labels(loader, 0, 0)
    assert first != labels(loader, 0, 1)
    assert first != labels(loader, 1, 0)
    assert set(range(7)) == {t for e in range(20) for t in labels(loader, 0, e)}


@pytest.mark.parametrize("kind", [None, "bonds", 2.0])
@pytest.mark.parametrize("dtype", [np.int64, np.uint8])
def test_a_batch_is_the_systems_side_by_side(kind: str | None, dtype: type) -> None:
    """Every system of a batch equals the graph that the library makes of it alone."""
    data = molecules(SIZES.astype(dtype))
    index = np.array([5, 0, 3])
    graph, given = Loader(data, 3, kind).batch(index)
    assert given.target[:, 0].tolist() == [5, 0, 3]
    assert graph.n_graphs == 3
    assert not graph.node_mask[-1], "one node is padding"
    real = np.flatnonzero(graph.edge_mask)
    for g, i in enumerate(index):
        rows = np.flatnonzero(graph.graph_index == g)
        alone = from_arrays(graph.positions[rows], graph.species[rows], cutoff=kind)
        assert len(rows) == SIZES[i]
        mine = real[np.isin(graph.receivers[real], rows)]
        np.testing.assert_array_equal(graph.senders[mine] - rows[0], alone.senders)
        np.testing.assert_array_equal(graph.receivers[mine] - rows[0], alone.receivers)
        if kind == "bonds":
            np.testing.assert_array_equal(graph.edge_attributes[mine], alone.edge_attributes)
    assert (np.diff(graph.receivers) >= 0).all()
    assert graph.node_mask.sum() == SIZES[index].sum()
    assert (graph.graph_index[~graph.node_mask] == 3).all()
    assert (graph.senders[~graph.edge_mask] == len(graph.species) - 1).all()


def test_particles_keep_their_fields_and_targets_row_by_row() -> None:
    data = particles()
    graph, given = Loader(data, 2).batch(np.array([4, 1]))
    rows = np.r_[20:25, 5:10]
    for mine, theirs in (
        (graph.positions, data.positions),
        (graph.velocities, data.velocities),
        (graph.charges, data.charges),
        (given.target, data.targets),
        (graph.masses, data.masses),
        (given.forces, data.forces),
    ):
        assert mine.dtype == np.float32
        np.testing.assert_array_equal(mine[:10], theirs[rows])
        assert (mine[10:] == 0).all()
    assert data.per_node
    assert not molecules().per_node


def test_batches_share_one_shape() -> None:
    loader = Loader(particles(), 2)
    shapes = {(len(g.species), len(g.senders)) for e in range(3) for g, _ in loader.epoch(0, e)}
    assert shapes == {(11, 40)}
    rng = np.random.default_rng(0)
    varied = Loader(molecules(rng.integers(5, 25, 300)), 20)
    shapes = {(len(g.species), len(g.senders)) for e in range(5) for g, _ in varied.epoch(0, e)}
    assert len(shapes) <= 3


def test_more_than_the_usual_room_still_fits() -> None:
    """The largest systems of an uneven set in one batch."""
    sizes = np.r_[np.full(60, 2), 20, 20, 20, 20]
    loader = Loader(molecules(sizes), 4)
    graph, _ = loader.batch(np.arange(60, 64))
    assert graph.node_mask.sum() == 80
    assert graph.edge_mask.sum() == 4 * 20 * 19


def test_in_order_gives_every_system_once() -> None:
    loader = Loader(molecules(), 3)
    parts = list(loader.in_order())
    assert [new for *_, new in parts] == [3, 3, 1]
    seen = [int(t) for _, given, new in parts for t in given.target[:new, 0]]
    assert seen == list(range(7))
    assert len({len(g.species) for g, *_ in parts}) == 1, "the last batch has the others' shape"


def test_large_systems_have_all_their_edges() -> None:
    """More than 255 particles do not fit into bytes."""
    graph, _ = Loader(molecules(np.array([300])), 1, "bonds").batch(np.array([0]))
    real = graph.edge_mask
    alone = connect(from_arrays(graph.positions[:300], graph.species[:300]), "bonds")
    np.testing.assert_array_equal(graph.senders[real], alone.senders)
    np.testing.assert_array_equal(graph.receivers[real], alone.receivers)


def test_a_set_smaller_than_a_batch_is_one_batch() -> None:
    loader = Loader(molecules(), 100)
    assert (loader.batch_size, len(loader)) == (7, 1)


def test_single_atoms_have_no_edges() -> None:
    graph, _ = Loader(molecules(np.array([1, 1])), 2).batch(np.array([0, 1]))
    assert not graph.edge_mask.any()
    assert len(graph.senders) == 1


@pytest.mark.parametrize("batch", [0, -3])
def test_an_empty_batch_is_refused(batch: int) -> None:
    with pytest.raises(InputError, match="batch of at least one"):
        Loader(molecules(), batch)


def test_no_systems_are_refused() -> None:
    with pytest.raises(InputError, match="at least one system"):
        Loader(Systems(np.zeros(0, int), np.zeros((0, 3)), np.zeros((0, 1)), "eV"), 2)


# ------------------------------------------------------------------------- buckets and parts


def varied(count: int = 400) -> Systems:
    return molecules(np.random.default_rng(0).integers(3, 30, count))


def test_every_batch_draws_from_every_size_bucket() -> None:
    loader = Loader(varied(), 20)
    rank = np.argsort(np.argsort(loader.edge_counts, kind="stable"))
    order = loader.order(0, 0)
    assert order.shape == (20, 20)
    assert len(np.unique(order)) == 400
    spread = np.sort(rank[order], axis=1)
    assert np.abs(spread - np.arange(10, 400, 20)).max() < 45, "one of each twentieth"
    assert (loader.order(0, 0) == order).all()
    assert (loader.order(0, 1) != order).any()
    assert (loader.order(1, 0) != order).any()


def test_padding_waste_is_small_and_counted() -> None:
    """Against 25 % and more where batches are drawn blindly and hold the largest one."""
    loader = Loader(varied(), 20)
    waste = loader.waste(3, 7)
    seen = [graph for graph, _ in loader.epoch(3, 7)]
    for kind, mask in (("nodes", "node_mask"), ("edges", "edge_mask")):
        padded = [1 - np.mean(getattr(graph, mask)) for graph in seen]
        assert waste[kind] == pytest.approx(np.mean(padded), abs=0.005)
        assert 0 <= waste[kind] < 0.06
    blind = np.random.default_rng(0).permutation(400).reshape(20, 20)
    totals = loader.edge_counts[blind].sum(1)
    assert 1 - totals.mean() / totals.max() > 2 * waste["edges"]


def test_an_epoch_can_begin_anywhere() -> None:
    loader = Loader(varied(), 20)
    whole, rest = list(loader.epoch(0, 2)), list(loader.epoch(0, 2, 13))
    assert len(rest) == 7
    for (a, s), (b, t) in zip(whole[13:], rest, strict=True):
        np.testing.assert_array_equal(a.positions, b.positions)
        np.testing.assert_array_equal(s.target, t.target)


@pytest.mark.parametrize(("parts", "hosts"), [(4, 1), (2, 2), (None, 4), (1, 2)])
def test_parts_of_all_hosts_make_the_whole_batch(parts: int | None, hosts: int) -> None:
    data = varied()
    whole = Loader(data, 20)
    own = [Loader(data, 20, parts=parts, shard=(i, hosts)) for i in range(hosts)]
    batches = zip(whole.epoch(0, 0), *(loader.epoch(0, 0) for loader in own), strict=True)
    for i, ((_, labels), *dealt) in enumerate(batches):
        shapes = {g.positions.shape for g, _ in dealt}
        assert len(shapes) == 1, "all hosts have the same room"
        seen = np.concatenate([t.target.reshape(-1) for _, t in dealt])
        assert sorted(seen) == sorted(labels.target[:, 0])
        for loader, (graph, given) in zip(own, dealt):
            assert graph.n_graphs == 20 // ((parts or 1) * hosts)
            rows = loader.deal(whole.order(0, 0)[i]).reshape(-1)
            np.testing.assert_array_equal(rows, given.target.reshape(-1))


def test_parts_have_to_share_evenly() -> None:
    with pytest.raises(InputError, match="evenly"):
        Loader(varied(), 20, parts=3)
