"""Δ_EQ against faults of known size and an independent NumPy computation."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from demetar.core.graph import Graph, from_arrays
from demetar.core.output import Kind, Output, Value
from demetar.symmetry import comparison, elements, groups, memory
from demetar.symmetry.equivariance import measure
from demetar.symmetry.scales import FLOOR
from tests.support.measured import (
    FAULT,
    PLACES,
    SKEW,
    VECTORS,
    each_precision,
    faulty,
    nearly_nothing,
    places,
)


def by_hand(graph: Graph, g: Any) -> dict[str, np.ndarray]:
    """Δ of `faulty` in float64 NumPy, without the library's own transformations."""
    x, v = graph.positions, graph.velocities
    names = ("positions", "classic", "sheared", "total", "edges")
    found: dict[str, list[float]] = {name: [] for name in names}
    for k in range(len(g)):
        r, t = g.matrix[k], g.shift[k]
        p = np.arange(len(x)) if g.permutation is None else g.permutation[k][: len(x)]
        y = x[p] @ r.T + t
        left, right = (x + FAULT)[p] @ r.T + t, y + FAULT
        found["positions"].append(np.linalg.norm(left - right) / np.linalg.norm(left - y))
        found["classic"].append(np.linalg.norm(left - right) / np.linalg.norm(left - left.mean(0)))
        left, right = v[p] @ SKEW.T @ r.T, v[p] @ r.T @ SKEW.T
        found["sheared"].append(np.linalg.norm(left - right) / np.linalg.norm(left))
        found["total"].append(abs(x[:, 0].sum() - y[:, 0].sum()) / abs(x[:, 0].sum()))
        # Each pair once as (receiver, sender): the order of edges does not matter to a norm.
        i, j = np.nonzero(~np.eye(len(x), dtype=bool))
        left, right = x[p][j, 0], y[j, 0]
        found["edges"].append(np.linalg.norm(left - right) / np.linalg.norm(left))
    return {k: np.array(d) for k, d in found.items()}


@each_precision
def test_delta_is_what_numpy_computes(scene: Graph, dtype: str) -> None:
    expected = by_hand(scene, groups.load("E(3) x S_n").sample(np.random.default_rng(0), 8, REAL))
    m = measure(faulty, scene, "E(3) x S_n", samples=8, dtype=dtype)
    tolerance = 1e-3 if dtype == "float32" else 1e-10
    np.testing.assert_allclose(m.classic["positions"], expected.pop("classic"), rtol=tolerance)
    for name, delta in expected.items():
        np.testing.assert_allclose(m.delta[name], delta, rtol=tolerance, err_msg=name)
        if name != "edges":  # they are in another order, so nothing stands beside them
            np.testing.assert_allclose(m.rebuilt[name], delta, rtol=tolerance, err_msg=name)
    assert m.rebuilt.keys() == m.delta.keys() - {"edges"}
    assert (m.edges_changed == 0).all()


REAL = np.array([True] * 5 + [False] * 3)


def test_elements_in_any_number_give_what_they_give_together(
    scene: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In rooms of every size, computed in chunks or, as on an accelerator, all at once."""
    drawn = groups.load("E(3) x S_n").sample(np.random.default_rng(0), 300, REAL)
    whole = by_hand(scene, drawn)
    del whole["classic"]
    rooms = [comparison.at_once(count, 42) for count in range(1, 2_000)]
    assert {2} == set(rooms), "one size, so that what is compiled is shared"
    assert comparison.at_once(300, 2 * comparison.EDGES) == 1
    for at_once in (comparison.at_once, lambda count, edges: count + 1, lambda count, edges: 3):
        monkeypatch.setattr(comparison, "at_once", at_once)
        for count in (1, 3, 9, 41, 300):
            m = measure(faulty, scene, elements=drawn[:count], dtype="float64")
            for name, delta in whole.items():
                np.testing.assert_allclose(m.delta[name], delta[:count], rtol=1e-10, err_msg=name)


@each_precision
@pytest.mark.parametrize("threads", [1, 3])
def test_threads_change_no_digit(
    scene: Graph, dtype: str, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread that began without the settings of its caller would answer in other digits."""
    monkeypatch.setattr(memory, "threads", lambda *given: threads)
    drawn = groups.load("E(3)").sample(np.random.default_rng(0), 40, REAL)
    together = measure(faulty, scene, elements=drawn, dtype=dtype)
    for k in range(len(drawn)):  # moved and built again: the second of two calls is a thread's
        alone = measure(faulty, scene, elements=drawn[k : k + 1], dtype=dtype, rebuild=False)
        for name, ends in together.move_then_predict.items():
            np.testing.assert_array_equal(ends[k], alone.move_then_predict[name][0])


def test_a_fault_of_known_size_gives_that_delta() -> None:
    """x + ε under inversion: each of n particles is off by 2ε, and a square of side 2 has size √(2n)."""
    square = np.array([[1.0, 1, 0], [-1, 1, 0], [1, -1, 0], [-1, -1, 0]])

    def f(graph: Graph) -> Output:
        x = jnp.where(graph.node_mask[:, None], graph.positions + jnp.asarray([0.03, 0, 0.04]), 0)
        return Output({"x": Value(x, VECTORS)})

    m = measure(f, from_arrays(square), "C_i", 1, dtype="float64")
    size = np.sqrt(8 + 4 * 0.05**2)
    assert m.absolute["x"][0] == pytest.approx(2 * 0.05 * 2, rel=1e-7)
    assert m.delta["x"][0] == pytest.approx(0.2 / size, rel=1e-7)


@each_precision
def test_paths_and_prediction_come_without_padding(scene: Graph, dtype: str) -> None:
    m = measure(faulty, scene, "E(3) x S_n", samples=3, dtype=dtype)
    sizes = {"positions": (5, 3), "sheared": (5, 3), "total": (1, 1), "edges": (20, 1)}
    for name, shape in sizes.items():
        assert m.prediction[name].shape == shape
        assert m.predict_then_move[name].shape == m.move_then_predict[name].shape == (3, *shape)
        gap = np.linalg.norm(m.predict_then_move[name] - m.move_then_predict[name], axis=(1, 2))
        np.testing.assert_allclose(gap, m.absolute[name], rtol=1e-5)
        assert len(m.delta[name]) == 3
    np.testing.assert_allclose(m.prediction["positions"], scene.positions + FAULT, rtol=1e-6)
    assert m.kinds["positions"] == PLACES


def test_same_seed_same_elements(scene: Graph) -> None:
    first, again = (measure(faulty, scene, "E(3)", 4, seed=7) for _ in range(2))
    other = measure(faulty, scene, "E(3)", 4, seed=8)
    assert (first.delta["positions"] == again.delta["positions"]).all()
    assert (first.delta["positions"] != other.delta["positions"]).any()


def test_given_elements_are_used(scene: Graph) -> None:
    """Rotating by θ about z moves the fault by 2 sin(θ/2) times its part across z."""
    angles = np.array([0.0, 0.1, np.pi / 2, np.pi])
    matrices = np.stack(
        [[[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]] for a in angles]
    )
    m = measure(faulty, scene, elements=elements.from_matrix(matrices), dtype="float64")
    across = np.hypot(*FAULT[:2]) * 2 * np.sin(angles / 2) * np.sqrt(5)
    np.testing.assert_allclose(m.absolute["positions"], across, atol=1e-14)


class Known:
    """A function that knows the rms of its output, as a run does."""

    centred = False

    def __init__(self, function: Any, rms: dict[str, float], constant: dict | None = None) -> None:
        self.call, self.rms, self.constant = function, rms, constant or {}

    def function(self, params: Any, graph: Graph) -> Output:
        return self.call(graph)

    def prepare(self, graph: Graph) -> Graph:
        return graph

    def varying(self, graph: Graph) -> tuple[dict, dict]:
        return {}, self.constant


def test_the_scale_does_not_vanish_with_the_output(scene: Graph) -> None:
    bare = measure(nearly_nothing, scene, "C_i", 1, dtype="float64")
    assert bare.delta["dipole"][0] == pytest.approx(2)
    floor = measure(Known(nearly_nothing, {"dipole": 0.5}), scene, "C_i", 1, dtype="float64")
    assert floor.delta["dipole"][0] == pytest.approx(2e-9 / (FLOOR * 0.5 * np.sqrt(3)))
    assert floor.absolute["dipole"][0] == bare.absolute["dipole"][0] == pytest.approx(2e-9)


def test_the_floor_leaves_larger_outputs_alone(scene: Graph) -> None:
    usual = measure(faulty, scene, "E(3)", 4, dtype="float64").delta["sheared"]
    floor = measure(Known(faulty, {"sheared": 0.1}), scene, "E(3)", 4, dtype="float64")
    np.testing.assert_allclose(floor.delta["sheared"], usual, rtol=1e-12)


def test_a_large_shift_cannot_hide_an_error(scene: Graph) -> None:
    """Places are measured about their centroid: an error of 1 stays of order 1 at a distance of 1e6."""

    def f(graph: Graph) -> Output:
        x = graph.positions
        wrong = jnp.where(graph.node_mask[:, None], x + jnp.sin(x), 0)
        return Output({"x": Value(wrong, PLACES)})

    far = elements.Elements(np.eye(3)[None], np.array([[1e6, 2e6, -1e6]]))
    assert measure(f, scene, elements=far, dtype="float64").delta["x"][0] > 0.1


def test_a_place_that_is_declared_a_vector_is_caught(scene: Graph) -> None:
    def f(graph: Graph) -> Output:
        return Output({"x": Value(graph.positions, VECTORS)})

    assert measure(places, scene, "T(3)", 4, dtype="float64").delta["positions"].max() < 1e-14
    assert measure(f, scene, "T(3)", 4, dtype="float64").delta["x"].min() > 0.1
    assert measure(f, scene, "O(3)", 4, dtype="float64").delta["x"].max() < 1e-14


def pseudovector(graph: Graph) -> Output:
    """Angular momenta x × v, declared with both parities, and the triple product as 0o and 0e."""
    assert graph.velocities is not None
    l = jnp.cross(graph.positions, graph.velocities)
    triple = jnp.sum(jnp.roll(graph.positions[:5], 1, 0) * l[:5], keepdims=True)[:, :1]
    return Output(
        {
            "1e": Value(l, Kind("1x1e")),
            "1o": Value(l, Kind("1x1o")),
            "0o": Value(triple.reshape(1, 1), Kind("1x0o", per="graph")),
            "0e": Value(triple.reshape(1, 1), Kind("1x0e", per="graph")),
        }
    )


def test_parity_is_told_apart(scene: Graph) -> None:
    rotated = measure(pseudovector, scene, "SO(3)", 4, dtype="float64").delta
    assert max(d.max() for d in rotated.values()) < 1e-13
    inverted = measure(pseudovector, scene, "C_i", 1, dtype="float64").delta
    assert inverted["1e"][0] < 1e-14
    assert inverted["0o"][0] < 1e-14
    assert inverted["1o"][0] == pytest.approx(2)
    assert inverted["0e"][0] == pytest.approx(2)


def test_precision_shows_in_delta(scene: Graph) -> None:
    """An equivariant computation that magnifies rounding: Δ follows the eps of each format."""

    def f(graph: Graph) -> Output:
        x = graph.positions
        for _ in range(6):
            x = x * jnp.sqrt(1 + jnp.sum(x * x, -1, keepdims=True)) / 2
        return Output({"x": Value(x, VECTORS)})

    worst = {
        dtype: measure(f, scene, "SO(3)", 8, dtype=dtype).delta["x"].max()
        for dtype in ("float64", "float32", "bfloat16")
    }
    assert 0 < worst["float64"] < 1e-13
    assert 1e-8 < worst["float32"] < 1e-5
    assert 1e-3 < worst["bfloat16"] < 0.2
