"""NVIDIA's product gives what ours gives, in features and in gradients; and says what it lacks."""

import importlib.util

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from demetar.core.errors import InputError
from demetar.models.nn.irreps import coupling, cuequivariance, products
from demetar.symmetry import irreps as ir

GIVEN = {"0e": 4, "0o": 2, "1o": 4, "2e": 2}
PATHS = coupling.paths(tuple(GIVEN), ("0e", "1o", "2e"), ("0e", "1o", "1e", "2e"))
ROWS = 7


def arrays() -> tuple[ir.Features, ir.Features, np.ndarray]:
    rng = np.random.default_rng(0)
    x = {k: rng.normal(size=(ROWS, 2 * ir.degree(k) + 1, n)) for k, n in GIVEN.items()}
    y = {k: rng.normal(size=(ROWS, 2 * ir.degree(k) + 1)) for k in ("0e", "1o", "2e")}
    return x, y, rng.normal(size=(ROWS, coupling.weight_count(GIVEN, PATHS)))


def slopes(x: ir.Features, y: ir.Features, w: np.ndarray) -> tuple:
    def size(x: ir.Features, y: ir.Features, w: jax.Array) -> tuple:
        made = products.convolve(x, y, PATHS, w)
        return sum(jnp.sum(jnp.sin(v)) for v in made.values()), made

    with jax.enable_x64(True):
        return jax.value_and_grad(size, argnums=(0, 1, 2), has_aux=True)(x, y, w)


def test_products_and_gradients_are_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = slopes(*arrays())
    calls, usual = [], cuequivariance.convolve
    monkeypatch.setattr(cuequivariance, "convolve", lambda *a: calls.append(1) or usual(*a))
    monkeypatch.setenv(cuequivariance.SETTING, "own")
    slopes(*arrays())
    assert not calls
    monkeypatch.setenv(cuequivariance.SETTING, "cuequivariance")
    theirs = slopes(*arrays())
    assert calls
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=0, atol=1e-12), theirs, ours)


def test_weights_that_all_rows_share() -> None:
    x, y, w = arrays()
    with jax.enable_x64(True):
        ours = products.convolve(x, y, PATHS, w[:1])
        theirs = cuequivariance.convolve(x, y, PATHS, w[:1])
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=0, atol=1e-12), theirs, ours)


def test_a_missing_package_and_a_wrong_name_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cuequivariance.SETTING, "cue")
    with pytest.raises(InputError, match="own or cuequivariance"):
        products.convolve(*arrays()[:2], PATHS, arrays()[2])
    monkeypatch.setenv(cuequivariance.SETTING, "cuequivariance")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip install"):
        cuequivariance.chosen()
