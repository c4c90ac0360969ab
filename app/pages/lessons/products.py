"""Tensor products: two vectors multiplied and taken apart, paths, parities, what networks make of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from app.backend import cached
from app.figures import lessons as figures
from app.figures import pixels
from app.pages.lessons import _parts
from app.pages.lessons._asked import Asked, One, Some, Switch, Whole
from app.ui import layout, readouts, words

TITLE, SHORT, ORDER = "Tensor products", "Products", 5
RULE = (
    "v₁ ⊗ v₂ = 0e + 1e + 2e: trace, antisymmetric part, symmetric traceless part. Degrees couple from "
    "|l₁ − l₂| to l₁ + l₂, parities multiply."
)
DO = (
    "change vectors and g. In 1o the number is the degree (0 a number, 1 an arrow, 2 a shape); inversion "
    "flips o and leaves e."
)
QUESTION = "Both vectors are mirrored through the origin. What does their cross product do?"
CHOICES = ("It flips, as vectors do", "It becomes zero", "It stays")
RIGHT = 2
WHY = "Odd times odd is even: the cross product is 1e. Switch on invert and declare it 1o to see the error."
USED = ("A network of tensor products, SEGNN", "nbody", {"run": "segnn-nbody"})
SOURCE = (
    "N. Thomas et al. 2018 (arXiv:1802.08219), 4.1; M. Weiler et al. 2018 (arXiv:1807.02547), 4.1; "
    "Y.-L. Liao, T. Smidt, ICLR 2023 (arXiv:2206.11990), 4."
)
VIEWS = ("Two vectors", "Paths", "In a network")
LEFT = ("0e", "1o", "2e")
PATHS = (
    "1o ⊗ 1o → 0e", "1o ⊗ 1o → 1e", "1o ⊗ 1o → 2e", "0e ⊗ 1o → 1o", "1o ⊗ 2e → 1o", "1o ⊗ 2e → 2o",
    "2e ⊗ 2e → 0e", "2e ⊗ 2e → 1e", "2e ⊗ 2e → 2e",
)  # fmt: skip
RULES = {  # the rule, and what breaks it
    "depth-wise product": (
        "an edge's harmonics, weighted by its length", "weighted by the x of the edge",
    ),
    "gate": ("vectors times activated scalars", "each component activated"),
    "layer norm": ("l > 0 over one length, no mean", "mean and variance of components"),
}  # fmt: skip

V1, V2 = (1, 2, 3), (1, 5, 1)  # of the published session
ASKED = Asked(
    "products",
    {
        "view": One(VIEWS),
        "invert": Switch(),
        "broken": Switch(),
        "paths": Some(PATHS, PATHS[:3]),
        "rules": Some(tuple(RULES)),
        **{f"v₁{a}": Whole(-9, 9, v) for a, v in zip("xyz", V1)},
        **{f"v₂{a}": Whole(-9, 9, v) for a, v in zip("xyz", V2)},
    },
    ("x", 60.0),
)


def show() -> list[_parts.Reading]:
    """The matrix of two vectors, or paths one by one, or a network's three parts."""
    with ASKED.row():
        view = ASKED.buttons("view", "What", label_visibility="collapsed")
        invert = ASKED.switch("invert", "invert as well")
    with ASKED.row(2):
        turn = ASKED.turn()
    draw = {VIEWS[0]: _vectors, VIEWS[1]: _paths, VIEWS[2]: _network}[view]
    return draw(turn[2], invert)


def _vector(name: str) -> tuple[float, ...]:
    return tuple(float(ASKED.number(f"{name}{axis}", f"{name} {axis}", width=92)) for axis in "xyz")


def _vectors(g: Any, invert: bool) -> list[_parts.Reading]:
    with ASKED.row(3):
        v1, v2 = _vector("v₁"), _vector("v₂")
        wrong = ASKED.breaks("declare the cross product 1o", "Right for turns; try invert.")
    found = cached.lesson("products", "parts", v1, v2)
    named = {
        "v₁ ⊗ v₂": "matrix",
        "0e": "scalar part",
        "1e": "antisymmetric",
        "2e": "symmetric traceless",
    }
    _parts.pixels(
        pixels.matrices({name: found[key] for name, key in named.items()}, layout.dark()),
        210,
        "The matrix of two vectors is the sum of three parts.",
    )
    _session()
    errors = cached.lesson("products", "split_errors", v1, v2, g, invert)
    kept = max(errors[k] for k in ("0e", "1e", "2e"))
    facts = {"trace, v₁·v₂": f"{found['trace']:g}", "axial, v₂ × v₁": _row(found["axial"])}
    facts |= {name: words.delta(value) for name, value in errors.items()}
    return [
        _parts.Reading(
            "D(g) (v₁ ⊗ v₂) against (g v₁) ⊗ (g v₂)",
            kept,
            errors["1e as 1o"] if wrong else None,
            facts,
        )
    ]


def _row(values: np.ndarray) -> str:
    return "(" + ", ".join(f"{v + 0.0:.5g}".replace("-", "−") for v in values) + ")"


def _session() -> None:
    """The published session beside the same turn with all digits of π."""
    rows = []
    for name, pi in (("turn by 3.14 / 3, as published", 3.14), ("turn by π / 3", float(np.pi))):
        s = cached.lesson("products", "published", pi)
        rows.append(
            [name, f"{s['scalar']:g}", _row(s["before"]), _row(s["after"]), _row(s["again"])]
        )
    readouts.table(
        [
            "[1, 2, 3] ⊗ [1, 5, 1], about x",
            "trace",
            "axial part",
            "turned by D(g)",
            "of turned vectors",
        ],
        rows,
    )


def _paths(g: Any, invert: bool) -> list[_parts.Reading]:
    with ASKED.row(3):
        chosen = ASKED.pills("paths", "Paths", format_func=lambda p: p.replace(" ", ""))
        wrong = ASKED.breaks("outputs of the other parity", "1e for 1o, 2o for 2e. Try invert.")
    found = cached.lesson("products", "coupled", tuple(chosen), g, invert, wrong)
    fine = cached.lesson("products", "coupled", tuple(chosen), g, invert, False)
    if not chosen:
        st.caption("No path, no output. Switch one on.")
        return []
    _parts.chart(
        figures.bars(
            list(found["sizes"]),
            np.array(list(found["sizes"].values())),
            "size of the output (rms)",
            layout.dark(),
            240,
        ),
        "products:sizes",
        f"The chosen paths make {', '.join(found['sizes'])}.",
    )
    facts = {f"into {name}": words.delta(value) for name, value in found["errors"].items()}
    what = "D(g) C(x, y) against C(D x, D y)"
    return [_parts.Reading(what, fine["apart"], found["apart"] if wrong else None, facts)]


def _network(g: Any, invert: bool) -> list[_parts.Reading]:
    with ASKED.row(3):
        broken = ASKED.pills("rules", "Break it")
    readings = []
    for name in RULES:
        kept = cached.lesson("products", "rule", name, g, invert, False)
        lost = cached.lesson("products", "rule", name, g, invert, True) if name in broken else None
        readings.append(_parts.Reading(f"f(D x) against D f(x): {name}", kept, lost))
    readouts.table(["", "rule", "what breaks it"], [[name, *said] for name, said in RULES.items()])
    return readings
