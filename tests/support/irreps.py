"""Random features by irrep, the same as e3nn-jax's, and whether a function of them turns."""

from collections.abc import Callable

import e3nn_jax as e3nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from demetar.models.nn.init import RULES, enlarged
from demetar.models.nn.irreps import products
from demetar.symmetry import groups
from demetar.symmetry import irreps as ir
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
