"""Group-invariant autoencoders: a code that no g changes, a g that is found, and the two put together.

η(g·x) = η(x), ψ(g·x) = g ψ(x), x̂ = ψ(x)·δ(η(x)): R. Winter, M. Bertolini, T. Le, F. Noé, D.-A. Clevert,
NeurIPS 2022 (arXiv:2202.07559), section 3. Two trained ones, both much smaller than the paper's: digits under
SO(2) (`_digits`, in circular harmonics, where every turn is exact; on the grid of pixels quarter turns are),
and Tetris shapes under SE(3) x S_n (the model `autoencoder`). Where some h leaves x as it is, ψ(x) = ψ(h·x) =
h ψ(x) has no solution: then ψ's vectors vanish. `demetar lesson autoencoders` trains the former again.
"""

from __future__ import annotations

import functools
from typing import Any

import jax
import numpy as np
from scipy.spatial.transform import Rotation

from demetar.core.disk import home
from demetar.data.sets import clouds
from demetar.lessons import _descent as descent
from demetar.lessons import _digits as digits
from demetar.lessons import _harmonics as harmonics
from demetar.lessons._apart import apart
from demetar.lessons._clouds import MOLECULES as MOLECULES
from demetar.lessons._clouds import MOLECULES_RUN as MOLECULES_RUN
from demetar.lessons._clouds import PLAIN_RUN as PLAIN_RUN
from demetar.lessons._clouds import RUN as RUN
from demetar.lessons._clouds import SHAKES as SHAKES
from demetar.lessons._clouds import SHAPES, cloud, in_plane, plain_cloud
from demetar.lessons._clouds import by_shake as by_shake
from demetar.lessons._clouds import clouds_errors as clouds_errors
from demetar.lessons._clouds import molecules_latent as molecules_latent
from demetar.lessons._clouds import shapes_latent as shapes_latent
from demetar.lessons._trained import place
from demetar.lessons.cnn import turn

FOLDER = "lesson-autoencoders"
train = descent.train  # what `demetar lesson autoencoders` calls
WAYS = ("harmonics", "pixels")
ANGLES = tuple(float(a) for a in range(0, 181, 15))


@functools.cache
def _params() -> dict[str, dict[str, np.ndarray]]:
    own = home() / "runs" / FOLDER / descent.PARAMS
    found = descent.read(own if own.is_file() else place(FOLDER) / descent.PARAMS)
    return {k: {n: v.astype(np.float64) for n, v in p.items()} for k, p in found.items()}


@functools.cache
def _compiled(function: Any) -> Any:
    return jax.jit(function, static_argnums=0) if function is digits.rebuilt else jax.jit(function)


def _asked(function: Any, *given: Any) -> Any:
    """A function of `_digits` in float64, as host numpy; compiled once for each number of pictures."""
    with jax.enable_x64(True):
        return jax.device_get(_compiled(function)(*given))


def _codes(c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return _asked(digits.encoded, _params()["equivariant"], c)


def _unit(v: np.ndarray) -> np.ndarray:
    return v / np.where(np.abs(v) > 0, np.abs(v), 1)


def picture(index: int, fold: int = 1) -> np.ndarray:
    """A test digit in harmonics [orders, zeros]; with `fold` n > 1 the mean of its n turns by 360°/n."""
    chosen = harmonics.images("test")[0]
    c = harmonics.analysed(chosen[index % len(chosen)][None])[0]
    return np.where(np.arange(len(c))[:, None] % fold == 0, c, 0)


def _turned(c: np.ndarray, degrees: np.ndarray | tuple[float, ...], way: str) -> np.ndarray:
    """The picture at each angle, turned in harmonics or on the grid of pixels."""
    if way == "harmonics":
        return np.stack([harmonics.turned(c, a) for a in degrees])
    image = harmonics.drawn(c[None])[0]
    return harmonics.analysed(np.stack([turn(image, a) for a in degrees]))


def digit(index: int, degrees: float, way: str = "harmonics", fold: int = 1) -> dict[str, Any]:
    """A digit and its copy turned by g through the autoencoder, as images [28, 28], and errors.

    Images, cut at 0: "x", "g·x", "δ(η(x))", "δ(η(g·x))", "x̂(x)", "x̂(g·x)". Errors: "code" of η(g·x) = η(x),
    "angle" of ψ(g·x) = g ψ(x) (a chord of the unit circle), "rebuilt" of x̂(g·x) = g·x̂(x), "without ψ" of
    δ(η) alone, "plain" and "plain code" of the plain autoencoder, "missed" of x̂(x) = x. "length" is |v| of
    ψ's vector, "degrees" its direction.
    """
    c = picture(index, fold)
    both = np.concatenate([c[None], _turned(c, (degrees,), way)])
    codes, v = _codes(both)
    canonical = _asked(digits.decoded, _params()["equivariant"], codes)
    made = _asked(digits.placed, canonical, v)
    plain = _asked(digits.rebuilt, "plain", _params()["plain"], both)
    plain_codes = _asked(digits.plain_code, _params()["plain"], both)
    phase = np.exp(-1j * np.radians(degrees))
    wanted = [harmonics.turned(y[0], degrees) for y in (made, canonical, plain)]
    shown = np.maximum(harmonics.drawn(np.concatenate([both, canonical, made])), 0)
    return dict(zip(("x", "g·x", "δ(η(x))", "δ(η(g·x))", "x̂(x)", "x̂(g·x)"), shown)) | {
        "code": apart(codes[1], codes[0]),
        "angle": float(abs(_unit(v)[1] - _unit(v)[0] * phase)),
        "rebuilt": _far(made[1], wanted[0]),
        "without ψ": _far(canonical[1], wanted[1]),
        "plain": _far(plain[1], wanted[2]),
        "plain code": apart(plain_codes[1], plain_codes[0]),
        "missed": _far(made[0], c),
        "length": float(abs(v[0])),
        "degrees": float(-np.degrees(np.angle(v[0]))),
    }


def _far(one: np.ndarray, other: np.ndarray) -> float:
    """`apart` of complex arrays."""
    return apart(np.stack([np.real(one), np.imag(one)]), np.stack([np.real(other), np.imag(other)]))


def by_angle(index: int, fold: int = 1) -> dict[str, np.ndarray]:
    """Errors at ANGLES: "x̂, in harmonics", "x̂, on pixels", the "resampler" there and back, "plain"."""
    c, phase = picture(index, fold), -1j * np.radians(ANGLES)
    found = {}
    for name, way in (("x̂, in harmonics", "harmonics"), ("x̂, on pixels", "pixels")):
        made = _asked(
            digits.rebuilt, "equivariant", _params()["equivariant"], _turned(c, ANGLES, way)
        )
        wanted = made[0] * np.exp(np.arange(made.shape[1])[:, None] * phase[:, None, None])
        found[name] = np.array([_far(*pair) for pair in zip(made, wanted)])
    plain = _asked(digits.rebuilt, "plain", _params()["plain"], _turned(c, ANGLES, "harmonics"))
    wanted = plain[0] * np.exp(np.arange(plain.shape[1])[:, None] * phase[:, None, None])
    image = harmonics.drawn(c[None])[0]
    back = [apart(turn(turn(image, a), -a), image) for a in ANGLES]
    return found | {
        "resampler": np.array(back),
        "plain autoencoder": np.array([_far(*pair) for pair in zip(plain, wanted)]),
    }


@functools.cache
def latent() -> dict[str, Any]:
    """Codes of the test digits in a plane: "places" [n, 2], "classes" [n], "share" of variance.

    "nearest" is how often the nearest other code is of a digit with the same name, "lengths" the median
    length of ψ's vector by digit.
    """
    codes, v = _codes(harmonics.analysed(harmonics.images("test")[0]))
    shown = harmonics.images("test")[1]
    lengths = np.array([np.median(np.abs(v[shown == k])) for k in range(10)])
    return in_plane(codes, shown) | {"lengths": lengths}


@functools.cache
def errors() -> dict[str, Any]:
    """Test errors of both autoencoders, the mean picture and the band limit: see `_descent.results`."""
    params = {k: {n: v.astype(np.float32) for n, v in p.items()} for k, p in _params().items()}
    return descent.results(params)


def numbers() -> dict[str, tuple[float, float]]:
    """Each rule's largest error where it is kept, and its smallest where it is broken."""
    asked = [digit(i, 37.0) for i in range(8)]
    quarter = [digit(i, 90.0, "pixels") for i in range(8)]
    folded = [digit(i, 37.0, fold=2) for i in range(8)]
    g = tuple(Rotation.from_rotvec([0.9, 0.5, -0.6]).as_quat())
    shapes = [cloud(name, clouds.SHAKEN, 1, g) for name in SHAPES]
    both = asked + quarter
    return {
        "η(g·x) = η(x), digits": (max(d["code"] for d in both), min(d["plain code"] for d in both)),
        "ψ(g·x) = g ψ(x), digits": (
            max(d["angle"] for d in both),
            float(np.median([d["angle"] for d in folded])),
        ),
        "x̂(g·x) = g·x̂(x), digits": (
            max(d["rebuilt"] for d in both),
            min(d["without ψ"] for d in both),
        ),
        "η(g·x) = η(x), clouds": (
            max(c["code"] for c in shapes),
            min(c["mirror"] for c in shapes[:2]),
        ),
        "ψ(g·x) = g ψ(x), clouds": (
            max(c["frame"] for c in shapes),
            min(c["without ψ"] for c in shapes),
        ),
        "x̂(g·x) = g·x̂(x), clouds": (
            max(c["rebuilt"] for c in shapes),
            min(plain_cloud(name, clouds.SHAKEN, 1, g) for name in SHAPES),
        ),
    }
