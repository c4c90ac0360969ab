"""CNNs on digits: which shifts and turns a convolution commutes with, and what breaks it.

Circular padding commutes with every shift, a stride of s with multiples of s only, a group convolution
over p4 with turns by 90° as well, if every stride lands on the centre: two 3 × 3 layers of stride 2 ask
for widths 4k + 3. Filters are fixed, at random by seed; nothing is trained. Sources: T. Cohen, M. Welling,
ICML 2016 (arXiv:1602.07576), sections 4 and 6; R. Zhang, ICML 2019 (arXiv:1904.11486), section 3.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy import ndimage

from demetar.data.sets import _lessons as stored
from demetar.lessons._apart import apart

PADDINGS = ("circular", "zeros")
FILTERS = ("random", "edge", "round")
ANGLES = tuple(float(a) for a in range(0, 181, 15))
WIDTHS = tuple(range(15, 32))
PERIODIC, ODD = 24, 27  # widths of the images: 24 has the divisors 2, 3, 4; 27 = 4 · 6 + 3


@functools.cache
def _images() -> np.ndarray:
    return stored.stored(stored.DIGITS)["images"]


def digit(index: int, width: int) -> np.ndarray:
    """A handwritten digit [width, width], 0 to 1, enlarged from 8 × 8 with a quiet border."""
    image = _images()[index % len(_images())] / 16.0
    inner = np.asarray(
        ndimage.zoom(image, (width - 4) / 8, order=1, grid_mode=True, mode="grid-constant")
    )
    room = width - inner.shape[0]
    return np.pad(inner, (room // 2, room - room // 2))


def kernel(name: str, seed: int = 0) -> np.ndarray:
    """A filter [3, 3]: at random, an edge from left to right (Sobel's), or round (all turns alike)."""
    if name == "edge":
        return np.outer([1.0, 2.0, 1.0], [-1.0, 0.0, 1.0]) / 8
    if name == "round":
        return np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0.0]]) / 4
    return np.random.default_rng(seed).normal(size=(3, 3)) / 3


def convolve(image: np.ndarray, filters: np.ndarray, padding: str, stride: int = 1) -> np.ndarray:
    """Correlation of [in, h, w] with [out, in, 3, 3]; padding "circular", "zeros" or "none"."""
    if padding != "none":
        around = ((0, 0), (1, 1), (1, 1))
        image = np.pad(image, around, "wrap") if padding == "circular" else np.pad(image, around)
    windows = sliding_window_view(image, (3, 3), axis=(1, 2))[:, ::stride, ::stride]
    return np.einsum("ihwab,oiab->ohw", windows, filters)


def layer(image: np.ndarray, name: str, padding: str, stride: int, pool: int) -> np.ndarray:
    """One convolution with ReLU, then the largest of each pool × pool window: [h, w]."""
    made = np.maximum(convolve(image[None], kernel(name)[None, None], padding, stride)[0], 0)
    h, w = (n // pool * pool for n in made.shape)
    return made[:h, :w].reshape(h // pool, pool, w // pool, pool).max((1, 3))


def shifted(index: int, shift: int, name: str, padding: str, stride: int, pool: int) -> dict:
    """Both ways around a shift to the right: images "x", "g·x", "f(g·x)", "g·f(x)", and errors.

    Output pixels are stride · pool wide: the answer is shifted by the nearest whole number of them.
    "apart" is of the whole image; "inside" leaves out two rows at each border of what was moved,
    NaN where nothing is left.
    """
    x = digit(index, PERIODIC)
    gx = np.roll(x, shift, 1)
    one = layer(gx, name, padding, stride, pool)
    step = round(shift / (stride * pool))
    other = np.roll(layer(x, name, padding, stride, pool), step, 1)
    keep = np.ones(other.shape[1], bool)
    edge = np.arange(-2, 2)
    keep[edge % len(keep)] = keep[(edge + step) % len(keep)] = False
    inner = np.ix_(np.arange(2, len(other) - 2), np.flatnonzero(keep))
    inside = apart(one[inner], other[inner]) if one[inner].size else float("nan")
    return {
        "x": x,
        "g·x": gx,
        "f(g·x)": one,
        "g·f(x)": other,
        "apart": apart(one, other),
        "inside": inside,
    }


def by_shift(index: int, name: str, padding: str, stride: int, pool: int) -> np.ndarray:
    """Δ [13] for shifts of 0 to 12 pixels."""
    return np.array([shifted(index, s, name, padding, stride, pool)["apart"] for s in range(13)])


def turned_filters(filters: np.ndarray, lifted: bool) -> np.ndarray:
    """All four turns [4, ...] of filters, of which those on p4 also turn their orientation axis.

    filters: [3, 3] on the image or [4, 3, 3] on p4. Cohen, Welling 2016, section 6.
    """
    turns = [np.rot90(filters, r, (-2, -1)) for r in range(4)]
    return np.stack([np.roll(t, r, 0) for r, t in enumerate(turns)] if lifted else turns)


def network(image: np.ndarray, group: str, stride: int = 2, name: str = "random") -> np.ndarray:
    """Two 3 × 3 layers without padding, ReLU between them: [h, w] of "plain", or of "p4" pooled last.

    "p4 without the cyclic shift" turns the second layer's filters and forgets to shift their
    orientations. Sizes must fit: every stride lands on the centre for widths 4k + 3.
    """
    first, rng = kernel(name), np.random.default_rng(7)
    if group == "plain":
        hidden = np.maximum(convolve(image[None], first[None, None], "none", stride), 0)
        return convolve(hidden, rng.normal(size=(1, 1, 3, 3)) / 3, "none", stride)[0]
    second = rng.normal(size=(4, 3, 3)) / 6
    if name == "round":
        second = np.broadcast_to(kernel("round"), (4, 3, 3))
    hidden = np.maximum(
        convolve(image[None], turned_filters(first, False)[:, None], "none", stride), 0
    )
    deep = (
        turned_filters(second, True)
        if group == "p4"
        else np.stack([np.rot90(second, r, (-2, -1)) for r in range(4)])
    )
    return convolve(hidden, deep, "none", stride).max(0)


def turn(image: np.ndarray, degrees: float) -> np.ndarray:
    """The image turned anticlockwise: exactly for multiples of 90°, else by cubic splines."""
    quarters, rest = divmod(degrees, 90)
    if rest == 0:
        return np.rot90(image, int(quarters))
    return ndimage.rotate(image, degrees, reshape=False, order=3, mode="constant")


def disc(image: np.ndarray) -> np.ndarray:
    """Which pixels stay within the image however it is turned (bool)."""
    r = np.arange(len(image)) - (len(image) - 1) / 2
    return r[:, None] ** 2 + r[None] ** 2 <= (len(image) / 2 - 0.5) ** 2


def rotated(index: int, degrees: float, group: str, stride: int, width: int = ODD) -> dict:
    """Both ways around a turn: "x", "g·x", "f(g·x)", "g·f(x)", Δ in the disc, "apart".

    "resampler" is the error of turning the image there and back: what no network can go below by
    much. "answer's" is the same of f(x), a coarser image.
    """
    x = digit(index, width)
    gx = turn(x, degrees)
    fx, one = network(x, group, stride), network(gx, group, stride)
    other, there = turn(fx, degrees), disc(x)
    inside = disc(other)
    back = turn(turn(x, degrees), -degrees)
    again = turn(turn(fx, degrees), -degrees)
    return {
        "x": x,
        "g·x": gx,
        "f(g·x)": one,
        "g·f(x)": other,
        "apart": apart(one[inside], other[inside]),
        "resampler": apart(back[there], x[there]),
        "answer's": apart(again[inside], fx[inside]),
    }


def by_angle(index: int, stride: int) -> dict[str, np.ndarray]:
    """Δ at ANGLES of the "plain" network, of "p4", and of the "resampler" alone."""
    found = {g: [rotated(index, a, g, stride) for a in ANGLES] for g in ("plain", "p4")}
    curves = {g: np.array([r["apart"] for r in rows]) for g, rows in found.items()}
    return curves | {"resampler": np.array([r["resampler"] for r in found["p4"]])}


def by_width(index: int, stride: int = 2) -> np.ndarray:
    """Δ of p4 under a turn by 90° for each of WIDTHS."""
    return np.array([rotated(index, 90.0, "p4", stride, w)["apart"] for w in WIDTHS])


def numbers() -> dict[str, tuple[float, float]]:
    """Each rule's largest error where it is kept, and its smallest where it is broken."""
    plain = [shifted(0, s, "random", "circular", 1, 1)["apart"] for s in (1, 5, 9)]
    border = [shifted(0, s, "random", "zeros", 1, 1)["apart"] for s in (8, 9, 10)]
    two = by_shift(0, "random", "circular", 2, 1)
    pooled = by_shift(0, "random", "circular", 1, 3)
    widths = dict(zip(WIDTHS, by_width(0)))
    quarter = {
        g: rotated(0, 90.0, g, 2)["apart"] for g in ("p4", "plain", "p4 without the cyclic shift")
    }
    return {
        "circular padding commutes with shifts": (max(plain), min(border)),
        "stride 2 commutes with multiples of 2": (max(two[::2]), min(two[1::2])),
        "pooling by 3 commutes with multiples of 3": (
            max(pooled[::3]),
            min(np.delete(pooled, np.s_[::3])),
        ),
        "p4 commutes with 90°": (quarter["p4"], quarter["plain"]),
        "p4 shifts orientations": (quarter["p4"], quarter["p4 without the cyclic shift"]),
        "widths 4k + 3": (
            max(d for w, d in widths.items() if w % 4 == 3),
            min(d for w, d in widths.items() if w % 4 != 3),
        ),
    }
