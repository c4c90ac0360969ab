"""Groups and representations: compose two elements, test the axioms, find what represents nothing."""

from __future__ import annotations

import streamlit as st

from app.backend import cached
from app.figures import lessons as figures
from app.pages.lessons import _parts
from app.pages.lessons._asked import Asked, One, Switch, Whole
from app.ui import layout, rotation, words

TITLE, SHORT, ORDER = "Groups and representations", "Groups", 1
RULE = (
    "A group has products, an identity and inverses; a representation turns its products into products of "
    "matrices: ρ(g₁ g₂) = ρ(g₁) ρ(g₂)."
)
DO = (
    "choose a group. Where the line and its faint copy differ, the order of g₁ and g₂ matters. Then "
    "break it, and read the numbers."
)
QUESTION = (
    "Turn a book by 90° about x, then about z. Does the other order leave it the same way up?"
)
CHOICES = ("Yes, both are the same two turns", "No", "Only if it is turned back")
RIGHT = 1
WHY = "Turns of space do not commute; shifts do, and so do turns about one axis. Choose a group and compare."
USED = ("Turn a molecule by a group element", "molecule", {})
SOURCE = (
    "F. Fuchs et al., NeurIPS 2020 (arXiv:2006.10503), 2.2; J.-P. Serre, Linear Representations of Finite "
    "Groups (1977), 1.1."
)
SUBSETS = {
    "T(3)": "shifts no longer than 3",
    "SO(2)": "turns from 0° to 90°",
    "SO(3)": "turns about x or about z",
    "O(3)": "mirror images alone",
    "SE(3)": "a turn or a shift, never both",
    "S_n": "swaps of two bodies",
}
KINDS = (
    "vector (1o)", "three scalars", "pseudovector (1e)", "degree 2 (2e)", "R ⊗ R",
    "transposed", "half the angle", "Euler angles added",
)  # fmt: skip
FALSE = {"transposed": "ρ(g) = Rᵀ", "half the angle": "ρ(g) turns half as far",
         "Euler angles added": "ρ(g) by the sum of angles"}  # fmt: skip

ASKED = Asked(
    "groups",
    {
        "group": One(tuple(SUBSETS), "SO(3)"),
        "seed": Whole(0, 9999),
        "broken": Switch(),
        "rho": One(KINDS),
        "degrees": Whole(0, 180, 60),
    },
)


def show() -> list[_parts.Reading]:
    """Two elements in both orders, the axioms of a group or of a set that is none, and ρ."""
    with ASKED.row():
        group = ASKED.buttons("group", "Group")
        seed = ASKED.number("seed", "Seed of g₁ and g₂", width=110)
        broken = ASKED.breaks(
            f"only {SUBSETS[group]}", "A part of the group, closed or not under products?"
        )
    both = cached.lesson("groups", "both_orders", group, seed)
    hues = [i / 4 for i in range(5)]
    panels = {
        view: [
            ("g₂, then g₁", both["b then a"][:, axes], hues, "sleeve"),
            ("g₁, then g₂", both["a then b"][:, axes], hues, "solid"),
        ]
        for view, axes in (
            ("g₁ g₂ (line), g₂ g₁ (faint), along z", [0, 1]),
            ("the same along x", [1, 2]),
        )
    }
    reach = max(2.0, *(float(abs(both[k]).max()) + 0.5 for k in ("a then b", "b then a")))
    same = "coincide" if both["apart"] < 1e-9 else "differ"
    _parts.chart(
        figures.shapes(panels, reach, layout.dark(), 240),
        "groups:orders",
        f"Five bodies after two elements of {group} in both orders: the results {same}.",
    )
    kept = cached.lesson("groups", "axioms", group, seed)
    lost = cached.lesson("groups", "axioms", group, seed, True)
    shown = lost if broken else kept
    return [
        _parts.Reading(
            f"Closure: how far g₁ g₂ lies outside ({SUBSETS[group] if broken else group})",
            kept["closure"],
            lost["closure"] if broken else None,
            {name: words.delta(shown[name]) for name in ("associativity", "identity", "inverse")}
            | {"g₁ g₂ against g₂ g₁": words.delta(both["apart"])},
        ),
        _representation(seed),
    ]


def _representation(seed: int) -> _parts.Reading:
    """The choice of ρ, what it does to three numbers, and its homomorphism error."""
    with ASKED.row(2):
        kind = ASKED.menu(
            "rho",
            "ρ, the matrices by which numbers turn",
            width=340,
            format_func=lambda k: f"{k}: {FALSE[k]}. Is it one?" if k in FALSE else k,
        )
        degrees = ASKED.slider("degrees", "Turn about (1 1 1)", format="%d°", width=240)
    g = rotation.rotations.quaternion((1.0, 1.0, 1.0), float(degrees))
    three = cached.lesson("groups", "three_numbers", g)

    def told(key: str, row: int) -> str:
        return "  ".join(f"{v:.2f}".replace("-", "−") for v in three[key][row])

    st.html(
        "<table style='font-size:13px;font-variant-numeric:tabular-nums'><tr><th></th><th>x</th>"
        "<th>g·x</th><th>error if they stay</th><th>error if they turn by R</th></tr>"
        + "".join(
            f"<tr><td style='padding-right:1rem'>{name}</td><td style='padding-right:1rem'>"
            f"{told(key, 0)}</td><td style='padding-right:1rem'>{told(key, 1)}</td>"
            f"<td>{words.delta(three['as scalars'][i])}</td>"
            f"<td>{words.delta(three['as vector'][i])}</td></tr>"
            for i, (name, key) in enumerate(
                (("three distances: scalars", "scalars"), ("one arrow: a vector", "vector"))
            )
        )
        + "</table>"
    )
    error = cached.lesson("groups", "homomorphism", kind, "O(3)", seed)
    true = cached.lesson("groups", "homomorphism", "pseudovector (1e)", "O(3)", seed)
    what = f"ρ(g₁ g₂) against ρ(g₁) ρ(g₂): {kind}"
    return _parts.Reading(what, true if kind in FALSE else error, error if kind in FALSE else None)
