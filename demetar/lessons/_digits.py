"""Autoencoders of digits: one whose code does not turn and whose angle does, and a plain one.

A picture x is encoded as η(x) and ψ(x), and decoded as ψ(x)·δ(η(x)), with η(g·x) = η(x) and
ψ(g·x) = g ψ(x) for all g in SO(2): R. Winter, M. Bertolini, T. Le, F. Noé, D.-A. Clevert, NeurIPS 2022
(arXiv:2202.07559), section 3. The paper's encoder convolves with steerable filters; this one is smaller
and works on circular harmonics (see `_harmonics`): maps within an order, products of functions on the
circle without aliasing, lengths. ψ is the direction of a learned vector of order 1. Pure functions of
(parameters, coefficients [n, orders, zeros]).
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from demetar.core.arrays import Array
from demetar.lessons import _harmonics as harmonics

CODE, CHANNELS, LAYERS, HIDDEN = 16, 8, 2, 96
PLAIN = CODE + 2, 138  # its code has room for an angle; a width that makes it a little larger
Params = Mapping[str, Any]


def fresh(kind: str, seed: int = 0) -> dict[str, np.ndarray]:
    """Random parameters of the "equivariant" or the "plain" autoencoder."""
    rng, (orders, zeros) = np.random.default_rng(seed), harmonics.mask().shape
    numbers, made = 2 * int(harmonics.mask().sum()), {}

    def weight(name: str, *shape: int) -> None:
        made[name] = rng.normal(size=shape) * shape[-2] ** -0.5

    def perceptron(name: str, *widths: int) -> None:
        for i, pair in enumerate(zip(widths, widths[1:])):
            weight(f"{name}{i}", *pair)
            made[f"{name}{i}_bias"] = np.zeros(pair[1])

    if kind == "plain":
        code, width = PLAIN
        perceptron("code", numbers, width, width, code)
        perceptron("decode", code, HIDDEN, HIDDEN, numbers)
        return made
    weight("lift", 2, orders, zeros, CHANNELS)
    for layer in range(LAYERS):
        for name in ("keep", "left", "right"):
            weight(f"{name}{layer}", 2, orders, CHANNELS, CHANNELS)
    weight("vector", 2, 2, CHANNELS, 1)  # of orders 0 and 1, of which 1 is used
    perceptron("code", (orders + 1) * CHANNELS, HIDDEN, CODE)
    perceptron("decode", CODE, HIDDEN, HIDDEN, numbers)
    return made


def _perceptron(params: Params, name: str, x: Array) -> Array:
    count = sum(key.startswith(name) for key in params) // 2
    for i in range(count):
        x = x @ params[f"{name}{i}"] + params[f"{name}{i}_bias"]
        x = jax.nn.silu(x) if i < count - 1 else x
    return x


def _mixed(weights: Array, x: Array) -> Array:
    """A complex map of the channels within each order, real for order 0; x [n, orders, 2, channels].

    A complex number is two real ones, as products of real matrices are several times as fast.
    """
    real, imaginary = weights[0], weights[1] * (jnp.arange(weights.shape[1]) > 0)[:, None, None]
    both = jnp.concatenate(
        [jnp.concatenate([real, imaginary], -1), jnp.concatenate([-imaginary, real], -1)], 1
    )
    flat = jnp.einsum("nmi,mio->nmo", x.reshape(*x.shape[:2], -1), both)
    return flat.reshape(*x.shape[:3], -1)


@functools.cache
def _circle(orders: int) -> tuple[np.ndarray, np.ndarray]:
    """From harmonics [2 · orders] to values at 3 · orders points of the circle, and back.

    So many that no harmonic of a product is mistaken for a lower one.
    """
    points = 3 * orders
    angles = np.outer(np.arange(orders), 2 * np.pi * np.arange(points) / points)
    values = np.stack([np.cos(angles), -np.sin(angles)], 1).reshape(2 * orders, points)
    weights = np.repeat(np.where(np.arange(orders) > 0, 2, 1), 2) / points
    return values, (values * weights[:, None]).T


def _multiplied(x: Array, y: Array) -> Array:
    """The harmonics of the products of real functions on the circle, channel by channel."""
    there, back = (jnp.asarray(matrix, x.dtype) for matrix in _circle(x.shape[1]))
    one, other = (
        jnp.einsum("nkc,kj->njc", a.reshape(len(a), -1, a.shape[-1]), there) for a in (x, y)
    )
    return jnp.einsum("njc,jk->nkc", one * other, back).reshape(x.shape)


def features(params: Params, c: Array) -> Array:
    """What turns as the picture does: [n, orders, 2, channels], order m by e^{−imβ}."""
    x = _mixed(params["lift"], jnp.stack([c.real, c.imag], 2))
    for i in range(LAYERS):
        made = _multiplied(_mixed(params[f"left{i}"], x), _mixed(params[f"right{i}"], x))
        x = _mixed(params[f"keep{i}"], x) + made
        power = jnp.sum(x**2, (1, 2, 3), keepdims=True) / x.shape[-1]
        x = x / jnp.sqrt(1 + power)
    return x


def encoded(params: Params, c: Array) -> tuple[Array, Array]:
    """The code η [n, 16] and the vector whose direction is ψ, complex [n]."""
    x = features(params, c)
    lengths = jnp.sqrt(jnp.sum(x**2, 2) + 1e-4)  # smooth where a harmonic vanishes
    given = jnp.concatenate([x[:, 0, 0], lengths.reshape(len(x), -1)], 1)
    vector = _mixed(params["vector"], x[:, :2])[:, 1, :, 0]
    return _perceptron(params, "code", given), vector[:, 0] + 1j * vector[:, 1]


def decoded(params: Params, code: Array) -> Array:
    """The canonical picture δ of codes: coefficients [n, orders, zeros]."""
    flat = _perceptron(params, "decode", code)
    real, imaginary = jnp.split(flat, 2, 1)
    rows, columns = np.nonzero(harmonics.mask())
    made = real + 1j * imaginary * (rows > 0)
    return (
        jnp.zeros((len(flat), *harmonics.mask().shape), made.dtype).at[:, rows, columns].set(made)
    )


def placed(canonical: Array, vector: Array) -> Array:
    """ψ·δ: the canonical picture turned into the direction of the vector; order m by its m-th power."""
    length = jnp.abs(vector)
    unit = jnp.where(length > 0, vector / jnp.where(length > 0, length, 1), 1)
    return canonical * unit[:, None, None] ** jnp.arange(canonical.shape[1])[:, None]


def _given(c: Array) -> Array:
    there = c[:, harmonics.mask()]
    return jnp.concatenate([there.real, there.imag], 1)


def plain_code(params: Params, c: Array) -> Array:
    """The plain autoencoder's code [n, 18]."""
    return _perceptron(params, "code", _given(c))


def rebuilt(kind: str, params: Params, c: Array) -> Array:
    """What an autoencoder gives for a picture."""
    if kind == "plain":
        return decoded(params, plain_code(params, c))
    code, vector = encoded(params, c)
    return placed(decoded(params, code), vector)


@functools.partial(jax.jit, static_argnums=0)
def error(kind: str, params: Params, c: Array) -> Array:
    """The mean square error by pixel of the disc, of pictures [n]."""
    difference = jnp.abs(rebuilt(kind, params, c) - c) ** 2
    return difference.sum((1, 2)) / harmonics.disc().sum()
