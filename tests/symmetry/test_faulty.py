"""Faulty functions, the check that catches each, and the earlier check that did not.

The catalogue is that of faults that were really reported: neighbour lists, parity, scales, precision,
forces that are no gradient. A check that catches nothing here is no check.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from demetar.core.graph import Graph, connect, from_arrays
from demetar.core.output import Output
from demetar.data.loader import Loader
from demetar.data.systems import Systems
from demetar.symmetry.elements import from_matrix
from demetar.symmetry.equivariance import measure
from demetar.symmetry.instruments.verdict import verdict
from demetar.training import monitor
from tests.support.faulty import ENERGY, PLACES, ROUNDING, VISIBLE, Trained, lengths, total, value


def first_neighbour(graph: Graph) -> Output:
    """An energy that reads the first neighbour of each particle: depends on the order of a list."""
    first = jnp.concatenate([jnp.ones(1, bool), graph.receivers[1:] != graph.receivers[:-1]])
    return value("energy", total(graph, jnp.where(first[:, None], lengths(graph), 0)), ENERGY)


def sum_of_lengths(graph: Graph) -> Output:
    """A sound energy of the edges that it is given."""
    return value("energy", total(graph, lengths(graph)), ENERGY)


def by_rule(near: Callable[[np.ndarray], np.ndarray]) -> Callable[[Graph], Graph]:
    """Edges between particles whose differences [n, n, 3] are `near` [n, n]."""

    def rule(graph: Graph) -> Graph:
        x = np.asarray(graph.positions)
        joined = near(x[:, None] - x[None]) & ~np.eye(len(x), dtype=bool)
        receivers, senders = np.nonzero(joined)
        whole = from_arrays(x, charges=graph.charges)
        return whole.replace(
            senders=senders.astype(np.int32),
            receivers=receivers.astype(np.int32),
            edge_mask=np.ones(len(senders), bool),
            max_edges=len(senders),
        )

    return rule


def box(difference: np.ndarray) -> np.ndarray:
    """A cutoff by the largest coordinate: a cube in place of a ball."""
    return np.abs(difference).max(-1) < 1.4


def ball(difference: np.ndarray) -> np.ndarray:
    return np.linalg.norm(difference, axis=-1) < 1.4


def capped(difference: np.ndarray) -> np.ndarray:
    """At most two neighbours, those that come first in the list: which ones depends on the order."""
    near = (np.linalg.norm(difference, axis=-1) < 3) & ~np.eye(len(difference), dtype=bool)
    return near & (np.cumsum(near, 1) <= 2)


@pytest.mark.parametrize(
    ("f", "rule", "group"),
    [
        (first_neighbour, lambda graph: connect(graph, None), "S_n"),
        (first_neighbour, None, "S_n"),
        (first_neighbour, None, "SO(3)"),
        (sum_of_lengths, by_rule(box), "SO(3)"),
        (sum_of_lengths, by_rule(capped), "S_n"),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_neighbour_list_breaks_only_a_rebuilt_graph(
    scene: Graph, f: Any, rule: Any, group: str, dtype: str
) -> None:
    m = measure(f if rule is None else Trained(f, rule), scene, group, 16, dtype=dtype)
    assert m.delta["energy"].max() < ROUNDING[dtype], "the earlier check: the graph moved"
    assert m.rebuilt["energy"].max() > VISIBLE
    assert m.largest().max() == m.rebuilt["energy"].max()
    assert (m.edges_changed.max() > 0) == (rule is not None and f is sum_of_lengths)


def test_a_sound_neighbour_list_holds_both_ways(scene: Graph) -> None:
    for group in ("SO(3)", "S_n", "E(3) x S_n"):
        m = measure(Trained(sum_of_lengths, by_rule(ball)), scene, group, 16, dtype="float64")
        assert m.largest().max() < ROUNDING["float64"]
        assert m.edges_changed.max() == 0


def test_a_rule_may_be_given_to_a_plain_function(scene: Graph) -> None:
    m = measure(sum_of_lengths, scene, "SO(3)", 8, rebuild=by_rule(box))
    assert m.rebuilt["energy"].max() > VISIBLE
    assert measure(sum_of_lengths, scene, "SO(3)", 8, rebuild=False).rebuilt == {}


def triple(graph: Graph) -> Any:
    x = graph.positions[:3] - graph.positions[3]
    return jnp.linalg.det(x).reshape(1, 1)


def pseudoscalar(graph: Graph) -> Output:
    """A signed volume that is declared an ordinary scalar."""
    return value("energy", triple(graph), ENERGY)


@pytest.mark.parametrize("group", ["C_i", "O(3)", "E(3)"])
def test_a_pseudoscalar_is_no_scalar(scene: Graph, group: str) -> None:
    assert measure(pseudoscalar, scene, "SE(3)", 8).largest().max() < ROUNDING["float32"]
    for samples in (1, 2, 16):
        assert measure(pseudoscalar, scene, group, samples).delta["energy"].max() == pytest.approx(
            2
        )


@pytest.mark.parametrize("group", ["C_i", "E(3)"])
def test_the_share_of_a_pseudoscalar_is_seen(monkeypatch: pytest.MonkeyPatch, group: str) -> None:
    """Every system meets both hands; when all met the inversion alone, nothing was spread."""
    x = np.random.default_rng(0).normal(size=(400, 3, 3)).astype(np.float32)
    systems = Systems(np.full(100, 4), x.reshape(-1, 3), np.zeros((100, 1)), "")
    graph, labels = Loader(systems, 100).batch(np.arange(100))

    def volumes(graph: Graph) -> np.ndarray:
        rows = np.asarray(graph.positions)[:400].reshape(100, 4, 3)
        return np.linalg.det(rows[:, :3] - rows[:, 3:])[:, None]

    def share(target: np.ndarray) -> float:
        return monitor.shares(volumes, graph, target, "scalar", [group], samples=8)[group]

    zeros = np.zeros_like(labels.target)
    assert share(zeros) > 0.9, "the orbit's mean is zero: all of the error is spread"
    former = lambda name, count, rng: from_matrix(np.tile(-np.eye(3), (count, 1, 1)))  # noqa: E731
    monkeypatch.setattr(monitor, "elements", former)
    assert share(zeros) < 1e-10, "the earlier C_i"


def mirrored(graph: Graph) -> Output:
    """An energy of a few hundred meV, 1.6 meV more for one hand than for the other."""
    return value(
        "energy", 100 * total(graph, lengths(graph)) / 20 + 0.8 * jnp.sign(triple(graph)), ENERGY
    )


def test_an_energy_is_measured_by_what_is_predicted(scene: Graph) -> None:
    f = Trained(mirrored, constant={"energy": np.array([[-4.2e6]])})
    m = measure(f, scene, "C_i", 1, dtype="float64")
    assert m.classic["energy"][0] < 1e-6, "the earlier scale: read as rounding of float32"
    assert m.delta["energy"][0] > VISIBLE
    assert m.absolute["energy"][0] == pytest.approx(1.6)
    assert m.prediction["energy"][0, 0] == pytest.approx(-4.2e6, rel=1e-3)
    assert verdict(f, scene, "C_i", 2).word == "structure"
    sound = Trained(sum_of_lengths, constant={"energy": np.array([[-4.2e6]])})
    assert measure(sound, scene, "E(3)", 8).largest().max() < 1e-5, "no digit goes to the constant"


def test_places_are_measured_by_their_displacement(scene: Graph) -> None:
    """A displacement of which a tenth does not turn: beside the size of the scene it looks small."""
    step = jnp.asarray([0.003, 0, 0])

    def f(graph: Graph) -> Output:
        moved = 0.02 * graph.velocities + step.astype(graph.positions.dtype)
        x = jnp.where(graph.node_mask[:, None], graph.positions + moved, 0)
        return value("positions", x, PLACES)

    m = measure(f, scene, "O(3)", 16, dtype="float64")
    size = np.sqrt(np.mean(np.sum((0.02 * scene.velocities + step) ** 2, -1)) * 5)
    np.testing.assert_allclose(m.scale["positions"], size, rtol=1e-6)
    assert m.delta["positions"].max() > 0.1
    assert m.classic["positions"].max() < 0.01


def test_a_known_size_of_the_prediction_is_the_floor(scene: Graph) -> None:
    """Where a network hardly moves anything, what it moves elsewhere is the measure."""

    def f(graph: Graph) -> Output:
        x = graph.positions + jnp.asarray([1e-9, 0, 0], graph.positions.dtype)
        return value("positions", jnp.where(graph.node_mask[:, None], x, 0), PLACES)

    known = measure(Trained(f, rms={"positions": 0.5}), scene, "C_i", 1, dtype="float64")
    assert known.delta["positions"][0] == pytest.approx(2e-9 * 5**0.5 / (0.005 * 15**0.5), rel=1e-5)


def absolute(graph: Graph) -> Output:
    """An energy that reads where the system stands."""
    x = jnp.where(graph.node_mask[:, None], graph.positions, 0)
    return value("energy", jnp.sum(jnp.square(x)).reshape(1, 1), ENERGY)


def test_centring_hides_no_broken_translation(scene: Graph) -> None:
    """x is centred once, then moved; a model that says it needs no origin is caught if it does."""
    far = scene.replace(positions=scene.positions + 1e4)
    for f, graph in ((absolute, scene), (Trained(absolute, centred=True), far)):
        assert measure(f, graph, "T(3)", 8, dtype="float64").delta["energy"].max() > VISIBLE
    near, away = (measure(Trained(absolute, centred=True), g, "SO(3)", 4) for g in (scene, far))
    np.testing.assert_allclose(near.prediction["energy"], away.prediction["energy"], rtol=1e-5)


def test_places_come_back_where_they_were(scene: Graph) -> None:
    def still(graph: Graph) -> Output:
        return value("positions", graph.positions, PLACES)

    far = scene.replace(positions=scene.positions + 1e6)
    m = measure(Trained(still, centred=True), far, "E(3) x S_n", 4)
    np.testing.assert_allclose(m.prediction["positions"], far.positions, rtol=0, atol=1e-6)
    order = m.elements.permutation[0]
    there = far.positions[order] @ m.elements.matrix[0].T + m.elements.shift[0]
    for way in (m.predict_then_move, m.move_then_predict):
        np.testing.assert_allclose(way["positions"][0], there, rtol=0, atol=1e-5)
