"""Laws of outputs: right ones fit, wrong ones are named with the one that fits, lawless ones have none."""

import jax.numpy as jnp
import numpy as np
import pytest

from demetar.core.graph import from_arrays
from demetar.core.output import Kind, Output, Value
from demetar.symmetry.instruments import laws

RNG = np.random.default_rng(0)
GRAPH = from_arrays(RNG.normal(size=(4, 3)), np.array([6, 1, 8, 1]))
# What each output of `outputs` is, whatever it is declared to be.
TRUE = {
    "number": "1x0e", "handed": "1x0o", "arrow": "1x1o", "axial": "1x1e", "tensor": "1x0e+1x2e",
    "pair": "1x1e+1x1o", "numbers": "3x0e",
}  # fmt: skip


def outputs(graph):
    """One output of each type, made of three differences, and two that obey no law."""
    x = jnp.asarray(graph.positions)
    a, b, c = x[1] - x[0], x[2] - x[0], x[3] - x[0]
    axial, triple = jnp.cross(a, b), jnp.dot(jnp.cross(a, b), c)
    root = np.sqrt(3.0)
    second = jnp.stack(
        [
            root * a[0] * a[2],
            root * a[0] * a[1],
            a[1] ** 2 - (a[0] ** 2 + a[2] ** 2) / 2,
            root * a[1] * a[2],
            root * (a[2] ** 2 - a[0] ** 2) / 2,
        ]
    )
    rows = {
        "number": a @ a,
        "handed": triple,
        "arrow": a,
        "axial": axial,
        "tensor": jnp.concatenate([(b @ b)[None], second]),
        "pair": jnp.concatenate([axial, c]),
        "numbers": jnp.stack([a @ a, b @ b, a @ b]),
        "fixed": a * jnp.array([1.0, 1.0, 1.1]),
        "half": a + axial,
        "zero": 0 * a,
    }
    kinds = {**TRUE, "fixed": "1x1o", "half": "1x1o", "zero": "1x1o"}
    return Output({k: Value(v.reshape(1, -1), Kind(kinds[k], "graph")) for k, v in rows.items()})


@pytest.fixture(scope="module")
def found():
    return laws.laws(outputs, GRAPH)


@pytest.mark.parametrize("name", TRUE)
def test_a_right_type_fits(found, name):
    law = found[name]
    assert law.right
    assert not law.vanishes
    assert max(law.turns, law.inversion) < 1e-13
    assert all(s.declared == s.measured for s in law.signs)
    assert sum(s.share**2 for s in law.signs) == pytest.approx(1)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("number", "1x0o"),
        ("handed", "1x0e"),
        ("arrow", "1x1e"),
        ("arrow", "3x0e"),
        ("axial", "1x1o"),
        ("tensor", "6x0e"),
        ("tensor", "1x0e+1x2o"),
        ("tensor", "1x2e+1x0e"),
        ("pair", "1x1o+1x1e"),
        ("pair", "6x0e"),
        ("numbers", "1x1o"),
        ("numbers", "3x0o"),
    ],
)
def test_a_wrong_type_is_named_with_the_one_that_fits(name, wrong):
    law = laws.laws(outputs, GRAPH, {name: wrong})[name]
    assert not law.right
    assert law.declared == wrong
    assert law.fits == TRUE[name]
    assert max(law.turns, law.inversion) > 1e-3


@pytest.mark.parametrize("name", ["fixed", "half"])
def test_what_obeys_no_law_is_given_none(found, name):
    assert found[name].fits is None
    assert not found[name].right
    assert found[name].signs[0].measured == (-1 if name == "fixed" else 0)


def test_what_vanishes_says_nothing(found):
    law = found["zero"]
    assert law.vanishes
    assert law.fits is None
    assert law.signs[0].measured is None


def test_a_number_that_is_none_is_no_law():
    nan = np.full((1, 3), np.nan)
    law = laws.law(
        "1x1o", laws.from_matrix(np.stack([np.eye(3), -np.eye(3)])), nan, np.stack([nan, nan])
    )
    assert law.fits is None
    assert not law.right
