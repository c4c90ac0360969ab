"""Irreps of O(3): their notation, their matrices D(g) and their spherical harmonics.

Components in e3nn's order (x, y, z for l = 1). Sources: Thomas et al. 2018 (arXiv:1802.08219), section
4.1; M. Geiger, T. Smidt, "e3nn: Euclidean Neural Networks" (arXiv:2207.09453). Tested against e3nn-jax.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from functools import partial
from math import sqrt

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from demetar.core.arrays import Array
from demetar.core.segments import norm
from demetar.symmetry.clebsch_gordan import clebsch_gordan

exact_einsum = partial(jnp.einsum, precision="highest")


def wigner(irrep: str, matrix: Float[Array, "3 3"]) -> Float[Array, "dim dim"]:
    """Matrix [2l+1, 2l+1] of a group element on an irrep such as "1o", in e3nn's component order.

    `matrix` [3, 3] is orthogonal; improper ones act with the irrep's parity. Degree l is the part
    of (l − 1) ⊗ 1 that transforms as l, so entries are polynomials in the matrix and small angles
    keep their digits: by way of Euler angles float32 loses up to 6e-5 of them.
    """
    degree, parity = int(irrep[:-1]), irrep[-1]
    improper = jnp.sign(jnp.linalg.det(matrix)).astype(matrix.dtype)
    sign = improper if parity == "o" else jnp.ones((), matrix.dtype)
    if degree == 0:
        return sign * jnp.ones((1, 1), matrix.dtype)
    proper = turned = matrix * improper
    for l in range(2, degree + 1):
        # Orthonormal rows that take degree l out of (l − 1) ⊗ 1.
        coupling = np.sqrt(2 * l + 1) * clebsch_gordan(l - 1, 1, l)
        coupling = jnp.asarray(coupling, matrix.dtype)
        turned = exact_einsum("iam,ij,ab,jbn->mn", coupling, turned, proper, coupling)
    return sign * turned


def parse_irreps(text: str) -> list[tuple[int, str]]:
    """(multiplicity, irrep) of each term of e3nn's notation, such as "2x0e + 1o"."""
    terms = [re.fullmatch(r"(?:(\d+)x)?(\d+[eo])", part.strip()) for part in text.split("+")]
    if not all(terms):
        raise ValueError(f"expected irreps such as '2x0e + 1o', got {text!r}")
    return [(int(term[1] or 1), term[2]) for term in terms if term]


Features = dict[str, Array]


def degree(irrep: str) -> int:
    """l of an irrep such as "2e"."""
    return int(irrep[:-1])


def parse(spec: str) -> dict[str, int]:
    """Channels by irrep from e3nn's notation, such as "8x0e + 8x1o"; repeated terms add up.

    Raises ValueError where a term is none.
    """
    found: dict[str, int] = {}
    for channels, irrep in parse_irreps(spec):
        found[irrep] = found.get(irrep, 0) + channels
    return found


def unparse(channels: dict[str, int]) -> str:
    """The notation of parse() for channels by irrep; irreps without channels are left out."""
    return " + ".join(f"{n}x{irrep}" for irrep, n in channels.items() if n)


def natural(lmax: int) -> tuple[str, ...]:
    """The irreps of spherical harmonics up to lmax: "0e", "1o", "2e", …"""
    return tuple(f"{l}{'eo'[l % 2]}" for l in range(lmax + 1))


def direction(vectors: Float[Array, "rows 3"]) -> Float[Array, "rows 3"]:
    """Unit vectors [rows, 3]; a zero vector stays zero, with a gradient of zero."""
    length = norm(vectors)
    return vectors / jnp.where(length > 0, length, 1)


def harmonics(vectors: Float[Array, "rows 3"], irreps: Iterable[str]) -> Features:
    """Solid harmonics [rows, 2l+1] of the irreps: polynomials of degree l in the vectors [rows, 3].

    Of unit vectors (see direction) they are the real spherical harmonics with |Y_l|² = 2l + 1; of a
    zero vector all but l = 0 vanish. A parity that differs from (−1)^l is taken as asked: "1e"
    gives the same numbers under another name, a choice that forgoes reflections.
    """
    irreps = tuple(irreps)
    powers = [jnp.ones_like(vectors[:, :1])]
    for l in range(1, max(map(degree, irreps), default=0) + 1):
        products = (powers[-1][:, :, None] * vectors[:, None, :]).reshape(len(vectors), -1)
        step = jnp.asarray(_step(l), vectors.dtype)
        powers.append(jnp.matmul(products, step, precision="highest"))
    return {irrep: powers[degree(irrep)] for irrep in irreps}


@functools.cache
def _step(l: int) -> Float[np.ndarray, "(2*{l}-1)*3 2*{l}+1"]:
    """[(2l−1)·3, 2l+1] that takes Y_{l−1} ⊗ x to Y_l; |Y_l|² of the polar axis fixes its factor."""
    step = clebsch_gordan(l - 1, 1, l)
    polar = np.array([0.0, 1.0, 0.0])
    y = np.ones(1)
    for k in range(1, l):
        y = np.outer(y, polar).reshape(-1) @ _step(k)
    factor = sqrt(2 * l + 1) / np.linalg.norm(np.einsum("abm,a,b->m", step, y, polar))
    return factor * step.reshape(-1, 2 * l + 1)
