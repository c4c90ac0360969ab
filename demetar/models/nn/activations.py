"""Activations of unit second moment, E[f(z)²] = 1 for a standard normal z, and a softplus through 0.

e3nn normalises its activations so (arXiv:2207.09453), which SEGNN and Equiformer build on. Its
factors come from a million random numbers and are off by up to 2e-3; these are exact to rounding.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from demetar.core.arrays import Array

Pointwise: TypeAlias = Callable[[Float[Array, "..."]], Float[Array, "..."]]


def _factor(function: Callable[[np.ndarray], np.ndarray]) -> float:
    """1/√E[f(z)²] by Gauss–Hermite quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(100)
    return float((weights.sum() / (weights @ function(nodes) ** 2)) ** 0.5)


def _logistic(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def _leaky(x: Any, logistic: Callable[[Any], Any]) -> Any:
    return 0.6 * x + 0.4 * x * (2 * logistic(x) - 1)


SILU = _factor(lambda x: x * _logistic(x))
SIGMOID = _factor(_logistic)
SMOOTH_LEAKY_RELU = _factor(lambda x: _leaky(x, _logistic))


def silu(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """x σ(x) over its root mean square."""
    return SILU * jax.nn.silu(x)


def sigmoid(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """σ(x) over its root mean square."""
    return SIGMOID * jax.nn.sigmoid(x)


def smooth_leaky_relu(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """A leaky ReLU of slope 0.2 without its kink (Liao & Smidt 2023, section 4.2), normalised."""
    return SMOOTH_LEAKY_RELU * _leaky(x, jax.nn.sigmoid)


def shifted_softplus(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """ln(eˣ/2 + 1/2), which is 0 at 0 (Schütt et al. 2017, SchNet, section 4.2); not normalised."""
    return jnp.maximum(x, 0) + jnp.log(0.5 + 0.5 * jnp.exp(-jnp.abs(x)))
