"""Losses: values by hand, one formula for energy and forces, and no change under rotations."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from demetar.core import kinds, segments
from demetar.core.graph import Graph, from_arrays
from demetar.core.output import Output, Value
from demetar.core.padding import pad
from demetar.data.systems import Labels
from demetar.symmetry import groups
from demetar.training import augment, losses

KINDS = {
    "positions": kinds.POSITIONS, "scalar": kinds.SCALAR, "node_scalar": kinds.NODE_SCALAR,
    "vector": kinds.VECTOR, "tensor": kinds.TENSOR,
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class _Config:
    output: str


@dataclasses.dataclass(frozen=True)
class Fixed:
    """A "model" that gives back its parameters, so the loss is that of these rows."""

    config: _Config

    def apply(self, variables: Any, graph: Graph) -> Output:
        rows = variables["params"]
        if self.config.output == "state":
            return Output(
                {
                    "positions": Value(rows[:, :3], kinds.POSITIONS),
                    "velocities": Value(rows[:, 3:], kinds.VELOCITIES),
                }
            )
        return Output({self.config.output: Value(rows, KINDS[self.config.output])})


@dataclasses.dataclass(frozen=True)
class Spring:
    """Energy k/2 Σ x² of a system."""

    config: _Config = _Config("scalar")

    def apply(self, variables: Any, graph: Graph) -> Output:
        square = jnp.sum(graph.positions**2, -1, keepdims=True) * graph.node_mask[:, None]
        energy = segments.graph_sum(graph, square) * variables["params"] / 2
        return Output({"scalar": Value(energy, kinds.SCALAR)})


@pytest.fixture
def graph() -> Graph:
    return pad(from_arrays(np.random.default_rng(0).normal(size=(4, 3)))).astype(np.float32)


def loss(output: str, kind: str, rows: np.ndarray, labels: np.ndarray, graph: Graph) -> float:
    made = losses.make(Fixed(_Config(output)), kind)
    return float(made(jnp.asarray(rows), graph, Labels(labels)))


@pytest.mark.parametrize(("kind", "value"), [("mse", 25 / 3), ("mae", 7 / 3), ("l2mae", 5.0)])
@pytest.mark.parametrize("output", ["positions", "vector"])
def test_values_by_hand(output: str, kind: str, value: float, graph: Graph) -> None:
    rows = np.zeros((8 if output == "positions" else 1, 3))
    difference = rows + [3.0, 0.0, 4.0]
    assert loss(output, kind, rows, difference, graph) == pytest.approx(value, rel=1e-6)


def test_padding_counts_for_nothing(graph: Graph) -> None:
    rows = np.zeros((8, 3))
    wild = np.where(graph.node_mask[:, None], 1.0, 1e6)
    assert loss("positions", "", rows, rows + wild, graph) == pytest.approx(1)
    assert loss("node_scalar", "", rows[:, :1], rows[:, :1] + wild, graph) == pytest.approx(1)


@pytest.mark.parametrize("output", ["state", "tensor", "vector", "positions"])
def test_usual_losses_do_not_notice_a_rotation(output: str, graph: Graph) -> None:
    """Of prediction and label together; a mean over absolute components would."""
    rng = np.random.default_rng(1)
    shape = {"state": (8, 6), "tensor": (1, 6), "vector": (1, 3), "positions": (8, 3)}[output]
    rows, labels = rng.normal(size=(2, *shape)).astype(np.float32)

    g = groups.load("SO(3)").sample(np.random.default_rng(2), 1, np.ones(1, bool))

    def turned(x: np.ndarray) -> np.ndarray:
        return augment.act(g.astype(np.float32), graph, Labels(x), output)[1].target

    before = loss(output, "", rows, labels, graph)
    assert np.abs(turned(rows) - rows).max() > 0.1
    assert loss(output, "", turned(rows), turned(labels), graph) == pytest.approx(before, rel=1e-5)
    skewed = loss(output, "mae", turned(rows), turned(labels), graph)
    assert skewed != pytest.approx(loss(output, "mae", rows, labels, graph), rel=1e-3)


def test_equal_rows_have_a_finite_slope(graph: Graph) -> None:
    made = losses.make(Fixed(_Config("vector")), "l2mae")
    slope = jax.grad(made)(jnp.ones((1, 3)), graph, Labels(np.ones((1, 3))))
    assert np.isfinite(slope).all()


@pytest.mark.parametrize("kind", ["mae", "mse", "l2mae"])
def test_energy_and_forces_are_weighted(kind: str, graph: Graph) -> None:
    """Labels of a spring with k = 2 against one with k = 3, weights 2 and 5."""
    real, x = graph.node_mask, np.asarray(graph.positions)
    energy = np.sum(x[real] ** 2)
    labels = Labels(np.array([[energy]], np.float32), -2 * x)
    found = losses.make(Spring(), kind, 2.0, 5.0)(jnp.float32(3), graph, labels)
    rows = x[real]
    by_kind = {
        "mae": np.abs(rows).mean(),
        "mse": (rows**2).mean(),
        "l2mae": np.linalg.norm(rows, axis=1).mean(),
    }
    energies = (energy / 2) ** 2 if kind == "mse" else energy / 2
    assert float(found) == pytest.approx(2 * energies + 5 * by_kind[kind], rel=1e-5)
    exact = losses.make(Spring(), kind)(jnp.float32(2), graph, labels)
    assert float(exact) == pytest.approx(0, abs=1e-5)
