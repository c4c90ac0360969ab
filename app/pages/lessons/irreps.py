"""Irreps: a representation taken apart, D(g), spherical harmonics that turn, parity, the order of axes."""

from __future__ import annotations

import streamlit as st

from app.backend import cached
from app.figures import pixels
from app.pages.lessons import _parts, _scenes
from app.pages.lessons._asked import Asked, One, Switch, Whole
from app.ui import layout, rotation, words

TITLE, SHORT, ORDER = "Irreducible representations", "Irreps", 4
RULE = "In one basis every ρ(g) falls into blocks D^l(g) of 2l + 1 numbers, and Y_l(g·x) = D^l(g) Y_l(x)."
DO = (
    "change g. All of its numbers change, and what was zero outside the blocks stays zero: each block "
    "turns by itself."
)
QUESTION = (
    "The nine entries of a matrix turn as M → R M Rᵀ. Into which independent pieces do they fall?"
)
CHOICES = ("Three vectors: 3 + 3 + 3", "1 + 3 + 5", "None, all nine mix")
RIGHT = 1
WHY = "Trace, antisymmetric part and symmetric traceless part never mix: degrees 0, 1 and 2."
USED = ("A network of such features, TFN", "nbody", {"run": "tfn-nbody"})
SOURCE = "N. Thomas et al. 2018 (arXiv:1802.08219), 4.1; M. Geiger, T. Smidt (arXiv:2207.09453), 2."
VIEWS = ("Blocks", "Harmonics")
REDUCIBLE = ("R ⊗ R", "a ↦ R a, b ↦ R b, mixed", "polynomials of degree 3")

ASKED = Asked(
    "irreps",
    {
        "view": One(VIEWS),
        "rho": One(REDUCIBLE),
        "broken": Switch(),
        "l": One((0, 1, 2, 3, 4), 2),
        "m": Whole(-4, 4),
        "parity": Switch(),
        "axes": Switch(),
    },
    ("(1 1 1)", 60.0),
)


def show() -> list[_parts.Reading]:
    """Blocks of a reducible representation, or Y_l and D^l(g), at the chosen g."""
    with ASKED.row():
        view = ASKED.buttons("view", "What", label_visibility="collapsed")
        turn = ASKED.turn()
    return _blocks(turn[2]) if view == "Blocks" else _harmonics(turn[2])


def _blocks(g: rotation.rotations.Quaternion) -> list[_parts.Reading]:
    with ASKED.row(2):
        name = ASKED.menu("rho", "ρ", label_visibility="collapsed", width=280)
        broken = ASKED.breaks("basis from turns about z alone", "Fits those turns, and no other.")
    kept = cached.lesson("irreps", "blocks", name, g)
    shown = cached.lesson("irreps", "blocks", name, g, True) if broken else kept
    sizes = " + ".join(map(str, sorted(shown["sizes"])))
    _parts.pixels(
        pixels.matrices(
            {"ρ(g)": shown["before"], f"in the found basis: {sizes}": shown["after"]}, layout.dark()
        ),
        400,
        f"ρ(g) before and after the change of basis, in blocks of {sizes}.",
    )
    facts = {"blocks": sizes, "numbers": str(sum(shown["sizes"]))}
    what = "Share of ρ(g) outside the blocks"
    return [_parts.Reading(what, kept["outside"], shown["outside"] if broken else None, facts)]


def _harmonics(g: rotation.rotations.Quaternion) -> list[_parts.Reading]:
    with ASKED.row(2):
        l = int(ASKED.buttons("l", "Degree l"))
        m = ASKED.slider("m", "m", width=140, disabled=l == 0)
        own, other = "eo"[l % 2], "oe"[l % 2]
        parity = other if ASKED.switch("parity", "Break it: declare the other parity") else own
        cyclic = ASKED.switch(
            "axes",
            "Break it: axes as (y, z, x)",
            help="Textbooks order l = 1 as m = −1, 0, 1: (y, z, x), pole z. e3nn has (x, y, z), pole y. "
            "Here Y is the textbook's and D is e3nn's.",
        )
    m = max(-l, min(l, m))
    found = cached.lesson("irreps", "rotation_matrices", l, g, False, parity)
    still = (0.0, 0.0, 0.0, 1.0)
    grid = st.grid(3, min_column_width=150, gap="small")
    left, right = grid.cell(column_span=2), grid.cell()
    with left:
        directions, faces = cached.lesson("irreps", "sphere")
        functions = {
            "Y": cached.lesson("irreps", "surface", l, m, still),
            "g·Y": cached.lesson("irreps", "surface", l, m, g),
        }
        _parts.scene(
            _scenes.spherical(functions, directions, faces),
            "irreps:surface",
            330,
            f"The real spherical harmonic of degree {l} and number {m}, and turned by g.",
            "Y",
        )
    with right:
        _parts.pixels(
            pixels.matrices({f"D(g), {l}{parity}": found["D"]}, layout.dark()),
            330,
            f"The matrix D(g) of degree {l}, {2 * l + 1} by {2 * l + 1}.",
        )
    kept = cached.lesson("irreps", "axes", l, g, True)
    mixed = cached.lesson("irreps", "axes", l, g, False)
    agrees = cached.lesson("irreps", "parity", l, own)
    declared = cached.lesson("irreps", "parity", l, parity)
    facts = {
        "D Dᵀ = 1": words.delta(found["orthogonal"]),
        "D(g₁ g₂) = D(g₁) D(g₂)": words.delta(found["product"]),
    }
    mended = {"mended by": "D(Q R Qᵀ) with Q: (x, y, z) → (y, z, x)"} if cyclic else {}
    return [
        _parts.Reading("Y(g·x) against D(g) Y(x)", kept, mixed if cyclic else None, facts | mended),
        _parts.Reading(
            f"Y(−x) against D(−1) Y(x), declared {l}{parity}",
            agrees,
            declared if parity != own else None,
        ),
    ]
