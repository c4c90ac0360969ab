"""Equivariance and invariance: which f commutes with which g, on a coloured shape in the plane."""

from __future__ import annotations

from typing import Any

import numpy as np

from app.backend import cached
from app.figures import lessons as figures
from app.pages.lessons import _parts
from app.pages.lessons._asked import Asked, One, Switch, Whole
from app.ui import layout, readouts, words

TITLE, SHORT, ORDER = "Equivariance and invariance", "The square", 2
RULE = "f is equivariant if f(g·x) = g·f(x) for every g; invariant, if g·f(x) is f(x) itself."
DO = (
    "choose f and g. Where the dots lie in their faint copies, turning first and last agree, and the "
    "number is rounding."
)
QUESTION = "f moves every corner by the same arrow. Does it commute with turns about the origin?"
CHOICES = ("No", "Yes, it moves all corners alike", "Only if the arrow is long")
RIGHT = 0
WHY = (
    "After a turn the arrow of f still points where it did. f commutes with shifts, not with turns."
)
USED = ("The same square with a real model", "molecule", {})
SOURCE = "T. Cohen, M. Welling, ICML 2016 (arXiv:1602.07576), section 2."
FUNCTIONS = {  # what f does: (kept, broken, what the switch does)
    "recolouring": ("recolour", "recolour by height", "colour by height"),
    "shift": ("shift along own side", "shift", "shift by a fixed arrow"),
    "norm": ("norm", "largest component", "the largest component in its place"),
}
GROUPS = {"turns": "Turn", "shifts": "Shift", "mirrors": "Mirror"}

ASKED = Asked(
    "equivariance",
    {
        "f": One(tuple(FUNCTIONS)),
        "g": One(tuple(GROUPS)),
        "amount": Whole(0, 180, 50),
        "broken": Switch(),
    },
)


def show() -> list[_parts.Reading]:
    """The square's corners, and Δ of every f under every kind of g."""
    with ASKED.row():
        name = ASKED.buttons("f", "f")
        group = ASKED.buttons("g", "g", format_func=GROUPS.__getitem__)
        amount = ASKED.slider(
            "amount",
            "How far",
            width=180,
            help="Turns and mirrors: degrees; shifts: 60 are one unit.",
        )
        kept, broken, label = FUNCTIONS[name]
        wrong = ASKED.breaks(label, "Another f of the same kind that knows the axes.")
    found = cached.lesson("equivariance", "square", broken if wrong else kept, group, float(amount))
    before = cached.lesson("equivariance", "square", kept, group, float(amount))
    _draw(found)
    _table(float(amount))
    return [
        _parts.Reading(
            f"f(g·x) against g·f(x): {broken if wrong else kept}, {group}",
            before["apart"],
            found["apart"] if wrong else None,
        )
    ]


def _draw(found: dict[str, Any]) -> None:
    x, gx, one, other = (found[k] for k in ("x", "g·x", "f(g·x)", "g·f(x)"))
    panels = {"x, and faint g·x": [("g·x", gx[0], gx[1], "sleeve"), ("x", x[0], x[1], "solid")]}
    if isinstance(one, tuple):
        panels["g·f(x) in f(g·x), faint"] = [
            ("f(g·x)", one[0], one[1], "sleeve"),
            ("g·f(x)", other[0], other[1], "solid"),
        ]
    places = [drawn[1] for panel in panels.values() for drawn in panel]
    reach = max(float(np.abs(p).max()) for p in places) + 0.3
    same = "lies on" if found["apart"] < 1e-9 else "differs from"
    _parts.chart(
        figures.shapes(panels, reach, layout.dark(), 300),
        "equivariance:square",
        f"f(g·x) {same} g·f(x), Δ = {words.delta(found['apart'])}.",
    )
    if not isinstance(one, tuple):
        rows = [
            ["f(x) = g·f(x)", *(f"{v:.3f}" for v in other)],
            ["f(g·x)", *(f"{v:.3f}" for v in one)],
        ]
        readouts.table(["one number a corner", *map(str, range(1, len(one) + 1))], rows)


def _table(amount: float) -> None:
    found = cached.lesson("equivariance", "table", amount)
    readouts.table(
        ["Δ of f under", *found["recolour"]],
        [[name, *map(words.delta, row.values())] for name, row in found.items()],
    )
