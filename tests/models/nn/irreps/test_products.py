"""The irreps core against e3nn-jax, and under rotations and reflections in both parities."""

import itertools
from collections.abc import Callable

import e3nn_jax as e3nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from demetar.models.nn.init import RULES, enlarged
from demetar.models.nn.irreps import coupling, products
from demetar.models.nn.irreps import equivariant as eq
from demetar.symmetry import groups
from demetar.symmetry import irreps as ir
from demetar.symmetry.clebsch_gordan import clebsch_gordan
from demetar.symmetry.irreps import wigner

ROWS = 7
LMAX = 4
BOTH = "3x0e + 2x0o + 4x1o + 2x1e + 3x2e + 2x2o"
TOLERANCE = {np.float32: 1e-5, np.float64: 1e-12}
each_precision = pytest.mark.parametrize("dtype", TOLERANCE)


def random_features(spec: str, seed: int = 0, dtype: type = np.float64) -> ir.Features:
    rng = np.random.default_rng(seed)
    return {
        irrep: rng.normal(size=(ROWS, 2 * ir.degree(irrep) + 1, n)).astype(dtype)
        for irrep, n in ir.parse(spec).items()
    }


def random_harmonics(irreps: tuple[str, ...], dtype: type = np.float64) -> ir.Features:
    return {k: v[..., 0] for k, v in random_features(" + ".join(irreps), 1, dtype).items()}


def as_e3nn(x: ir.Features) -> e3nn.IrrepsArray:
    spec = [(v.shape[-1], e3nn.Irrep(irrep)) for irrep, v in x.items()]
    flat = [jnp.swapaxes(v, 1, 2).reshape(len(v), -1) for v in x.values()]
    return e3nn.IrrepsArray(e3nn.Irreps(spec), jnp.concatenate(flat, -1))


def from_e3nn(x: e3nn.IrrepsArray) -> ir.Features:
    """Channels last, equal irreps joined in order."""
    found: ir.Features = {}
    for (_, irrep), chunk in zip(x.irreps, x.chunks, strict=True):
        found = products.concatenate(found, {str(irrep): jnp.swapaxes(chunk, 1, 2)})
    return found


def close(a: ir.Features, b: ir.Features, tolerance: float) -> None:
    assert a.keys() == b.keys()
    for irrep, x in a.items():
        assert x.dtype == b[irrep].dtype
        np.testing.assert_allclose(x, b[irrep], rtol=tolerance, atol=tolerance, err_msg=irrep)


@jax.jit
def turn(x: ir.Features, matrix: jax.Array) -> ir.Features:
    return {k: jnp.einsum("ij,rj...->ri...", wigner(k, matrix), v) for k, v in x.items()}


def commutes(f: Callable[..., ir.Features], *inputs: ir.Features) -> None:
    """f(D(g) x) = D(g) f(x) for rotations and reflections, in float64; outputs are not all zero."""
    with jax.enable_x64(True):
        inputs = tuple({k: jnp.asarray(v, np.float64) for k, v in x.items()} for x in inputs)
        f = jax.jit(f)
        plain = f(*inputs)
        assert all(np.abs(v).max() > 1e-3 for v in plain.values())
        sampled = groups.load("O(3)").sample(np.random.default_rng(2), 6, np.ones(1, bool)).matrix
        assert {round(np.linalg.det(m)) for m in sampled} == {1, -1}
        for matrix in sampled:
            moved = f(*(turn(x, matrix) for x in inputs))
            close(moved, turn(plain, matrix), 1e-12)


def with_parameters(layer: object, *inputs: ir.Features) -> tuple[dict, Callable]:
    """Parameters of a linen layer as large as trained ones, and the layer as a function."""
    shapes = jax.eval_shape(layer.init, jax.random.key(0), *inputs)["params"]
    rng = np.random.default_rng(0)
    fresh = jax.tree_util.tree_map_with_path(lambda p, s: RULES[p[-1].key](rng, s.shape), shapes)
    params = enlarged(fresh)
    return params, lambda *x: layer.apply({"params": params}, *x)


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
