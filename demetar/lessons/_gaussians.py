"""Densities made of Gaussian functions about atoms: their values, their integrals, a grid to integrate on.

Lengths in bohr, densities in electrons per bohr³. The grid is A. Becke's (J. Chem. Phys. 88, 2547 (1988)):
atoms share space by smooth weights, about each stand shells of a Gauss–Chebyshev rule.
"""

from __future__ import annotations

import functools
from math import gamma

import numpy as np

from demetar.data.sets import _electrons
from demetar.symmetry.clebsch_gordan import clebsch_gordan

BOHR = 0.529177210903  # Å (CODATA 2018)
SHELLS = (6, 4, 3)
STARTS = tuple(np.cumsum([0, *(n * (2 * l + 1) for l, n in enumerate(SHELLS))]).tolist())
WIDTH = STARTS[-1]


@functools.cache
def primitives(z: int) -> np.ndarray:
    """Rows (degree, number of the shell, exponent, weight) of an element's functions."""
    table = _electrons.stored("density")["basis"]
    return table[table[:, 0] == z, 1:]


@functools.cache
def _quadratic() -> np.ndarray:
    """[3, 3, 5]: solid harmonics of degree 2 as x_a x_b times these, |Y|² = 5 on the unit sphere."""
    table = clebsch_gordan(1, 1, 2)
    return table * np.sqrt(5) / np.linalg.norm(table[2, 2])


def harmonics(vectors: np.ndarray) -> list[np.ndarray]:
    """Solid harmonics [rows, 2l+1] of degrees 0, 1, 2 in e3nn's order, |Y|² = 2l + 1 on the unit sphere."""
    square = vectors[:, :, None] * vectors[:, None, :]
    return [
        np.ones((len(vectors), 1)),
        np.sqrt(3) * vectors,
        np.tensordot(square, _quadratic(), ([1, 2], [0, 1])),
    ]


def radial(z: int, square: np.ndarray) -> np.ndarray:
    """[points, shells of s, p, d together]: the radial part of each shell at squared distances."""
    found = np.zeros((len(square), sum(SHELLS)))
    first = np.cumsum([0, *SHELLS])
    for l, k, exponent, weight in primitives(z):
        found[:, first[int(l)] + int(k)] += weight * np.exp(-exponent * square)
    return found


def density(
    points: np.ndarray, species: np.ndarray, positions: np.ndarray, c: np.ndarray
) -> np.ndarray:
    """ρ [points] at points [points, 3] in bohr; positions [n, 3] in Å, c [n, WIDTH] in e3nn's order."""
    found = np.zeros(len(points))
    for z, place, row in zip(species, positions / BOHR, c, strict=True):
        away = points - place
        parts = radial(int(z), (away**2).sum(1))
        first = 0
        for l, y in enumerate(harmonics(away)):
            rows = row[STARTS[l] : STARTS[l + 1]].reshape(SHELLS[l], 2 * l + 1)
            found += ((y @ rows.T) * parts[:, first : first + SHELLS[l]]).sum(1)
            first += SHELLS[l]
    return found


def electrons(species: np.ndarray, c: np.ndarray) -> float:
    """∫ ρ, to which s functions alone contribute: w (π / α)^{3/2} each."""
    total = 0.0
    for z, row in zip(species, c, strict=True):
        for l, k, exponent, weight in primitives(int(z)):
            if l == 0:
                total += row[int(k)] * weight * (np.pi / exponent) ** 1.5
    return float(total)


def norms(z: int) -> np.ndarray:
    """√∫ χ² [WIDTH] of each function of an element; zero where it has none."""
    square = np.zeros(WIDTH)
    rows = primitives(z)
    for l, k, a, v in rows:
        for other, j, b, w in rows:
            if (other, j) == (l, k):
                start = STARTS[int(l)] + int(k) * int(2 * l + 1)
                size = 4 * np.pi * v * w * gamma(l + 1.5) / (2 * (a + b) ** (l + 1.5))
                square[start : start + int(2 * l + 1)] += size
    return np.sqrt(square)


@functools.cache
def _sphere(degree: int = 11) -> tuple[np.ndarray, np.ndarray]:
    """Directions [points, 3] and weights (of sum 4π) exact for polynomials up to this degree."""
    z, weight = np.polynomial.legendre.leggauss((degree + 1) // 2)
    around = 2 * np.pi * np.arange(degree + 1) / (degree + 1)
    flat = np.sqrt(1 - z**2)[:, None]
    points = np.stack(
        [flat * np.cos(around), flat * np.sin(around), np.tile(z[:, None], (1, len(around)))], -1
    )
    weights = np.repeat(weight * 2 * np.pi / len(around), len(around))
    return points.reshape(-1, 3), weights


def grid(positions: np.ndarray, shells: int = 36) -> tuple[np.ndarray, np.ndarray]:
    """Points [points, 3] in bohr and weights for integrals over space about positions [n, 3] in Å."""
    directions, solid_angle = _sphere()
    t = np.cos(np.pi * np.arange(1, shells + 1) / (shells + 1))
    r = (1 + t) / (1 - t)
    # Chebyshev's second kind, r = (1 + t) / (1 − t): dr = 2 / (1 − t)² dt
    steps = np.pi / (shells + 1) * np.sqrt(1 - t**2) * 2 / (1 - t) ** 2
    local = (r[:, None, None] * directions).reshape(-1, 3)
    weights = ((r**2 * steps)[:, None] * solid_angle).reshape(-1)
    places = positions / BOHR
    points = (places[:, None] + local).reshape(-1, 3)
    away = np.linalg.norm(points[:, None] - places, axis=-1)
    share = np.ones_like(away)
    for i in range(len(places)):
        for j in set(range(len(places))) - {i}:
            mu = (away[:, i] - away[:, j]) / np.linalg.norm(places[i] - places[j])
            for _ in range(3):
                mu = 1.5 * mu - 0.5 * mu**3
            share[:, i] *= (1 - mu) / 2
    own = np.repeat(np.arange(len(places)), len(local))
    part = share[np.arange(len(own)), own] / share.sum(1)
    return points, np.tile(weights, len(places)) * part
