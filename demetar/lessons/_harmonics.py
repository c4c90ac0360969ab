"""Images in circular harmonics: a disc's Fourier-Bessel functions, which turn by a phase.

An image is Re Σ_mk c_mk J_m(λ_mk r / R) e^{imθ} N_mk, λ_mk the k-th zero of J_m up to a band limit: those
are the Laplacian's eigenfunctions on the disc (Z. Zhao, A. Singer, J. Opt. Soc. Am. A 30, 871 (2013),
section 2). Turned anticlockwise by β, c_m becomes c_m e^{−imβ}, whatever β: only going to the grid of pixels
and back is inexact.
"""

from __future__ import annotations

import functools

import numpy as np
from scipy import ndimage, special

from demetar.data.sets import digits

WIDTH, RADIUS, LIMIT = 28, 14.0, 18.0  # pixels of an image, of the disc; the largest λ
ENLARGED, QUIET = 2.5, 4  # from 8 × 8 to 20 × 20, and a border in which a digit turns


@functools.cache
def images(split: str) -> tuple[np.ndarray, np.ndarray]:
    """All digits of a split, enlarged: [n, 28, 28] from 0 to about 1, and what they show [n]."""
    small, shown = digits.read(split=split)
    zoom = functools.partial(ndimage.zoom, order=3, grid_mode=True, mode="grid-constant")
    large = np.stack([np.asarray(zoom(image / 16.0, ENLARGED)) for image in small])
    return np.pad(np.maximum(large, 0), ((0, 0), (QUIET, QUIET), (QUIET, QUIET))), shown.astype(int)


@functools.cache
def zeros() -> tuple[np.ndarray, ...]:
    """The λ_mk up to LIMIT of each order m = 0, 1, … that has any."""
    found = []
    while len(first := special.jn_zeros(len(found), 10)) and first[0] <= LIMIT:
        found.append(first[first <= LIMIT])
    return tuple(found)


@functools.cache
def mask() -> np.ndarray:
    """Which [orders, most zeros] of an array of coefficients are there."""
    count = [len(row) for row in zeros()]
    return np.arange(max(count)) < np.array(count)[:, None]


def disc() -> np.ndarray:
    """Which pixels [28, 28] lie in the disc."""
    y, x = np.indices((WIDTH, WIDTH)) - (WIDTH - 1) / 2
    return x**2 + y**2 < RADIUS**2


@functools.cache
def _basis() -> np.ndarray:
    """The functions [28, 28, orders, zeros], complex, of unit length over the disc; 0 where none is."""
    row, column = np.indices((WIDTH, WIDTH)) - (WIDTH - 1) / 2
    r, theta = np.hypot(row, column), np.arctan2(-row, column)
    made = np.zeros((WIDTH, WIDTH, *mask().shape), complex)
    for m, lambdas in enumerate(zeros()):
        for k, x in enumerate(lambdas):
            norm = np.sqrt((2 if m else 1) / np.pi) / (RADIUS * abs(special.jv(m + 1, x)))
            made[:, :, m, k] = norm * special.jv(m, x * r / RADIUS) * np.exp(1j * m * theta)
    return np.where(disc()[:, :, None, None], made, 0)


@functools.cache
def _fit() -> np.ndarray:
    """The matrix [2 · coefficients, pixels] of least squares on the pixels of the disc."""
    basis = _basis()[:, :, mask()].reshape(WIDTH**2, -1)
    return np.linalg.pinv(np.concatenate([np.real(basis), -np.imag(basis)], 1), rcond=1e-9)


def analysed(pictures: np.ndarray) -> np.ndarray:
    """The coefficients [n, orders, zeros] nearest to images [n, 28, 28] on the disc."""
    flat = (np.asarray(pictures, float) * disc()).reshape(len(pictures), -1) @ _fit().T
    real, imaginary = np.split(flat, 2, 1)
    made = np.zeros((len(pictures), *mask().shape), complex)
    made[:, mask()] = real + 1j * imaginary
    made[:, 0] = np.real(made[:, 0])
    return made


def drawn(coefficients: np.ndarray) -> np.ndarray:
    """The images [n, 28, 28] of coefficients, on the grid of pixels."""
    return np.einsum("nmk,hwmk->nhw", coefficients, _basis()).real


def turned(coefficients: np.ndarray, degrees: float) -> np.ndarray:
    """The coefficients of the image turned anticlockwise."""
    order = np.arange(len(zeros()))[:, None]
    return coefficients * np.exp(-1j * order * np.radians(degrees))
