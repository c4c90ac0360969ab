"""The orientation spectrum: which degrees ℓ a prediction carries as a function of the orientation.

F(R) = D(R)⁻¹ f(R·x) is one answer for all R where f is equivariant. Otherwise it is a function on
SO(3), expanded in Wigner functions (Peter and Weyl, 1927):

    F̂ˡ_mn = ∫ F(R) Dˡ_mn(R) dR,   ∫ |F|² dR = Σ_l (2l + 1) Σ_mn |F̂ˡ_mn|² = Σ_l P_l.

The degrees tell causes apart: a fixed axis is ℓ = 1, a cubic frame ℓ = 4 and 6, a coarse grid high ℓ. The
integral is a product rule in Euler angles: 13 equidistant α and γ, 7 Gauss–Legendre nodes in cos β. It is
exact for products of two functions of degree ≤ 6 (Kostelec, Rockmore, "FFTs on the rotation group", J.
Fourier Anal. Appl. 14, 145 (2008), section 2), so degrees up to 6 are exact where no higher ones are.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from demetar.core.errors import InputError
from demetar.core.graph import Graph
from demetar.core.numerics import check_dtype
from demetar.core.output import Output
from demetar.symmetry.elements import from_matrix
from demetar.symmetry.equivariance import measure
from demetar.symmetry.irreps import parse_irreps, wigner
from demetar.symmetry.predictor import Function, Predictor

DEGREES = 6


@dataclasses.dataclass(frozen=True)
class Spectrum:
    """Power by degree [7] of an output, over the squared scale of Δ_EQ; `beyond`: all higher degrees.

    The square root of what stands beside ℓ = 0 is the spread of the answers over orientations.
    """

    power: Float[np.ndarray, " degrees"]
    beyond: float


@functools.cache
def quadrature(
    degrees: int = DEGREES,
) -> tuple[Float[np.ndarray, "points 3 3"], Float[np.ndarray, " points"]]:
    """Rotations [points, 3, 3] and weights [points] of sum 1, exact for degrees up to 2·degrees."""
    cosines, weights = np.polynomial.legendre.leggauss(degrees + 1)
    turns = 2 * np.pi * np.arange(2 * degrees + 1) / (2 * degrees + 1)
    a, b, c = np.meshgrid(turns, np.arccos(cosines), turns, indexing="ij")
    angles = np.stack([a, b, c], -1).reshape(-1, 3)
    whole = np.broadcast_to(weights[None, :, None], a.shape).ravel()
    return Rotation.from_euler("ZYZ", angles).as_matrix(), whole / whole.sum()


@functools.cache
def _functions(degree: int) -> Float[np.ndarray, "points 2*{degree}+1 2*{degree}+1"]:
    """Dˡ [points, 2l+1, 2l+1] at the points of the quadrature, float64."""
    with jax.enable_x64(True):
        matrices = jnp.asarray(quadrature()[0])
        return np.asarray(jax.jit(jax.vmap(lambda r: wigner(f"{degree}e", r)))(matrices))


class _Only:
    """A predictor that gives some of its outputs, so that nothing is computed for the others."""

    def __init__(self, f: Any, names: tuple[str, ...]) -> None:
        self.f, self.rms, self.centred = f, f.rms, f.centred
        self.prepare, self.varying = f.prepare, f.varying
        self.function = _only(f.function, names)


@functools.lru_cache(maxsize=64)
def _only(function: Function, names: tuple[str, ...]) -> Function:
    def some(params: Any, graph: Graph) -> Output:
        values = function(params, graph).values
        missing = [name for name in names if name not in values]
        if missing:
            raise InputError(
                f"Expected an output among {', '.join(values)}, got {missing[0]!r}; choose one."
            )
        return Output({name: values[name] for name in names})

    return some


def spectrum(
    f: Any,
    graph: Graph,
    outputs: tuple[str, ...] = (),
    dtype: str = "float32",
    budget: float | None = None,
) -> dict[str, Spectrum]:
    """The orientation spectrum of every output, or of the named ones of a run (which costs less).

    1,183 orientations of the one system. Raises InputError as measure() does, and for an unknown output.
    """
    check_dtype(dtype)
    if outputs and isinstance(f, Predictor):
        f = _Only(f, outputs)
    matrices, weights = quadrature()
    m = measure(
        f,
        graph,
        "SO(3)",
        dtype=dtype,
        elements=from_matrix(matrices),
        layers=False,
        rebuild=False,
        budget=budget,
    )
    found = {}
    for name, kind in m.kinds.items():
        rows = turned_back(kind.irreps, m.move_then_predict[name], matrices)
        found[name] = expanded(rows.reshape(len(rows), -1), weights, m.scale[name].mean())
    return found


def expanded(
    rows: Float[np.ndarray, "points entries"], weights: Float[np.ndarray, " points"], scale: float
) -> Spectrum:
    """The spectrum of a function [points, entries] on the quadrature."""
    mean = weights @ rows
    varying = rows - mean  # so that a large constant costs no digits of the rest
    power = [float(mean @ mean)]
    for degree in range(1, DEGREES + 1):
        part = np.einsum("p,pmn,pi->mni", weights, _functions(degree), varying, optimize=True)
        power.append(float((2 * degree + 1) * np.square(part).sum()))
    whole = float(weights @ np.square(varying).sum(1))
    return Spectrum(np.array(power) / scale**2, max(whole - sum(power[1:]), 0.0) / scale**2)


def turned_back(
    irreps: str,
    rows: Float[np.ndarray, "points rows dim"],
    matrices: Float[np.ndarray, "points 3 3"],
) -> Float[np.ndarray, "points rows dim"]:
    """D(R)⁻¹ of the rows [points, rows, dim], float64."""
    parts, start = [], 0
    for mul, irrep in parse_irreps(irreps):
        degree = int(irrep[:-1])
        size = 2 * degree + 1
        block = rows[:, :, start : start + mul * size].reshape(*rows.shape[:2], mul, size)
        turned = np.einsum("pji,pnmj->pnmi", _functions(degree), block)
        parts.append(turned.reshape(*rows.shape[:2], -1))
        start += mul * size
    return np.concatenate(parts, -1)
