"""Radial bases and envelopes against e3nn-jax and their own definitions."""

import e3nn_jax as e3nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from demetar.models.nn import radial

CUTOFF = 2.5
R = np.linspace(0.05, 3.0, 60)[:, None]


def test_bessel_is_e3nns() -> None:
    with jax.enable_x64(True):
        inside = R[R[:, 0] < CUTOFF]
        np.testing.assert_allclose(
            radial.bessel(jnp.asarray(inside), CUTOFF, 8),
            e3nn.bessel(jnp.asarray(inside[:, 0]), 8, CUTOFF),
            rtol=1e-12,
            atol=1e-12,
        )


def test_bessel_is_finite_at_zero() -> None:
    value, slope = jax.value_and_grad(lambda r: radial.bessel(r, CUTOFF, 4).sum())(
        jnp.zeros((1, 1))
    )
    np.testing.assert_allclose(value, np.sqrt(2 / CUTOFF) * np.pi / CUTOFF * 10, rtol=1e-6)
    assert np.isfinite(slope).all()


def test_gaussians_peak_at_their_centres() -> None:
    centres = np.linspace(0, CUTOFF, 6)[:, None]
    values = radial.gaussian(jnp.asarray(centres), CUTOFF, 6)
    np.testing.assert_allclose(np.diag(values), 1, rtol=1e-6)
    np.testing.assert_allclose(values[0, 1], np.exp(-0.5), rtol=1e-5)


def test_polynomial_envelope_is_dimenets() -> None:
    """Gasteiger's coefficients a, b, c for p = 6 are −28, 48, −21."""
    u = R[R < CUTOFF] / CUTOFF
    np.testing.assert_allclose(
        radial.polynomial_envelope(jnp.asarray(u * CUTOFF), CUTOFF),
        1 - 28 * u**6 + 48 * u**7 - 21 * u**8,
        atol=1e-5,
    )


@pytest.mark.parametrize(("name", "derivatives"), [("polynomial", 2), ("cosine", 1)])
def test_envelopes_end_smoothly(name: str, derivatives: int) -> None:
    f = lambda r: radial.ENVELOPES[name](r, CUTOFF)  # noqa: E731
    assert f(jnp.asarray(0.0)) == 1
    assert not np.any(f(jnp.linspace(CUTOFF, 9, 20)))
    with jax.enable_x64(True):
        for order in range(derivatives + 1):
            assert abs(f(jnp.asarray(CUTOFF - 1e-6))) < 1e-4, f"derivative {order}"
            f = jax.grad(f)


def test_without_envelope_nothing_ends() -> None:
    assert np.all(radial.no_envelope(jnp.asarray(R), CUTOFF) == 1)
