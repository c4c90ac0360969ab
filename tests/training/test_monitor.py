"""The equivariance share of the loss, against what it must be for functions we know."""

from collections.abc import Callable

import numpy as np
import pytest

from demetar.core.graph import Graph
from demetar.data.loader import Loader
from demetar.data.systems import Labels, Systems
from demetar.training import augment, monitor

COUNT = 400
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(2, 2 * COUNT, 3)).astype(np.float32)
BATCH, _ = Loader(Systems(np.full(COUNT, 2), X, Y, ""), COUNT).batch(np.arange(COUNT))
TARGET = np.pad(Y, ((0, 1), (0, 0)))


def share(predict: Callable[[Graph], np.ndarray], group: str = "SO(3)") -> float:
    return monitor.shares(predict, BATCH, TARGET, "positions", [group])[group]


@pytest.mark.parametrize("group", ["SO(3)", "E(3)", "T(3)"])
def test_an_equivariant_function_has_none(group: str) -> None:
    assert share(lambda graph: np.asarray(graph.positions), group) < 1e-10


def test_a_fixed_answer_is_all_spread() -> None:
    """f = c: the orbit mean under rotations is zero, so the spread is |c|², the error |c|² + |y|²."""
    c = np.array([0.0, 3.0, 0.0], np.float32)
    found = share(lambda graph: np.broadcast_to(c, graph.positions.shape))
    y2 = np.mean(Y**2)
    assert found == pytest.approx(3 / (3 + y2), rel=0.03)


def test_a_part_that_does_not_turn_counts_by_its_square() -> None:
    """f = x + c, with y independent of x: spread |c|², error |x − y|² + |c|²."""
    c = np.array([0.5, 0.0, 0.0], np.float32)
    found = share(lambda graph: np.asarray(graph.positions) + c)
    rest = np.mean((X - Y) ** 2)
    assert found == pytest.approx((0.25 / 3) / (rest + 0.25 / 3), rel=0.05)


@pytest.mark.parametrize("output", ["positions", "state", "vector", "tensor", "scalar"])
def test_elements_are_undone_by_their_inverse(output: str) -> None:
    rows = {"positions": 2 * COUNT + 1, "state": 2 * COUNT + 1}.get(output, COUNT)
    columns = {"state": 6, "tensor": 6, "scalar": 1}.get(output, 3)
    target = RNG.normal(size=(rows, columns)).astype(np.float32)
    labels = Labels(target, np.pad(Y, ((0, 1), (0, 0))))
    g = monitor.elements("E(3)", COUNT, np.random.default_rng(1))
    moved = augment.act(g, BATCH, labels, output)
    graph, back = augment.act(augment.inverse(g), *moved, output)
    np.testing.assert_allclose(graph.positions, BATCH.positions, atol=2e-5)
    real = np.asarray(BATCH.node_mask) if rows > COUNT else slice(None)
    np.testing.assert_allclose(np.asarray(back.target)[real], target[real], atol=2e-5)
    np.testing.assert_allclose(back.forces, labels.forces, atol=2e-5)
    changed = np.abs(np.asarray(moved[1].target)[real] - target[real]).max()
    assert (changed > 0.1) == (output != "scalar")
