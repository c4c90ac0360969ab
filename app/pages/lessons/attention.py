"""Attention as an integral transform: orbits of pairs, a kernel on them, does the transform commute?"""

from __future__ import annotations

import streamlit as st

from app.backend import cached
from app.figures import lessons as figures
from app.figures import pixels
from app.pages.lessons import _parts
from app.pages.lessons._asked import Asked, One, Switch
from app.ui import layout, words

TITLE, SHORT, ORDER = "Attention as an integral transform", "Attention", 6
RULE = (
    "Pull f back to pairs, multiply by a kernel, push forward by a sum: it commutes with T if "
    "k(T x, T y) = k(x, y), the kernel constant on the orbits of pairs."
)
DO = (
    "choose a kernel. Pairs that T carries into each other, an orbit, have one colour: with one number a "
    "colour it commutes."
)
QUESTION = "Attention weights depend on the input. Can a transform with such a kernel still commute with T?"
CHOICES = (
    "Yes, if the weights move with their pairs", "No, the kernel has to be constant",
    "Only if all weights are equal",
)  # fmt: skip
RIGHT = 0
WHY = (
    "Then k of T f at (T x, T y) is k of f at (x, y). Weights from content or distance do that; from "
    "coordinates only while the points take their coordinates along."
)
USED = ("Attention weights of a real model", "nbody", {"run": "se3_transformer-nbody"})
SOURCE = (
    "T. Cohen, M. Geiger, M. Weiler, NeurIPS 2019 (arXiv:1811.02017), 4; M. Hutchinson et al., ICML 2021 "
    "(arXiv:2012.10885), 3."
)
SPACES = {
    "ring": "ring of 12, turned by a step", "square": "square of 4 × 4, turned by 90°",
    "bodies": "5 bodies, renumbered",
}  # fmt: skip
KERNELS = {
    "orbits": "one number an orbit", "free": "one number a pair", "distance": "attention by distance",
    "content": "attention by content", "coordinates": "attention by coordinates",
}  # fmt: skip
NEIGHBOURS = {"all": "all", "distance": "nearer than 1.6"}
ASKED = Asked(
    "attention",
    {
        "space": One(tuple(SPACES)),
        "kernel": One(tuple(KERNELS)),
        "near": One(tuple(NEIGHBOURS)),
        "broken": Switch(),
    },
)


def show() -> list[_parts.Reading]:
    """Orbits, the transform in three steps, and how far both ways around are apart."""
    with ASKED.row():
        space = ASKED.menu("space", "Points and T", width=240, format_func=SPACES.__getitem__)
        name = ASKED.menu("kernel", "Kernel", width=200, format_func=KERNELS.__getitem__)
        near = ASKED.buttons("near", "Neighbours", format_func=NEIGHBOURS.__getitem__)
        stay = ASKED.breaks(
            "neighbourhoods stay behind",
            "y listens to those two places before and after it in memory, wherever T takes the points.",
        )
    asked = "list" if stay else near
    steps = cached.lesson("attention", "steps", space, name, asked)
    dark = layout.dark()
    grid = st.grid(3, min_column_width=110, gap="small")
    left, right = grid.cell(), grid.cell(column_span=2)
    with left:
        orbits = cached.lesson("attention", "orbits", space)
        _parts.pixels(
            pixels.labels({f"{orbits.max() + 1} orbits of pairs": orbits}, dark),
            240,
            f"Pairs of points fall into {orbits.max() + 1} orbits.",
        )
    with right:
        named = {
            "pulled back: f(x)": "pulled",
            "kernel k(x, y)": "kernel",
            "their product": "product",
        }
        _parts.pixels(
            pixels.matrices({title: steps[key] for title, key in named.items()}, dark),
            240,
            "f on pairs, the kernel, and their product; a row a y, a column an x.",
        )
    _parts.chart(
        figures.bars(
            [f"y = {i}" for i in range(len(steps["out"]))], steps["out"], "(K f)(y)", dark, 170
        ),
        "attention:out",
        "The sum over x at each y.",
    )
    found = cached.lesson("attention", "commutes", space, name, asked)
    fine = cached.lesson("attention", "commutes", space, "orbits", "all")
    broken = found["apart"] >= 1e-9
    facts = {"k(T x, T y) against k(x, y)": words.delta(found["kernel"])}
    if broken:
        facts["kept by"] = "one number an orbit, all neighbours"
    what = "K(T f) against T(K f)"
    kept = fine["apart"] if broken else found["apart"]
    return [_parts.Reading(what, kept, found["apart"] if broken else None, facts)]
