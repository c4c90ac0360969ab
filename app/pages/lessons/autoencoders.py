"""Group-invariant autoencoders: a code that stays, a g that is found, the two put together; and apart."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app.backend import cached
from app.figures import latent as pictures
from app.figures import lessons as figures
from app.figures import pixels
from app.pages.lessons import _parts, _scenes
from app.pages.lessons._asked import Asked, One, Switch, Whole
from app.ui import layout, words

TITLE, SHORT, ORDER = "Group-invariant autoencoders", "Autoencoders", 8
RULE = (
    "An invariant code and a found group element: η(g·x) = η(x), ψ(g·x) = g ψ(x), and x̂ = ψ(x)·δ(η(x)) turns "
    "with x. Where some h leaves x as it is, no ψ can exist."
)
DO = (
    "turn the input. The code η says what it is and stays; ψ says how it is turned; the picture x̂ is "
    "made of both."
)
QUESTION = (
    "A digit looks the same after half a turn, such as a perfect 0. Which angle does ψ find for it?"
)
CHOICES = (
    "Always 0°",
    "One of two that differ by 180°, always the same one",
    "None: its vector vanishes",
)
RIGHT = 2
WHY = (
    "ψ(x) = ψ(h·x) = h ψ(x) asks for a vector that half a turn leaves as it is, and only zero does. A nearly "
    "symmetric digit has a short vector, and small changes turn it far."
)
USED = ("The model's run and its curves", "training", {"run": "autoencoder-clouds"})
SOURCE = (
    "R. Winter, M. Bertolini, T. Le, F. Noé, D.-A. Clevert, NeurIPS 2022 (arXiv:2202.07559), 3."
)
VIEWS = {"digits": "Digits, SO(2)", "clouds": "Tetris, SE(3) × S_n", "molecules": "Molecules"}
WAYS = ("harmonics", "pixels")
FOLDS = {"as it is": 1, "2-fold": 2, "3-fold": 3, "4-fold": 4}
SHAPES = ("chiral 1", "chiral 2", "square", "line", "corner", "L", "T", "zigzag")
LETTERS = ("1", "2", "□", "|", "⌞", "L", "T", "Z")
MOLECULES = ("uracil", "glycerol", "acetone", "urea", "pyridine", "toluene")
UNITS, OWN = {"clouds": "cubes", "molecules": "Å"}, "η and ψ"
CODES = {
    "clouds": "Codes of shaken shapes, by shape; 1 and 2 are mirror images.",
    "molecules": "Codes of stored molecules, by their number of heavy atoms.",
}
HEAVY = ("5", "6", "7", "8", "9")
ANGLES, SHAKES = range(0, 181, 15), (0.0, 0.01, 0.02, 0.05, 0.1, 0.2)

ASKED = Asked(
    "autoencoders",
    {
        "view": One(tuple(VIEWS)),
        "broken": Switch(),
        "digit": Whole(0, 499, 3),
        "degrees": Whole(0, 180, 90),
        "way": One(WAYS),
        "fold": One(tuple(FOLDS)),
        "shape": One(SHAPES),
        "molecule": One(MOLECULES),
        "shake": One(SHAKES, 0.1),
    },
    ("(1 1 1)", 60.0),
)


def show() -> list[_parts.Reading]:
    """A digit or a cloud of points through the autoencoder, before and after g."""
    row = ASKED.row()
    with row:
        view = ASKED.buttons(
            "view", "What", format_func=VIEWS.__getitem__, label_visibility="collapsed"
        )
        broken = ASKED.breaks(
            "leave ψ out", "The code alone is decoded: it does not know how the input lies."
        )
    return _digits(broken) if view == "digits" else _clouds(row, broken, view)


def _asked_digit() -> tuple[int, float, str, int]:
    with ASKED.row(2):
        index = ASKED.number("digit", "Digit", width=84)
        degrees = ASKED.slider("degrees", "Turn", step=15, format="%d°", width=130)
        way = ASKED.buttons("way", "Turned in")
        fold = ASKED.buttons(
            "fold",
            "Symmetry",
            help="The mean of the digit and its turns by 360°/n: a digit that these turns leave as it is.",
        )
    return index, float(degrees), way, FOLDS[fold]


def _digits(broken: bool) -> list[_parts.Reading]:
    index, degrees, way, fold = _asked_digit()
    found = cached.lesson("autoencoders", "digit", index, degrees, way, fold)
    known = cached.lesson("autoencoders", "latent")
    curves = cached.lesson("autoencoders", "by_angle", index, fold)
    errors, dark = cached.lesson("autoencoders", "errors"), layout.dark()
    names = ("x", "g·x", "δ(η(x))", "x̂(x)", "x̂(g·x)")
    shown = {name: found[name] for name in names}
    if broken:
        shown |= {"x̂(x)": found["δ(η(x))"], "x̂(g·x)": found["δ(η(g·x))"]}
    _parts.pixels(
        pixels.matrices(shown, dark, True, dict.fromkeys(names, "x")),
        190,
        "A digit, turned by g, its canonical picture from the code, and both rebuilt.",
    )
    left, right = layout.halves()
    with left:
        _parts.pixels(
            pictures.plane(known["places"], known["classes"], "0123456789", index, dark),
            250,
            "Codes of 500 test digits, by class, and the chosen one.",
        )
    with right:
        _parts.chart(
            figures.curves(ANGLES, curves, "degrees", dark, (degrees,), 250),
            "autoencoders:angles",
            "How far the rebuilt digit is from the turned one over the angle.",
        )
    fine = cached.lesson("autoencoders", "digit", index, degrees, "harmonics", 1)
    return _of_digits(found, fine, broken, errors | known)


def _of_digits(
    found: dict[str, Any], fine: dict[str, Any], broken: bool, known: dict[str, Any]
) -> list[_parts.Reading]:
    size = {
        name: f"{known[name]:.4f}"
        for name in ("test, equivariant", "test, plain", "test, mean picture", "band limit")
    }
    facts = {
        "test error (mean square)": size["test, equivariant"],
        "plain; mean picture": f"{size['test, plain']}, {size['test, mean picture']}",
        "left out by harmonics": size["band limit"],
        "this digit missed by": f"{100 * found['missed']:.0f} %",
        "nearest code alike": f"{100 * known['nearest']:.0f} %",
    }
    return [
        _reading("η(g·x) against η(x)", found["code"], fine["code"]),
        _reading(
            "ψ(g·x) against g ψ(x)",
            found["angle"],
            fine["angle"],
            {"length of ψ's vector": _lengths(found["length"], known["lengths"])},
        ),
        _reading(
            "x̂(g·x) against g·x̂(x)",
            found["without ψ" if broken else "rebuilt"],
            fine["rebuilt"],
            facts,
        ),
    ]


def _lengths(own: float, by_digit: Any) -> str:
    """The length here, and the digits whose median is the smallest and the largest."""
    short, long = by_digit.argmin(), by_digit.argmax()
    return (
        f"{words.delta(own)} (median of {short}: {by_digit[short]:.1f}, of {long}: "
        f"{by_digit[long]:.1f})"
    )


def _reading(
    what: str, now: float, kept: float, facts: dict[str, str] | None = None
) -> _parts.Reading:
    whole = now < 1e-9
    return _parts.Reading(what, now if whole else kept, None if whole else now, facts or {})


def _clouds(row: Any, broken: bool, view: str) -> list[_parts.Reading]:
    dark = layout.dark()
    with row:
        tetris = view == "clouds"
        name = ASKED.menu(
            *(("shape", "Shape") if tetris else ("molecule", "Heavy atoms of")), width=120
        )
        shake = st.select_slider("Shaken by", SHAKES, key=ASKED.key("shake"), width=120)
    with ASKED.row(2):
        turn = ASKED.turn()
    seed = 1
    found = cached.lesson("autoencoders", "cloud", name, float(shake), seed, turn[2])
    known = cached.lesson("autoencoders", "shapes_latent" if tetris else "molecules_latent")
    moved = found["canonical"] if broken else found["x̂(g·x)"]
    made = found["canonical"] if broken else found["x̂(x)"]
    panels = {
        "x̂(x), halos: x": {"x̂": made, "x": found["x"]},
        "canonical": {"δ": found["canonical"]},
        "x̂(g·x), halos: g·x": {"x̂": moved, "g·x": found["g·x"]},
    }
    _parts.scene(
        _scenes.clouds(panels),
        "autoencoders:clouds",
        260,
        "The rebuilt cloud on the given one, the canonical cloud, and both after g.",
        name,
    )
    left, right = layout.halves()
    with left:
        _parts.pixels(
            pictures.plane(
                known["places"], known["classes"], LETTERS if tetris else HEAVY, None, dark
            ),
            240,
            CODES[view],
        )
    with right:
        curves = cached.lesson("autoencoders", "by_shake", name, seed)
        places = range(len(SHAKES))
        _parts.chart(
            figures.curves(
                places,
                {k: abs(v) for k, v in curves.items()},
                "shaken by " + ", ".join(f"{s:g}" for s in SHAKES),
                dark,
                (SHAKES.index(shake),),
                240,
            ),
            "autoencoders:shakes",
            "The frame's volume and what is missed over the shaking.",
        )
    fine = cached.lesson("autoencoders", "cloud", name, 0.1, seed, turn[2])
    return _of_clouds(found, fine, broken, view)


def _of_clouds(
    found: dict[str, Any], fine: dict[str, Any], broken: bool, view: str
) -> list[_parts.Reading]:
    errors, unit = cached.lesson("autoencoders", "clouds_errors", view), UNITS[view]
    baselines = ", ".join(who for who in errors if who != OWN)
    facts = {
        f"test error, {unit}²": f"{errors[OWN]:.4f}",
        baselines: ", ".join(f"{v:.4f}" for who, v in errors.items() if who != OWN),
        "this cloud missed by": f"{found['missed']:.2f} {unit}",
        "code of the mirror image": words.delta(found["mirror"]),
    }
    now = found["without ψ" if broken else "rebuilt"]
    return [
        _reading("η(g·x) against η(x)", found["code"], fine["code"]),
        _reading(
            "ψ(g·x) against g ψ(x)",
            found["frame"],
            fine["frame"],
            {"det R (1: a whole frame)": f"{found['volume']:.3f}"},
        ),
        _reading("x̂(g·x) against g·x̂(x)", now, fine["rebuilt"], facts),
    ]
