"""CNNs on digits: shifts, turns, and which widths let a strided network turn."""

from __future__ import annotations

from typing import Any

from app.backend import cached
from app.figures import lessons as figures
from app.figures import pixels
from app.pages.lessons import _parts
from app.pages.lessons._asked import Asked, One, Whole
from app.ui import layout, words

TITLE, SHORT, ORDER = "What a convolution commutes with", "CNN", 3
RULE = (
    "A convolution commutes with shifts: up to its border, and after a stride of s with multiples of s only. "
    "Turns by 90° ask for p4 and widths 4k + 3."
)
DO = (
    "set the stride to 2, then shift by one pixel and by two. A p4 network tries each of its filters in "
    "four turns by 90°."
)
QUESTION = (
    "A convolution of stride 2 reads a digit one pixel further right. Does its answer move along?"
)
CHOICES = ("Yes, by half a pixel", "Yes, convolutions always do", "No, it reads other pixels")
RIGHT = 2
WHY = "The stride keeps every second pixel, after one step the others. Two steps are one of the answer."
USED = ("What a built-in symmetry is worth in data", "results", {"show": "efficiency"})
SOURCE = (
    "T. Cohen, M. Welling, ICML 2016 (arXiv:1602.07576); R. Zhang, ICML 2019 (arXiv:1904.11486)."
)
PADDINGS = ("circular", "zeros")
NETWORKS = {"p4": "p4", "plain": "plain", "p4 without the cyclic shift": "p4, not shifted"}

ASKED = Asked(
    "cnn",
    {
        "what": One(("Shift", "Turn")),
        "digit": Whole(0, 1796),
        "step": Whole(0, 12, 1),
        "padding": One(PADDINGS),
        "stride": One((1, 2, 3)),
        "pool": One((1, 2, 4)),
        "degrees": Whole(0, 180, 90),
        "width": Whole(15, 31, 27),
        "group": One(tuple(NETWORKS)),
    },
)


def show() -> list[_parts.Reading]:
    """A digit shifted, or turned, before and after the network."""
    row = ASKED.row()
    with row:
        what = ASKED.buttons("what", "g")
        index = ASKED.number("digit", "Digit", width=84)
    if what == "Shift":
        with row:
            step, padding, stride, pool = _asked_shift()
        return _shift(index, step, padding, stride, pool)
    with row:
        degrees, width, network = _asked_turn()
    return _turn(index, degrees, width, network)


def _images(found: dict[str, Any], key: str) -> None:
    named = {name: found[name] for name in ("x", "g·x", "f(g·x)", "g·f(x)")}
    named["difference"] = abs(found["f(g·x)"] - found["g·f(x)"])
    like: dict[str, str] = {"f(g·x)": "g·f(x)", "difference": "g·f(x)"}
    same = "the same" if found["apart"] < 1e-9 else "different"
    _parts.pixels(
        pixels.matrices(named, layout.dark(), True, like),
        210,
        f"A digit, the digit after g, and both ways through the network: {same}.",
    )


def _asked_shift() -> tuple[int, str, int, int]:
    """Shift, padding, stride and pool, chosen in the row."""
    step = ASKED.slider("step", "Pixels to the right", width=130)
    padding = ASKED.buttons("padding", "Padding")
    return step, padding, ASKED.buttons("stride", "Stride"), ASKED.buttons("pool", "Pool")


def _shift(index: int, step: int, padding: str, stride: int, pool: int) -> list[_parts.Reading]:
    wide = stride * pool
    off = step % wide
    asked = ("random", padding, stride, pool)
    found = cached.lesson("cnn", "shifted", index, step, *asked)
    fine = cached.lesson("cnn", "shifted", index, step, "random", "circular", 1, 1)
    curve = cached.lesson("cnn", "by_shift", index, *asked)
    _images(found, "shift")
    still = ", ".join(str(i) for i, d in enumerate(curve) if d < 1e-9)
    _parts.chart(
        figures.curves(range(13), {"Δ": curve}, "pixels to the right", layout.dark(), (step,)),
        "cnn:shifts",
        f"Δ over the shift; it vanishes at {still} pixels.",
    )
    broken = padding == "zeros" or off > 0
    facts = {
        "one pixel of the answer": f"{wide} px of the digit",
        "off its grid by": f"{off} px",
        "away from the border": words.delta(found["inside"]),
    }
    name = f"f(g·x) against g·f(x): stride {stride}, pool {pool}, {padding}"
    return [
        _parts.Reading(
            name,
            fine["apart"] if broken else found["apart"],
            found["apart"] if broken else None,
            facts,
        )
    ]


def _asked_turn() -> tuple[int, int, str]:
    """Angle, width and network, chosen in the row."""
    degrees = ASKED.slider("degrees", "Turn", step=15, format="%d°", width=130)
    width = ASKED.slider("width", "Width", width=110)
    return degrees, width, ASKED.buttons("group", "Network", format_func=NETWORKS.__getitem__)


def _turn(index: int, degrees: int, width: int, used: str) -> list[_parts.Reading]:
    found = cached.lesson("cnn", "rotated", index, float(degrees), used, 2, width)
    fine = cached.lesson("cnn", "rotated", index, float(degrees // 90 * 90), "p4", 2, 27)
    dark = layout.dark()
    _images(found, "turn")
    left, right = layout.halves()
    curves = cached.lesson("cnn", "by_angle", index, 2)
    angles, widths = range(0, 181, 15), range(15, 32)
    of_width = cached.lesson("cnn", "by_width", index)
    still = ", ".join(f"{a}°" for a, d in zip(angles, curves["p4"]) if d < 1e-9)
    fit = ", ".join(str(w) for w, d in zip(widths, of_width) if d < 1e-9)
    with left:
        _parts.chart(
            figures.curves(angles, curves, "degrees, width 27", dark, (degrees,)),
            "cnn:angles",
            f"Δ over the angle: p4 commutes with {still}.",
        )
    with right:
        _parts.chart(
            figures.curves(widths, {"p4 at 90°": of_width}, "width, p4 at 90°", dark, (width,)),
            "cnn:widths",
            f"Δ of p4 at 90° over the width: it vanishes at {fit}.",
        )
    broken = found["apart"] >= 1e-9
    facts = {
        "turning the digit there and back": words.delta(found["resampler"]),
        "turning the answer there and back": words.delta(found["answer's"]),
        "width": f"{width} = 4k + {width % 4}",
    }
    name = f"f(g·x) against g·f(x): {used}, {degrees}°, width {width}, stride 2 twice"
    return [
        _parts.Reading(
            name,
            fine["apart"] if broken else found["apart"],
            found["apart"] if broken else None,
            facts,
        )
    ]
