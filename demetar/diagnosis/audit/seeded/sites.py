"""Faults inside the energy of a site, with exact derivatives: forces are −dE/dx all the same."""

from __future__ import annotations

from typing import Any

import numpy as np

from demetar.diagnosis.audit.seeded.potential import Potential, invariant

Terms = tuple[Any, Any]


class Biased(Potential):
    """The sound potential and a term of the vectors [n, 3, 3] that prefers directions."""

    def term(self, v: Any) -> Terms:
        """Energy [n] of the term and its derivative [n, 3, 3]."""
        raise NotImplementedError

    def site(self, rho: Any, v: Any) -> tuple[Any, Any, Any]:  # pyright: ignore
        """The sound site energy and the term."""
        e, de, dv = invariant(rho, v)
        more, slope = self.term(v)
        return e + more, de, dv + slope


class VectorBias(Biased):
    """A bias (0.1, 0.1, 0.1) on each vector before its length is taken."""

    def term(self, v: Any) -> Terms:
        """0.1 Σ |v + b|²."""
        shifted = v + 0.1
        return 0.1 * (shifted**2).sum((1, 2)), 0.2 * shifted


class VectorNorm(Biased):
    """Weights and biases of each channel and component, as an affine normalisation has."""

    def term(self, v: Any) -> Terms:
        """0.1 Σ |w v + b|², w and b of shape [channels, 3]."""
        rng = np.random.default_rng(1)
        w, b = 1 + 0.3 * rng.standard_normal((3, 3)), 0.1 * rng.standard_normal((3, 3))
        return 0.1 * ((w * v + b) ** 2).sum((1, 2)), 0.2 * w * (w * v + b)


class CubicFrame(Biased):
    """A frame along x, y and z: fourth powers of components."""

    def term(self, v: Any) -> Terms:
        """0.05 Σ v_a⁴."""
        return 0.05 * (v**4).sum((1, 2)), 0.2 * v**3


class SphereGrid(Biased):
    """An activation at points of a grid on the sphere: five latitudes of seven points."""

    def term(self, v: Any) -> Terms:
        """The mean of SiLU(4 v · n) over the grid's points n."""
        x, weights = np.polynomial.legendre.leggauss(5)
        angle = 2 * np.pi * np.arange(7) / 7
        s = np.sqrt(1 - x**2)
        points = np.stack(
            [np.outer(s, np.cos(angle)), np.outer(s, np.sin(angle)), np.outer(x, np.ones(7))], -1
        ).reshape(-1, 3)
        w = np.repeat(weights, 7) / 14
        u = 4 * np.einsum("ncx,px->ncp", v, points)
        gate = 1 / (1 + np.exp(-u))
        slope = 4 * np.einsum("ncp,p,px->ncx", gate * (1 + u * (1 - gate)), w, points)
        return (u * gate * w).sum((1, 2)), slope


class RoundedConstants(Biased):
    """Coefficients of a coupling in single precision: the identity up to 3e-8."""

    def term(self, v: Any) -> Terms:
        """vᵀ C v with C a rotation's product with its transpose, its entries rounded."""
        q = np.linalg.qr(np.random.default_rng(2).standard_normal((3, 3)))[0]
        c = q.astype(np.float32).astype(float)
        c = c.T @ c
        return 0.3 * np.einsum("ncx,xy,ncy->n", v, c, v), 0.6 * v @ c


class FastMatmul(Potential):
    """The vectors and densities are rounded to eight bits before they are multiplied."""

    def site(self, rho: Any, v: Any) -> tuple[Any, Any, Any]:  # pyright: ignore
        """The sound energy of rounded features."""
        return tuple(short(x) for x in invariant(short(rho), short(v)))  # pyright: ignore


def short(x: Any) -> Any:
    """Rounded to the eight significant bits of bfloat16."""
    mantissa, exponent = np.frexp(x)
    return np.ldexp(np.round(mantissa * 256) / 256, exponent)


class AxisOrder(Biased):
    """The second vector has its axes as y, z, x where the first has x, y, z."""

    def term(self, v: Any) -> Terms:
        """0.2 v₁ · P v₂."""
        e = 0.2 * (v[:, 0] * np.roll(v[:, 1], -1, axis=1)).sum(-1)
        slope = np.zeros_like(v)
        slope[:, 0], slope[:, 1] = 0.2 * np.roll(v[:, 1], -1, 1), 0.2 * np.roll(v[:, 0], 1, 1)
        return e, slope


class Handed(Biased):
    """A triple product: it turns with the atoms and changes its sign under inversion."""

    def term(self, v: Any) -> Terms:
        """0.5 v₁ · (v₂ × v₃)."""
        a, b, c = v[:, 0], v[:, 1], v[:, 2]
        e = 0.5 * (a * np.cross(b, c)).sum(-1)
        return e, 0.5 * np.stack([np.cross(b, c), np.cross(c, a), np.cross(a, b)], 1)


class Gain(Biased):
    """Components multiplied by 1, 1.2 and 0.7."""

    def term(self, v: Any) -> Terms:
        """0.1 Σ |g v|²."""
        g = np.array([1.0, 1.2, 0.7]) ** 2
        return 0.1 * (g * v**2).sum((1, 2)), 0.2 * g * v


class Relu(Biased):
    """A ReLU on the components of vectors, squared so that forces are continuous."""

    def term(self, v: Any) -> Terms:
        """0.2 Σ max(v_a, 0)²."""
        up = np.maximum(v, 0)
        return 0.2 * (up**2).sum((1, 2)), 0.4 * up


class MeanSubtraction(Biased):
    """The mean over x, y, z is taken off each vector before its length is taken."""

    def term(self, v: Any) -> Terms:
        """0.2 Σ |v − mean(v)|²."""
        away = v - v.mean(2, keepdims=True)
        return 0.2 * (away**2).sum((1, 2)), 0.4 * away


class Perceptron(Biased):
    """A perceptron of all components: nothing but its training could make it symmetric."""

    def term(self, v: Any) -> Terms:
        """0.1 Σ tanh(W v + b), sixteen units."""
        rng = np.random.default_rng(3)
        w, b = 1.5 * rng.standard_normal((16, 9)), rng.standard_normal(16)
        t = np.tanh(v.reshape(len(v), 9) @ w.T + b)
        return 0.1 * t.sum(1), (0.1 * (1 - t**2) @ w).reshape(v.shape)
