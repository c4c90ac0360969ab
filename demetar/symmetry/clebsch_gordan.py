"""Clebsch–Gordan coefficients of the real irreps of SO(3) in e3nn's basis.

Computed here, and tested against e3nn-jax, because loading that package takes longer than tracing
and compiling a small model.
"""

import functools
from fractions import Fraction
from math import factorial, sqrt

import numpy as np
from jaxtyping import Complex, Float


@functools.cache
def clebsch_gordan(l1: int, l2: int, l3: int) -> Float[np.ndarray, "2*{l1}+1 2*{l2}+1 2*{l3}+1"]:
    """Real coupling [2l1+1, 2l2+1, 2l3+1] of degrees l1 and l2 to l3, Frobenius norm 1, float64.

    Signs and basis are e3nn's. Zero where the degrees do not obey the triangle rule.
    """
    coupling = np.zeros((2 * l1 + 1, 2 * l2 + 1, 2 * l3 + 1))
    if abs(l1 - l2) <= l3 <= l1 + l2:
        for m1 in range(-l1, l1 + 1):
            for m2 in range(max(-l2, -l3 - m1), min(l2, l3 - m1) + 1):
                coupling[l1 + m1, l2 + m2, l3 + m1 + m2] = _racah(l1, m1, l2, m2, l3)
    q1, q2, q3 = map(_real_to_complex, (l1, l2, l3))
    real = np.einsum("ia,jb,kc,ijk->abc", q1, q2, q3.conj(), coupling).real / sqrt(2 * l3 + 1)
    real.flags.writeable = False  # the same array is handed out again
    return real


def _racah(l1: int, m1: int, l2: int, m2: int, l3: int) -> float:
    """⟨l1 m1 l2 m2 | l3 m1+m2⟩ by Racah's sum (Edmonds 1957, equation 3.6.11), exact until the root."""
    m3, f = m1 + m2, factorial
    square = Fraction(
        (2 * l3 + 1)
        * f(l3 + l1 - l2)
        * f(l3 - l1 + l2)
        * f(l1 + l2 - l3)
        * f(l3 + m3)
        * f(l3 - m3),
        f(l1 + l2 + l3 + 1) * f(l1 - m1) * f(l1 + m1) * f(l2 - m2) * f(l2 + m2),
    )
    total = Fraction(0)
    for v in range(max(-l1 + l2 + m3, -l1 + m1, 0), min(l2 + l3 + m1, l3 - l1 + l2, l3 + m3) + 1):
        total += (-1) ** (v + l2 + m2) * Fraction(
            f(l2 + l3 + m1 - v) * f(l1 - m1 + v),
            f(v) * f(l3 - l1 + l2 - v) * f(l3 + m3 - v) * f(v + l1 - l2 - m3),
        )
    return sqrt(square) * float(total)


@functools.cache
def _real_to_complex(l: int) -> Complex[np.ndarray, "2*{l}+1 2*{l}+1"]:
    """Rows: complex harmonics in terms of e3nn's real ones; the phase (−i)^l keeps couplings real."""
    q = np.zeros((2 * l + 1, 2 * l + 1), complex)
    q[l, l] = 1
    for m in range(1, l + 1):
        q[l - m, [l + m, l - m]] = np.array([1, -1j]) / sqrt(2)
        q[l + m, [l + m, l - m]] = (-1) ** m * np.array([1, 1j]) / sqrt(2)
    return (-1j) ** l * q
