"""Coefficients, harmonics and products against e3nn-jax, and under turns and mirrors in both parities."""

import itertools

import e3nn_jax as e3nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from demetar.models.nn.irreps import coupling, products
from demetar.symmetry import irreps as ir
from demetar.symmetry.clebsch_gordan import clebsch_gordan
from tests.support.irreps import (
    BOTH,
    LMAX,
    ROWS,
    TOLERANCE,
    as_e3nn,
    close,
    commutes,
    each_precision,
    from_e3nn,
    random_features,
    random_harmonics,
)


@pytest.mark.parametrize("l3", range(LMAX + 1))
def test_clebsch_gordan_is_e3nns(l3: int) -> None:
    for l1, l2 in itertools.product(range(LMAX + 1), repeat=2):
        theirs = e3nn.clebsch_gordan(l1, l2, l3)
        np.testing.assert_allclose(clebsch_gordan(l1, l2, l3), theirs, rtol=0, atol=1e-14)


def test_clebsch_gordan_cannot_be_changed_by_a_caller() -> None:
    with pytest.raises(ValueError):
        clebsch_gordan(1, 1, 1)[0] = 1


@each_precision
def test_harmonics_are_e3nns(dtype: type) -> None:
    with jax.enable_x64(dtype is np.float64):
        r = jnp.asarray(np.random.default_rng(0).normal(size=(ROWS, 3)), dtype)
        ours = ir.harmonics(ir.direction(r), ir.natural(LMAX))
        solid = ir.harmonics(r, ir.natural(LMAX))
        theirs, theirs_solid = (
            e3nn.spherical_harmonics(
                list(ir.natural(LMAX)), e3nn.IrrepsArray("1o", r), n, "component"
            )
            for n in (True, False)
        )
        for irrep, mine, other in ((ours, ours, theirs), (solid, solid, theirs_solid)):
            for i, (name, v) in enumerate(mine.items()):
                assert v.dtype == dtype
                chunk = np.asarray(other.chunks[i])[:, 0]
                scale = max(np.abs(chunk).max(), 1)
                np.testing.assert_allclose(
                    v, chunk, rtol=0, atol=TOLERANCE[dtype] * scale, err_msg=name
                )
            assert irrep.keys() == dict.fromkeys(ir.natural(LMAX)).keys()


def test_harmonics_vanish_at_zero_with_finite_gradients() -> None:
    y = ir.harmonics(ir.direction(jnp.zeros((1, 3))), ir.natural(LMAX))
    assert y["0e"] == 1
    assert all(not np.any(v) for irrep, v in y.items() if irrep != "0e")

    def total(r: jax.Array) -> jax.Array:
        return sum(jnp.sum(v) for v in ir.harmonics(ir.direction(r), ir.natural(LMAX)).values())

    assert np.isfinite(jax.grad(total)(jnp.zeros((1, 3)))).all()


def test_harmonics_turn() -> None:
    vectors = {"1o": jax.random.normal(jax.random.key(0), (ROWS, 3))}
    commutes(lambda x: ir.harmonics(ir.direction(x["1o"]), ir.natural(LMAX)), vectors)


def test_harmonics_of_the_other_parity_only_rotate() -> None:
    y = ir.harmonics(jnp.ones((2, 3)), ("0e", "1e"))
    np.testing.assert_array_equal(y["1e"], ir.harmonics(jnp.ones((2, 3)), ("1o",))["1o"])


def test_specifications() -> None:
    assert ir.parse("2x0e + 1o + 3x0e") == {"0e": 5, "1o": 1}
    assert ir.parse(ir.unparse(ir.parse(BOTH))) == ir.parse(BOTH)
    assert ir.natural(3) == ("0e", "1o", "2e", "3o")
    with pytest.raises(ValueError, match="expected irreps"):
        ir.parse("8x0e, 1o")


def test_paths_obey_triangle_and_parity() -> None:
    given = ("0e", "0o", "1o", "1e", "2e")
    found = coupling.paths(given, given, given)
    allowed = {
        (str(a), str(b), str(c))
        for a, b in itertools.product(map(e3nn.Irrep, given), repeat=2)
        for c in a * b
        if str(c) in given
    }
    assert set(found) == allowed
    assert len(found) == len(allowed)
    assert {out for *_, out in coupling.paths(given, given, ("1o",))} == {"1o"}


@each_precision
def test_convolution_is_e3nns(dtype: type) -> None:
    with jax.enable_x64(dtype is np.float64):
        x = random_features("3x0e + 2x1o + 2x1e + 3x2e", dtype=dtype)
        y = random_harmonics(ir.natural(2), dtype)
        out = ("0e", "1o", "2e", "2o")
        path_list = coupling.paths(tuple(x), tuple(y), out)
        given = coupling.channels(x)
        rng = np.random.default_rng(3)
        weights = jnp.asarray(
            rng.normal(size=(ROWS, coupling.weight_count(given, path_list))), dtype
        )
        ours = products.convolve(x, y, path_list, weights)
        theirs: ir.Features = {}
        start = 0
        for left, right, o in path_list:
            part = e3nn.tensor_product(
                as_e3nn({left: x[left]}),
                as_e3nn({right: y[right][..., None]}),
                filter_ir_out=[e3nn.Irrep(o)],
                regroup_output=False,
            )
            w = weights[:, None, start : start + given[left]]
            theirs = products.concatenate(theirs, {o: from_e3nn(part)[o] * w})
            start += given[left]
        close(ours, theirs, TOLERANCE[dtype])
        ones = products.convolve(x, y, path_list, jnp.ones_like(weights))
        close(products.convolve(x, y, path_list, None), ones, TOLERANCE[dtype])


def test_convolution_turns() -> None:
    x, y = random_features(BOTH), random_harmonics(ir.natural(2))
    path_list = coupling.paths(tuple(x), tuple(y), tuple(x))
    commutes(lambda x, y: products.convolve(x, y, path_list, None), x, y)


@each_precision
def test_product_of_features_is_e3nns(dtype: type) -> None:
    with jax.enable_x64(dtype is np.float64):
        spec = "3x0e + 3x0o + 3x1o"
        x, y = random_features(spec, 0, dtype), random_features(spec, 1, dtype)
        path_list = coupling.paths(tuple(x), tuple(y), ("0e", "0o", "1o", "1e", "2e"))
        theirs: ir.Features = {}
        for left, right, o in path_list:
            a, b = (as_e3nn({k: v[k]}).mul_to_axis(3) for k, v in ((left, x), (right, y)))
            part = e3nn.tensor_product(a, b, filter_ir_out=[e3nn.Irrep(o)]).axis_to_mul()
            theirs = products.concatenate(theirs, from_e3nn(part))
        close(products.multiply(x, y, path_list), theirs, TOLERANCE[dtype])


def test_product_of_features_turns() -> None:
    spec = "3x0e + 3x0o + 3x1o + 3x1e + 3x2e"
    x, y = random_features(spec), random_features(spec, 1)
    path_list = coupling.paths(tuple(x), tuple(y), tuple(x))
    commutes(lambda x, y: products.multiply(x, y, path_list), x, y)
