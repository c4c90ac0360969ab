"""Lie derivatives: the commutator, the slope of Δ_EQ, and what they need."""

from typing import Any

import e3nn_jax as e3nn
import jax.numpy as jnp
import numpy as np
import pytest

from demetar.core.errors import InputError
from demetar.core.graph import Graph, from_arrays
from demetar.core.output import Kind, Output, Value
from demetar.symmetry import elements, groups
from demetar.symmetry.equivariance import measure, measure_arrays
from demetar.symmetry.instruments.lie import lie_derivative
from tests.support.measured import (
    PLACES,
    SKEW,
    VECTORS,
    each_precision,
    faulty,
    linear,
    nearly_nothing,
)


@each_precision
def test_lie_derivative_is_the_commutator(scene: Graph, dtype: str) -> None:
    """d/dt [f(e^{tX} x) − e^{tX} f(x)] = (A X − X A) x, and A s under a translation."""
    found = lie_derivative(linear, scene, "SE(3)", dtype)["Ax"]
    x = scene.positions
    size = np.linalg.norm(x @ SKEW.T)
    for name, matrix, shift in groups.load("SE(3)").generators():
        commutator = SKEW @ matrix - matrix @ SKEW
        expected = np.linalg.norm(x @ commutator.T + SKEW @ shift) / size
        assert found[name] == pytest.approx(expected, rel=1e-5 if dtype == "float32" else 1e-12)


def test_lie_derivative_is_the_slope_of_delta(scene: Graph) -> None:
    angle = 1e-4
    turn = np.array(
        [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    )
    delta = measure(faulty, scene, elements=elements.from_matrix(turn), dtype="float64").delta
    slopes = lie_derivative(faulty, scene, "SO(3)", "float64")
    for name, found in delta.items():
        assert found[0] / angle == pytest.approx(slopes[name]["rotation about z"], rel=1e-3), name


def test_lie_derivative_of_what_commutes_is_zero(scene: Graph) -> None:
    def f(graph: Graph) -> Output:
        """Places, velocities, their cross product, and a symmetric traceless tensor of degree 2."""
        x, v = graph.positions, graph.velocities
        assert v is not None
        tensor = e3nn.spherical_harmonics("2e", v, normalize=False).array
        return Output(
            {
                "x": Value(x, PLACES),
                "v": Value(v, VECTORS),
                "l": Value(jnp.cross(v, v[::-1]), Kind("1x1e")),
                "q": Value(tensor, Kind("1x2e")),
            }
        )

    moving = from_arrays(scene.positions, velocities=scene.velocities, charges=scene.charges)
    found = lie_derivative(f, moving, "SE(3)", "float64")
    assert max(max(d.values()) for d in found.values()) < 1e-13
    wrong = lie_derivative(nearly_nothing, scene, "SO(3)", "float64")["dipole"]
    assert wrong["rotation about y"] == pytest.approx(1)
    assert wrong["rotation about x"] == pytest.approx(0, abs=1e-12)


def test_a_dilation_scales_degree_by_degree(scene: Graph) -> None:
    """Sim(3) acts on degree l with the l-th power of its factor, finite and infinitesimal alike."""

    def f(graph: Graph) -> Output:
        x = graph.positions
        tensor = e3nn.spherical_harmonics("2e", x, normalize=False).array
        return Output({"x": Value(x, PLACES), "q": Value(tensor, Kind("1x2e"))})

    found = lie_derivative(f, scene, "Sim(3)", "float64")
    # Nothing is displaced: the scale is the floor, a hundredth of the size, and enlarges rounding.
    assert max(found["x"].values()) < 1e-13
    assert found["q"]["dilation"] < 1e-14
    delta = measure(f, scene, "Sim(3)", 4, dtype="float64").delta["x"]
    assert delta.max() < 1e-13


def test_lie_derivative_needs_infinitesimal_elements(scene: Graph) -> None:
    with pytest.raises(InputError, match="infinitesimal"):
        lie_derivative(linear, scene, "S_n")


@each_precision
def test_spherical_harmonics_are_equivariant(dtype: str) -> None:
    x = np.random.default_rng(0).normal(size=(7, 3))

    def f(rows: Any) -> Any:
        return e3nn.spherical_harmonics("0e + 1o + 2e + 3o", rows, normalize=True).array

    delta = measure_arrays(f, x, "1x1o", "0e + 1o + 2e + 3o", "O(3)", 8, dtype=dtype)
    assert delta.shape == (8,)
    assert delta.max() < (3e-6 if dtype == "float32" else 1e-14)


@pytest.mark.parametrize("wrong", ["0e + 1e + 2e + 3o", "0e + 1o + 2o + 3o", "0e + 1o + 2e + 3e"])
def test_a_wrong_parity_shows_in_improper_elements_only(wrong: str) -> None:
    x = np.random.default_rng(0).normal(size=(7, 3))

    def f(rows: Any) -> Any:
        return e3nn.spherical_harmonics("0e + 1o + 2e + 3o", rows, normalize=True).array

    delta = measure_arrays(f, x, "1x1o", wrong, "O(3)", 8, dtype="float64")
    apart = delta > 0.1
    assert 0 < apart.sum() < 8, "improper elements and proper ones are drawn"
    assert delta[~apart].max() < 1e-14
    assert measure_arrays(f, x, "1x1e", wrong, "SO(3)", 4, dtype="float64").max() < 1e-14


def test_inputs_declared_1e_hide_a_wrong_parity() -> None:
    """The trap of testing with positions as 1e: improper elements then act as proper ones."""
    x = np.random.default_rng(0).normal(size=(3, 3))
    triple = lambda rows: jnp.linalg.det(rows).reshape(1, 1)  # noqa: E731
    assert measure_arrays(triple, x, "1x1e", "1x0e", "O(3)", 8, dtype="float64").max() < 1e-13
    right = measure_arrays(triple, x, "1x1o", "1x0e", "O(3)", 8, dtype="float64")
    np.testing.assert_allclose(right.max(), 2, rtol=1e-12)
