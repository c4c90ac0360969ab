"""CNNs on digits: shifts, turns, and which widths let a strided network turn."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app.backend import cached
from app.figures import lessons as figures
from app.pages.lessons import _parts
from app.ui import layout, words

TITLE, SHORT, ORDER = "What a convolution commutes with", "CNN", 3
RULE = (
    "A convolution commutes with shifts: up to its border, and after a stride of s with multiples of s only. "
    "Turns by 90° ask for p4 and widths 4k + 3."
)
QUESTION = (
    "A convolution of stride 2 reads a digit one pixel further right. Does its answer move along?"
)
CHOICES = ("Yes, by half a pixel", "Yes, convolutions always do", "No, it reads other pixels")
RIGHT = 2
WHY = "The stride keeps every second pixel, after one step the others. Two steps are one of the answer."
USED = ("What a built-in symmetry is worth in data", "efficiency", {})
SOURCE = (
    "T. Cohen, M. Welling, ICML 2016 (arXiv:1602.07576); R. Zhang, ICML 2019 (arXiv:1904.11486)."
)
TURNED = {"plain": "plain convolution", "p4": "p4 group convolution"}


def show() -> list[_parts.Reading]:
    """A digit shifted, or turned, before and after the network."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        what = st.segmented_control(
            "g", ("Shift", "Turn"), key="lessons:cnn:what", default="Shift", required=True
        )
        index = int(st.number_input("Digit", 0, 1796, key="lessons:cnn:digit", width=100))
        draw = _shift if what == "Shift" else _turn
        return draw(index)


def _images(found: dict[str, Any], key: str) -> None:
    named = {name: found[name] for name in ("x", "g·x", "f(g·x)", "g·f(x)")}
    named["difference"] = abs(found["f(g·x)"] - found["g·f(x)"])
    same = "the same" if found["apart"] < 1e-9 else "different"
    _parts.chart(
        figures.matrices(named, layout.dark(), 210, images=True), f"cnn:{key}",
        f"A digit, the digit after g, and both ways through the network: {same}.",
    )  # fmt: skip


def _shift(index: int) -> list[_parts.Reading]:
    step = st.slider("Pixels to the right", 0, 12, 1, key="lessons:cnn:step", width=150)
    padding = st.segmented_control(
        "Padding",
        ("circular", "zeros"),
        key="lessons:cnn:padding",
        default="circular",
        required=True,
    )
    stride = st.segmented_control(
        "Stride", (1, 2, 3), key="lessons:cnn:stride", default=1, required=True
    )
    pool = st.segmented_control("Pool", (1, 2, 4), key="lessons:cnn:pool", default=1, required=True)
    wide = stride * pool
    off = step % wide
    asked = ("random", padding, stride, pool)
    found = cached.lesson("cnn", "shifted", index, step, *asked)
    fine = cached.lesson("cnn", "shifted", index, step, "random", "circular", 1, 1)
    curve = cached.lesson("cnn", "by_shift", index, *asked)
    with st.container():
        _images(found, "shift")
        _parts.chart(
            figures.curves(range(13), {"Δ": curve}, "pixels to the right", layout.dark(), (step,)),
            "cnn:shifts", f"Δ vanishes at multiples of {wide} with circular padding.",
        )  # fmt: skip
    broken = padding == "zeros" or off > 0
    facts = {
        "one pixel of the answer": f"{wide} pixels of the digit",
        "off its grid by": f"{off} pixels",
        "away from the border": words.delta(found["inside"]),
    }
    name = f"f(g·x) against g·f(x): stride {stride}, pool {pool}, {padding}"
    return [
        _parts.Reading(name, fine["apart"] if broken else found["apart"],
                       found["apart"] if broken else None, facts)
    ]  # fmt: skip


def _turn(index: int) -> list[_parts.Reading]:
    degrees = st.slider("Turn", 0, 180, 90, 15, format="%d°", key="lessons:cnn:degrees", width=150)
    width = st.slider("Width of the image", 15, 31, 27, key="lessons:cnn:width", width=150)
    group = st.segmented_control(
        "Network", list(TURNED), key="lessons:cnn:group", default="p4", required=True,
        format_func=TURNED.__getitem__,
    )  # fmt: skip
    forgot = group == "p4" and _parts.switch(
        "cnn",
        "orientations not shifted",
        "The second layer's filters turn, their orientation axis stays.",
    )
    used = "p4 without the cyclic shift" if forgot else group
    found = cached.lesson("cnn", "rotated", index, float(degrees), used, 2, width)
    fine = cached.lesson("cnn", "rotated", index, float(degrees // 90 * 90), "p4", 2, 27)
    dark = layout.dark()
    with st.container():
        _images(found, "turn")
        left, right = layout.halves()
        curves = cached.lesson("cnn", "by_angle", index, 2)
        with left:
            _parts.chart(
                figures.curves(range(0, 181, 15), curves, "degrees, width 27", dark, (degrees,)),
                "cnn:angles", "p4 commutes with multiples of 90°, the plain network with none.",
            )  # fmt: skip
        with right:
            widths = cached.lesson("cnn", "by_width", index)
            _parts.chart(
                figures.curves(range(15, 32), {"Δ of p4 at 90°": widths}, "width", dark, (width,)),
                "cnn:widths", "Δ of p4 at 90° vanishes at widths 15, 19, 23, 27 and 31.",
            )  # fmt: skip
    broken = found["apart"] >= 1e-9
    facts = {
        "turning the digit there and back": words.delta(found["resampler"]),
        "turning the answer there and back": words.delta(found["answer's"]),
        "width": f"{width} = 4k + {width % 4}",
    }
    name = f"f(g·x) against g·f(x): {used}, {degrees}°, width {width}, stride 2 twice"
    return [
        _parts.Reading(name, fine["apart"] if broken else found["apart"],
                       found["apart"] if broken else None, facts)
    ]  # fmt: skip
