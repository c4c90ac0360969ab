"""Graphs: edges, the padding ladder, batches, dense views, and the way from and to ASE."""

import ase
import ase.build
import jax.numpy as jnp
import numpy as np
import pytest
from ase.collections import g2
from hypothesis import given, settings
from hypothesis import strategies as st

from demetar.core.errors import InputError
from demetar.core.graph import Graph, connect, from_arrays, from_atoms, to_atoms
from demetar.core.padding import RUNGS, batch, from_dense, pad, rung, to_dense

ETHANOL = ase.build.molecule("CH3CH2OH")


def line(count: int, **fields) -> Graph:
    """Particles at 0, 1, 2, … on the x axis."""
    return from_arrays(np.arange(count)[:, None] * np.array([1.0, 0, 0]), **fields)


def edges(graph: Graph) -> set[tuple[int, int]]:
    real = np.asarray(graph.edge_mask)
    both = np.stack([graph.senders, graph.receivers])[:, real]
    return set(map(tuple, both.T.tolist()))


# ------------------------------------------------------------------------------ edges


def test_all_pairs_without_self_loops_sorted_by_receiver() -> None:
    graph = line(4)
    assert edges(graph) == {(i, j) for i in range(4) for j in range(4) if i != j}
    assert (np.diff(graph.receivers) >= 0).all()
    assert graph.edge_mask.all()
    assert (graph.max_nodes, graph.max_edges) == (4, 12)


def test_a_cutoff_joins_what_is_closer() -> None:
    assert edges(line(4, cutoff=1.5)) == {(0, 1), (1, 0), (1, 2), (2, 1), (2, 3), (3, 2)}
    assert edges(line(4, cutoff=1.0)) == set()


def test_bonds_join_bonded_atoms_and_know_their_type() -> None:
    graph = from_atoms(ase.build.molecule("H2CO"), cutoff="bonds")
    species = np.asarray(graph.species)
    pairs = sorted((species[s], species[r]) for s, r in edges(graph))
    assert pairs == [(1, 6), (1, 6), (6, 1), (6, 1), (6, 8), (8, 6)]
    kinds = np.asarray(graph.edge_attributes).argmax(1)
    double = {(6, 8), (8, 6)}
    for s, r, kind in zip(graph.senders, graph.receivers, kinds, strict=True):
        assert kind == ((species[s], species[r]) in double)


def test_unbonded_pairs_have_no_bond_type() -> None:
    graph = from_atoms(ETHANOL)
    bonded = edges(from_atoms(ETHANOL, cutoff="bonds"))
    rows = zip(graph.senders.tolist(), graph.receivers.tolist(), graph.edge_attributes, strict=True)
    assert all(row.sum() == ((s, r) in bonded) for s, r, row in rows)


def test_connect_draws_edges_anew_and_keeps_the_rest(scene: Graph) -> None:
    near = connect(scene, 1.0)
    assert 0 < len(near.senders) < len(scene.senders)
    assert edges(connect(near, None)) == edges(scene)
    for field in ("positions", "velocities", "charges", "species"):
        assert (getattr(near, field) == getattr(scene, field)).all()


# ------------------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    ("positions", "fields", "sentence"),
    [
        (np.zeros((0, 3)), {}, "positions of shape"),
        (np.zeros((3, 2)), {}, "positions of shape"),
        (np.zeros(3), {}, "positions of shape"),
        (np.full((2, 3), np.nan), {}, "finite positions, got NaN or infinity in row 1"),
        (np.array([[0, 0, 0], [0, np.inf, 0]]), {}, "row 2"),
        (np.eye(3), {"velocities": np.zeros((2, 3))}, "velocities of shape"),
        (np.eye(3), {"charges": np.zeros((3, 1))}, "charges of shape"),
        (np.eye(3), {"masses": np.array([1, np.nan, 1])}, "finite masses"),
        (np.eye(3), {"species": np.array([1, 6])}, "species"),
        (np.eye(3), {"species": np.array([1, 6, 200])}, "species"),
        (np.eye(3), {"species": np.array([1, 6, -1])}, "species"),
    ],
)
def test_bad_arrays_are_one_sentence(positions, fields: dict, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence) as caught:
        from_arrays(positions, **fields)
    assert str(caught.value).startswith("Expected")
    assert str(caught.value).endswith(".")


def test_a_system_beyond_the_ladder_is_refused() -> None:
    biggest = from_arrays(np.random.default_rng(0).normal(size=(RUNGS[-1] - 1, 3)), cutoff=0.01)
    assert rung(biggest)[0] == RUNGS[-1]
    with pytest.raises(InputError, match="at most 1023 particles, got 1024"):
        rung(from_arrays(np.random.default_rng(0).normal(size=(1024, 3)), cutoff=0.01))


# ------------------------------------------------------------------------------ the ladder


@pytest.mark.parametrize("count", [1, 2, 7, 8, 11, 12, 23, 30])
def test_the_rung_holds_the_system_and_one_padded_node(count: int) -> None:
    graph = line(count)
    nodes, room = rung(graph)
    assert nodes in RUNGS
    assert nodes == min(r for r in RUNGS if r > count)
    assert len(graph.senders) <= room == (nodes - 1) * (nodes - 2)


def test_systems_of_a_rung_share_their_shapes() -> None:
    shapes = {
        tuple(sorted((k, np.shape(v)) for k, v in vars(pad(line(n))).items() if np.ndim(v)))
        for n in (3, 5, 7)
    }
    assert len(shapes) == 1
    static = {(g.n_graphs, g.max_nodes, g.max_edges) for g in map(pad, map(line, (3, 5, 7)))}
    assert len(static) == 1


def test_padding_stands_at_the_end_and_is_marked() -> None:
    graph = pad(line(5, charges=np.ones(5), velocities=np.ones((5, 3))))
    assert graph.node_mask.tolist() == [True] * 5 + [False] * 3
    assert graph.edge_mask.sum() == 20
    assert (graph.graph_index[5:] == graph.n_graphs).all()
    assert (graph.senders[20:] == 7).all()
    assert (graph.receivers[20:] == 7).all()
    assert (np.diff(graph.receivers) >= 0).all()
    for field in ("positions", "velocities", "charges", "species"):
        assert (getattr(graph, field)[5:] == 0).all()
    assert graph.n_nodes == 5


def test_padding_twice_is_padding_once_more() -> None:
    once, twice = pad(line(5), 12, 60), pad(pad(line(5)), 12, 60)
    assert edges(twice) == edges(once)
    assert twice.node_mask.sum() == 5
    assert (np.diff(twice.receivers) >= 0).all()


@pytest.mark.parametrize(("nodes", "room"), [(5, 20), (6, 19)])
def test_what_does_not_fit_is_refused(nodes: int, room: int) -> None:
    with pytest.raises(ValueError, match="do not fit"):
        pad(line(5), nodes, room)


def test_g2_molecules_touch_few_rungs() -> None:
    sizes = {rung(from_atoms(ase.build.molecule(name))) for name in g2.names}
    assert len(sizes) <= 3


# ------------------------------------------------------------------------------ batches, dense views


def test_a_batch_keeps_systems_apart(scene: Graph) -> None:
    three = batch([scene, line(2, charges=np.ones(2), velocities=np.zeros((2, 3))), scene])
    assert three.n_graphs == 3
    assert three.graph_index.tolist() == [0] * 5 + [1] * 2 + [2] * 5
    assert len(edges(three)) == 42
    owner = three.graph_index
    assert (owner[three.senders] == owner[three.receivers]).all()
    assert (np.diff(three.receivers) >= 0).all()
    np.testing.assert_array_equal(three.positions[7:], scene.positions)
    assert (three.max_nodes, three.max_edges) == (5, 20)


def test_batches_of_batches_count_on() -> None:
    both = batch([batch([line(2), line(3)]), line(1)])
    assert both.graph_index.tolist() == [0, 0, 1, 1, 1, 2]
    assert edges(both) == {(0, 1), (1, 0)} | {
        (i, j) for i in (2, 3, 4) for j in (2, 3, 4) if i != j
    }


def test_unlike_graphs_are_no_batch(scene: Graph) -> None:
    with pytest.raises(ValueError, match="velocities"):
        batch([scene, line(2, charges=np.ones(2))])
    with pytest.raises(ValueError, match="at least one"):
        batch([])


def test_padded_graphs_are_no_batch() -> None:
    """Their padding would fall into the next system."""
    with pytest.raises(ValueError, match="padd"):
        batch([pad(line(2)), pad(line(3))])


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(0, 4), min_size=3, max_size=3))
def test_dense_views_and_back(sizes: list[int]) -> None:
    owners = np.repeat(np.arange(3), sizes)
    index = np.concatenate([owners, np.full(14 - len(owners), 3)])
    rows = np.arange(1.0, len(index) + 1)[:, None] * [1, 10]
    dense, mask = to_dense(jnp.asarray(rows), jnp.asarray(index, int), 3, 4)
    assert dense.shape == (3, 4, 2)
    assert np.asarray(mask).sum(1).tolist() == sizes
    for i, size in enumerate(sizes):
        np.testing.assert_array_equal(dense[i, :size], rows[index == i])
        assert (np.asarray(dense[i, size:]) == 0).all()
    back = np.asarray(from_dense(dense, jnp.asarray(index, int)))
    real = index < 3
    np.testing.assert_array_equal(back[real], rows[real])
    assert (back[~real] == 0).all()


def test_node_slots_and_edge_graphs() -> None:
    graph = pad(batch([line(2), line(3)]), 8, 12)
    slots = np.asarray(graph.node_slots())[:5]
    assert slots.tolist() == [0, 1, 0, 1, 2]
    assert np.asarray(graph.edge_graphs()).tolist() == [0] * 2 + [1] * 6 + [2] * 4


# ------------------------------------------------------------------------------ ASE


def test_atoms_there_and_back() -> None:
    atoms = ETHANOL.copy()
    atoms.set_velocities(np.random.default_rng(0).normal(size=(9, 3)))
    atoms.set_initial_charges(np.linspace(-1, 1, 9))
    atoms.set_masses(np.arange(1.0, 10))
    back = to_atoms(pad(from_atoms(atoms)))
    assert back.get_chemical_formula() == atoms.get_chemical_formula()
    np.testing.assert_array_equal(back.numbers, atoms.numbers)
    np.testing.assert_allclose(back.positions, atoms.positions)
    np.testing.assert_allclose(back.get_velocities(), atoms.get_velocities())
    np.testing.assert_allclose(back.get_initial_charges(), atoms.get_initial_charges())
    np.testing.assert_allclose(back.get_masses(), atoms.get_masses())


def test_what_atoms_do_not_say_is_none() -> None:
    graph = from_atoms(ETHANOL)
    assert graph.velocities is None
    assert graph.charges is None
    assert graph.masses is None
    back = to_atoms(graph)
    assert not back.has("momenta")
    assert not back.has("initial_charges")


def test_several_systems_are_no_atoms() -> None:
    with pytest.raises(InputError, match="one system, got 2"):
        to_atoms(batch([line(2), line(2)]))


def test_precision_of_the_real_numbers_only(scene: Graph) -> None:
    single = scene.astype(np.float32)
    assert single.positions.dtype == single.charges.dtype == single.velocities.dtype == np.float32
    assert single.senders.dtype == scene.senders.dtype
    assert single.node_mask.dtype == bool
    assert scene.positions.dtype == np.float64


def test_one_atom_is_a_graph_without_edges() -> None:
    graph = from_atoms(ase.Atoms("He"))
    assert len(graph.senders) == 0
    assert pad(graph).edge_mask.sum() == 0
