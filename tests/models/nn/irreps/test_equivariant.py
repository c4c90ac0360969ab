"""Layers of features against e3nn-jax, and under rotations and reflections in both parities."""

import e3nn_jax as e3nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from demetar.models import tfn
from demetar.models.nn.init import RULES
from demetar.models.nn.irreps import coupling, products
from demetar.models.nn.irreps import equivariant as eq
from demetar.symmetry import irreps as ir
from tests.support.irreps import (
    BOTH,
    TOLERANCE,
    as_e3nn,
    close,
    commutes,
    each_precision,
    from_e3nn,
    random_features,
    random_harmonics,
    with_parameters,
)


@each_precision
def test_gate_is_e3nns(dtype: type) -> None:
    with jax.enable_x64(dtype is np.float64):
        kept = ir.parse("3x0e + 2x1o + 2x2e")
        assert products.gated(kept) == {"0e": 7, "1o": 2, "2e": 2}
        x = random_features(ir.unparse(products.gated(kept)), dtype=dtype)
        theirs = e3nn.gate(
            as_e3nn(x), even_act=jax.nn.silu, even_gate_act=jax.nn.sigmoid, normalize_act=False
        )
        close(products.gate(x, 3), from_e3nn(theirs), TOLERANCE[dtype])


@each_precision
def test_linear_is_e3nns(dtype: type) -> None:
    with jax.enable_x64(dtype is np.float64):
        x = random_features(BOTH, dtype=dtype)
        params, layer = with_parameters(eq.Linear("4x0e + 3x1o + 2x2o", bias=False), x)
        params = jax.tree.map(lambda v: jnp.asarray(v, dtype), params)
        given = e3nn.Irreps([(v.shape[-1], k) for k, v in x.items()])
        theirs = e3nn.FunctionalLinear(
            given, e3nn.Irreps("4x0e + 3x1o + 2x2o"), path_normalization="element"
        )
        kernels = [
            params[str(theirs.irreps_out[i.i_out].ir)]["kernel"] / i.path_weight
            for i in theirs.instructions
        ]
        close(
            layer(x),
            from_e3nn(jax.vmap(lambda v: theirs(kernels, v))(as_e3nn(x))),
            TOLERANCE[dtype],
        )


@each_precision
def test_tensor_product_is_e3nns(dtype: type) -> None:
    """e3nn's shared-weight product is its tensor_product followed by its Linear."""
    with jax.enable_x64(dtype is np.float64):
        x, y = random_features("3x0e + 3x1o", dtype=dtype), random_harmonics(ir.natural(2), dtype)
        params, layer = with_parameters(eq.TensorProduct("4x0e + 2x1o + 3x2e", bias=False), x, y)
        params = jax.tree.map(lambda v: jnp.asarray(v, dtype), params)
        product = e3nn.tensor_product(
            as_e3nn(x),
            as_e3nn({k: v[..., None] for k, v in y.items()}),
            filter_ir_out=[e3nn.Irrep(i) for i in ("0e", "1o", "2e")],
            regroup_output=False,
        )
        channels = from_e3nn(product)  # paths by input here too, as x and y are sorted
        theirs = {
            k: jnp.einsum("rmc,cd->rmd", channels[k], params["mix"][k]["kernel"])
            for k in ("0e", "1o", "2e")
        }
        close(layer(x, y), theirs, TOLERANCE[dtype])


@pytest.mark.parametrize(
    "layer",
    [eq.Linear("4x0e + 2x0o + 3x1o + 2x1e + 2x2o"), eq.NormActivation(), eq.EquivariantLayerNorm()],
    ids=["linear", "norm activation", "layer norm"],
)
def test_layers_turn(layer: object) -> None:
    x = random_features(BOTH)
    commutes(with_parameters(layer, x)[1], x)


def test_tensor_product_turns() -> None:
    x, y = random_features(BOTH), random_harmonics(ir.natural(2))
    layer = eq.TensorProduct("4x0e + 2x0o + 3x1o + 2x1e + 2x2o")
    commutes(with_parameters(layer, x, y)[1], x, y)


def test_gate_turns() -> None:
    kept = ir.parse(BOTH)
    x = random_features(ir.unparse(products.gated(kept)))
    commutes(lambda x: products.gate(x, kept["0e"]), x)


def test_linear_leaves_out_what_it_cannot_make() -> None:
    x = random_features("2x0e")
    params, layer = with_parameters(eq.Linear("3x0e + 2x1o"), x)
    assert layer(x).keys() == {"0e"}
    assert params.keys() == {"0e"}


@pytest.mark.parametrize("layer", [eq.NormActivation(), eq.EquivariantLayerNorm()])
def test_vanishing_features_stay_small(layer: object) -> None:
    """What symmetry makes vanish is rounding; it must not come back as a direction of its own."""
    x = {"0e": jnp.ones((2, 1, 4)), "1o": jnp.full((2, 3, 4), 1e-8)}
    params, f = with_parameters(layer, x)
    assert np.abs(f(x)["1o"]).max() < 1e-8
    slope = jax.grad(lambda v: sum(jnp.sum(y) for y in f(x | {"1o": v}).values()))
    assert np.isfinite(slope(0 * x["1o"])).all()
    assert np.abs(slope(x["1o"])).max() < 1e-3, "amplified: divided by a softening alone it is 100"


@pytest.mark.parametrize(("softening", "holds"), [(tfn.Config().softening, True), (0.01, False)])
def test_a_channel_small_by_chance_keeps_the_rounding_of_slopes_small(
    softening: float, holds: bool
) -> None:
    """What a slope makes of rounding is its own slope: η(b) / softening² at most, here with b = 1."""
    x = jnp.stack([jnp.array([[1.0, 0, 0]]), jnp.array([[3e-3, 0, 0]])], -1)
    layer = eq.NormActivation(softening=softening)
    bias = {"params": {"1o": {"bias": jnp.ones(2)}}}
    slope = jax.grad(
        lambda v: jnp.sum(layer.apply(bias, {"0e": jnp.ones((1, 1, 2)), "1o": v})["1o"])
    )
    curved = jax.jvp(slope, (x,), (jnp.ones_like(x),))[1]
    assert (np.abs(curved).max() < 200) == holds


def test_what_is_there_is_not_touched() -> None:
    x = {"0e": jnp.ones((2, 1, 4)), "1o": jnp.full((2, 3, 4), 3e-3), "2e": jnp.zeros((2, 5, 4))}
    there = eq.presence(x)
    assert there.keys() == {"1o", "2e"}
    np.testing.assert_array_equal(there["1o"], 1)
    np.testing.assert_array_equal(there["2e"], 0)
    nothing = {k: 0 * v for k, v in x.items()}
    slope = jax.grad(lambda v: sum(jnp.sum(y) for y in eq.presence(v).values()))(nothing)
    assert all(np.isfinite(y).all() for y in slope.values())


def test_layer_norm_gives_entries_of_unit_mean_square() -> None:
    x = {k: 5 * v for k, v in random_features("8x0e + 8x1o + 8x2e").items()}
    layer = eq.EquivariantLayerNorm()
    params = jax.eval_shape(layer.init, jax.random.key(0), x)["params"]
    params = jax.tree_util.tree_map_with_path(lambda p, s: RULES[p[-1].key](None, s.shape), params)
    for v in layer.apply({"params": params}, x).values():
        np.testing.assert_allclose(np.square(v).mean((1, 2)), 1, rtol=1e-3)


def test_sums_and_concatenations_keep_what_one_side_has() -> None:
    x, y = random_features("2x0e + 1x1o"), random_features("2x0e + 3x2e", 1)
    assert coupling.channels(products.concatenate(x, y)) == {"0e": 4, "1o": 1, "2e": 3}
    both = products.add(x, y)
    np.testing.assert_allclose(both["0e"], x["0e"] + y["0e"])
    assert both.keys() == {"0e", "1o", "2e"}
