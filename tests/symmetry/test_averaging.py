"""Averages over rotations: exact up to the degree of their rule, and not beyond; nearer with more terms."""

import jax.numpy as jnp
import numpy as np
import pytest

from demetar.core.errors import InputError
from demetar.core.kinds import SCALAR, VECTOR
from demetar.core.output import Output, Value
from demetar.symmetry.elements import from_matrix, rotations
from demetar.symmetry.equivariance import measure
from demetar.symmetry.instruments import averaging

A, B = np.array([0.3, -0.8, 0.52]), np.array([0.7, 0.1, -0.7])
TURNS = from_matrix(rotations(8, 3))


def along(x, axis=A):
    """The coordinates along a fixed axis, in the precision of x."""
    return (x * jnp.asarray(axis, x.dtype)).sum(-1)


def scalar(degree):
    """An invariant that is none: a polynomial of this degree in the coordinates along a fixed axis."""

    def f(graph):
        x = jnp.asarray(graph.positions)
        return Output({"y": Value((1 + along(x) ** degree).sum()[None, None], SCALAR)})

    return f


def vector(graph):
    """One that turns, and one along a fixed axis, its length of degree 2: D(R)⁻¹ f(R·x) has degree 3."""
    x = jnp.asarray(graph.positions)
    turns = ((x * x).sum(-1, keepdims=True) * x).sum(0)
    fixed = (along(x) * along(x, B)).sum() * jnp.asarray(A - 2 * B, x.dtype)
    return Output({"y": Value((turns + fixed)[None], VECTOR)})


def rough(graph):
    """Of every degree: an exponential along one axis."""
    x = jnp.asarray(graph.positions)
    return Output({"y": Value((jnp.exp(2 * along(x)) @ x)[None], VECTOR)})


def delta(f, rule, graph, dtype="float64"):
    average = averaging.Averaged(f, rule)
    m = measure(average, graph, dtype=dtype, elements=TURNS, layers=False, rebuild=False)
    return m.delta["y"]


@pytest.mark.parametrize(("count", "degree"), [(12, 2), (24, 3), (60, 5)])
def test_a_polyhedron_is_exact_up_to_its_degree_and_not_beyond(molecule, count, degree):
    rule = averaging.polyhedral(count)
    assert averaging.EXACT[count] == degree
    assert delta(scalar(degree), rule, molecule).max() < 1e-13
    assert delta(scalar(degree + 1), averaging.polyhedral(1), molecule).max() > 1e-3
    assert delta(scalar(degree + 1), rule, molecule).max() > 1e-6


def test_what_an_output_turns_by_counts_among_the_degrees(molecule):
    assert delta(vector, averaging.polyhedral(1), molecule).max() > 1e-2
    assert delta(vector, averaging.polyhedral(12), molecule).max() > 1e-4
    assert delta(vector, averaging.polyhedral(24), molecule).max() < 1e-13
    assert delta(vector, averaging.product(3), molecule).max() < 1e-13
    assert delta(vector, averaging.product(2), molecule).max() > 1e-6


def test_in_float32_rounding_is_left(molecule):
    assert 0 < delta(vector, averaging.polyhedral(24), molecule, "float32").max() < 3e-6


def test_random_rotations_come_nearer_as_one_over_the_root(molecule):
    few = [np.median(delta(rough, averaging.sampled(4, seed), molecule)) for seed in range(6)]
    many = [np.median(delta(rough, averaging.sampled(256, seed), molecule)) for seed in range(6)]
    ratio = np.mean(few) / np.mean(many)
    assert 4 < ratio < 16, "eight times as near with sixty-four times as many"


def test_rules_have_weights_of_sum_one_and_rotations():
    for matrices, weights in (averaging.sampled(7), averaging.polyhedral(60), averaging.product(4)):
        assert len(matrices) == len(weights)
        assert weights.sum() == pytest.approx(1)
        assert np.allclose(matrices @ matrices.transpose(0, 2, 1), np.eye(3))
        assert np.allclose(np.linalg.det(matrices), 1)
    assert len(np.unique(averaging.polyhedral(60)[0].round(6), axis=0)) == 60


def test_one_turn_is_the_function_itself_and_the_average_keeps_its_group(molecule):
    average = averaging.Averaged(vector, averaging.polyhedral(1))
    found = average.function(average.varying(molecule)[0], molecule)["y"]
    np.testing.assert_allclose(found, vector(molecule)["y"], rtol=1e-5)
    rule = averaging.polyhedral(12)
    own = from_matrix(rule[0])
    m = measure(
        averaging.Averaged(rough, rule), molecule, dtype="float64", elements=own, rebuild=False
    )
    assert m.delta["y"].max() < 1e-13, "sums over a group keep that group exactly"


@pytest.mark.parametrize(
    ("make", "wrong"),
    [(averaging.sampled, 0), (averaging.polyhedral, 48), (averaging.product, -1)],
)
def test_orders_that_are_none_are_refused(make, wrong):
    with pytest.raises(InputError, match="Expected"):
        make(wrong)
