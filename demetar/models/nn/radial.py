"""Functions of the distance: bases that an edge perceptron reads, envelopes that end smoothly."""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from demetar.core.arrays import Array


def gaussian(r: Float[Array, "rows 1"], cutoff: float, count: int) -> Float[Array, "rows count"]:
    """Gaussians of r, centred evenly from 0 to the cutoff, one spacing wide.

    Schütt et al. 2017 (SchNet), section 4.1.
    """
    centres = jnp.asarray(np.linspace(0, cutoff, count), r.dtype)
    width = cutoff / max(count - 1, 1)
    return jnp.exp(-0.5 * jnp.square((r - centres) / width))


def bessel(r: Float[Array, "rows 1"], cutoff: float, count: int) -> Float[Array, "rows count"]:
    """√(2/c) sin(nπr/c)/r for n = 1 … count, finite at r = 0.

    Gasteiger et al. 2020 (DimeNet), equation 7.
    """
    n = jnp.asarray(np.arange(1, count + 1), r.dtype)
    return np.sqrt(2 / cutoff) * (np.pi / cutoff) * n * jnp.sinc(n * r / cutoff)


def exponential_normal(
    r: Float[Array, "rows 1"], cutoff: float, count: int
) -> Float[Array, "rows count"]:
    """exp(−β (e^(−5r/c) − μ)²) with μ evenly from e^(−c/Å) to 1.

    Unke, Meuwly 2019 (PhysNet), equation 7, with TorchMD-NET's 5/c, which makes it fit any cutoff.
    """
    start = np.exp(-cutoff)
    centres = jnp.asarray(np.linspace(start, 1, count), r.dtype)
    sharpness = (2 / count * (1 - start)) ** -2
    return jnp.exp(-sharpness * jnp.square(jnp.exp(-5 / cutoff * r) - centres))


def polynomial_envelope(
    r: Float[Array, "rows 1"], cutoff: float, power: int = 6
) -> Float[Array, "rows 1"]:
    """1 at r = 0, 0 from the cutoff on, with two continuous derivatives there.

    Gasteiger et al. 2020 (DimeNet), equation 8.
    """
    u = jnp.minimum(r / cutoff, 1)
    # Their 1 − (p+1)(p+2)/2 u^p + p(p+2) u^(p+1) − p(p+1)/2 u^(p+2), by its triple root at 1: near
    # the cutoff that form would lose all digits.
    total = sum((k + 1) * (k + 2) // 2 * u**k for k in range(power))
    return (1 - u) ** 3 * total


def cosine_envelope(r: Float[Array, "rows 1"], cutoff: float) -> Float[Array, "rows 1"]:
    """(1 + cos(πr/c))/2 below the cutoff, 0 beyond: one continuous derivative there.

    Behler, Parrinello 2007, equation 3.
    """
    return jnp.where(r < cutoff, 0.5 * (1 + jnp.cos(np.pi * r / cutoff)), 0)


def no_envelope(r: Float[Array, "rows 1"], cutoff: float) -> Float[Array, "rows 1"]:
    """1 everywhere: edges end where the graph ends."""
    return jnp.ones_like(r)


ENVELOPES: dict[str, Callable[[Float[Array, "rows 1"], float], Float[Array, "rows 1"]]] = {
    "polynomial": polynomial_envelope, "cosine": cosine_envelope, "none": no_envelope,
}  # fmt: skip
