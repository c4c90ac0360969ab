"""The viewer's colours and scales, and the checks that every description of a scene goes through."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from demetar.core.errors import InputError

# Okabe & Ito, "Color Universal Design" (2008); the browser lightens the dark ones on a dark page.
BLUE, VERMILLION, GREEN = "#0072B2", "#D55E00", "#009E73"
ORANGE, SKY, PURPLE = "#E69F00", "#56B4E9", "#CC79A7"
GREY = "#8A94A3"

MAX_ATOMS = 20_000
BALL = 0.24  # of the van der Waals radius
RADII = {
    "H": 1.2,
    "C": 1.7,
    "N": 1.55,
    "O": 1.52,
    "F": 1.47,
    "P": 1.8,
    "S": 1.8,
    "Cl": 1.75,
}  # Å, as 3Dmol
SLEEVE, RESIDUAL = "#66717F", "#7B4FA3"
PLUS, MINUS = "#3C8D6E", "#B08A2E"  # of charges: neither model's hue, and each bears its sign
MODEL_A, MODEL_B = "#0072B2", "#C24E00"
_HEX = re.compile(r"#[0-9a-fA-F]{6}")

Array = NDArray[np.float64]


def finite(name: str, value: ArrayLike, shape: tuple[int | None, ...]) -> Array:
    """`value` as float64 of that shape (None: any size); InputError if not finite numbers."""
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(
            f"Expected numbers as {name} for the viewer, got something else; check the input."
        ) from None
    wanted = "×".join("n" if size is None else str(size) for size in shape)
    fits = array.ndim == len(shape) and all(
        want is None or want == got for want, got in zip(shape, array.shape, strict=True)
    )
    if not fits:
        got = "×".join(map(str, array.shape)) or "a single number"
        raise InputError(
            f"Expected {name} of size {wanted} for the viewer, got {got}; correct them."
        )
    if not np.isfinite(array).all():
        raise InputError(
            f"Expected finite {name} for the viewer, got NaN or infinity; check the input or "
            "the model's output."
        )
    if array.shape and array.shape[0] > MAX_ATOMS:
        raise InputError(
            f"Expected at most {MAX_ATOMS} {name} for the viewer, got {array.shape[0]}; "
            "leave some out."
        )
    return array


def checked_color(value: str) -> str:
    if not _HEX.fullmatch(value):
        raise InputError(f"Expected a colour such as #0072B2, got {value!r}; correct it.")
    return value


def ball_radii(species: Sequence[str]) -> Array:
    """Radii [n] in Å of the balls by which the viewer draws these elements."""
    return np.array([BALL * RADII.get(symbol, 1.8) for symbol in species])


def fitting_scale(vectors: ArrayLike, longest: float = 1.4) -> float:
    """Å per unit that draws the longest vector `longest` Å long; 1.0 when every vector is zero."""
    top = float(np.linalg.norm(finite("vectors", vectors, (None, 3)), axis=1).max(initial=0.0))
    return longest / top if top else 1.0


def arrow_scale(vectors: ArrayLike, longest: float = 1.8) -> float:
    """Å per unit, of the form 1, 2 or 5 × 10^k, that draws the longest vector within `longest` Å.

    1.0 when every vector is zero. Compute it once from a reference so that sets compare.
    """
    top = float(np.linalg.norm(finite("vectors", vectors, (None, 3)), axis=1).max(initial=0.0))
    if top == 0.0:
        return 1.0
    wanted = longest / top
    power = 10.0 ** np.floor(np.log10(wanted))
    return float(max(step * power for step in (1.0, 2.0, 5.0) if step * power <= wanted))


def magnifier(vectors: ArrayLike, scale: float, visible: float = 0.3) -> float:
    """The smallest power of ten ≥ 1 that draws the longest vector at least `visible` Å long."""
    top = float(np.linalg.norm(finite("vectors", vectors, (None, 3)), axis=1).max(initial=0.0))
    if top == 0.0 or top * scale >= visible:
        return 1.0
    return float(10.0 ** np.ceil(np.log10(visible / (top * scale))))
