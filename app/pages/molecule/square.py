"""The picture of the Molecule page: panels of the square, the verdict beside them, the live channel."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from app import viewer
from app.backend import cached, molecules
from app.backend.measuring import metrics
from app.figures import BANDS
from app.pages.molecule import state
from app.pages.molecule.state import VIEWER, G
from app.ui import live, rotation, terms, words
from app.viewer import scene as look
from app.viewer.checked import ball_radii

HUES = (look.MODEL_A, look.MODEL_B)
ON_DARK = dict(zip(HUES, ("#4BA3E3", "#F28C3A"), strict=True))
# A lecture, whose type is larger, says how much of the screen there is and what stands around the square.
SCREEN, AROUND = "var(--demetar-screen, 100vh)", "var(--demetar-around, 384px)"
HEIGHT = (
    f"clamp(var(--demetar-least, 380px), max({SCREEN} - {AROUND}, "
    f"min(440px, {SCREEN} - {AROUND} + var(--demetar-over, 54px))), 680px)"
)
JOINS = ((0, 1, "g"), (2, 3, "g"), (0, 2, "f ↓ predict"), (1, 3, "f ↓ predict"))
QUESTION = "Do the two paths agree?"
ABOUT = (
    "Δ_EQ: how far g·f(x) and f(g·x) are apart, relative to their length. "
    "0: the same; 1: as far as the arrows are long."
)


def models_of(shown: Any) -> list[dict[str, Any]]:
    """Each run as the words and the picture need it: label, colour, Δ, verdict, unit."""
    found = []
    for i, name in enumerate(shown.names):
        square, verdict = shown.squares.get(name), shown.verdicts.get(name)
        found.append(
            {
                "label": shown.labels[name],
                "color": HUES[i],
                "unit": "" if square is None else square.unit,
                "delta": None if square is None else square.delta,
                "metrics": None
                if square is None
                else metrics.of(square.left["gradient"], square.right["gradient"]),
                "judgement": None
                if verdict is None
                else {"word": verdict.word, "sentence": verdict.sentence},
                "spread": shown.spread.get(name),
            }
        )
    return found


def show(shown: Any, drawn: list[Any]) -> viewer.Events:
    """Draws the square; `drawn` are further items on x (attention, features)."""
    models = models_of(shown)
    panels = _panels(shown, models, drawn)
    two = len(shown.names) == 2
    wide = [[0, 1, "side"], [2, 3, 4 if two else None]]
    narrow = [[0, 1], [2, 3], ["side", 4 if two else None]]
    if not shown.names:
        wide, narrow = [[0, 1, "side"]], [[0, 1], ["side", None]]
    token = None
    if shown.names and len(shown.verdicts) == len(shown.names):
        token = live.token("molecule", shown.asked, shown.view)
    channel = viewer.Live(
        live.PATH,
        token,
        list(shown.turn[2]),
        [
            {
                "panel": 3 + i,
                "differ": "f differs by",
                **{k: m[k] for k in ("label", "color", "unit")},
            }
            for i, m in enumerate(models)
        ],
    )
    return viewer.show(
        panels,
        key=VIEWER,
        height=HEIGHT,
        grid=viewer.Grid(wide, narrow, JOINS if shown.squares else JOINS[:1]),
        side=_side(shown, models),
        live=channel,
        fit=f"{shown.source.name} {shown.source.frame}",
        alt=in_words(shown),
        on_drag=lambda drag: rotation.turn_on(G, drag.quaternion),
        on_view=lambda view: rotation.set_rotation(G, view.quaternion),
        on_angle=lambda angle: rotation.set_angle(G, angle.degrees),
        on_choice=_choose,
    )


def _choose(choice: Any) -> None:
    known = {
        "precision": (state.PRECISION, state.PRECISIONS),
        "of": (state.OF, tuple(state.VALUES)),
        "metric": (state.METRIC, tuple(metrics.NAMES)),
    }
    key, options = known.get(choice.name, ("", ()))
    if choice.value in options:
        st.session_state[key] = choice.value


def _panels(shown: Any, models: list[dict[str, Any]], drawn: list[Any]) -> list[look.Panel]:
    molecule, element = shown.molecule, shown.element
    x, gx = molecule.positions, molecules.act(element, molecule.positions)
    body = look.Atoms(molecule.symbols, x, molecule.bonds)
    bonds = molecule.bonds if element.renumber is None else None
    turned = look.Atoms(cached.renumbered(element, molecule.symbols), gx, bonds)
    after = "".join(f"then {e} " for e in st.session_state.get(state.ALSO) or ())
    panels = [
        look.Panel("x", [body, *drawn], "the molecule", caption="drag: look around", view_button=True,
                   help="x: the molecule as it is given. Dragging here turns the camera, not the input."),
        look.Panel("g·x", [turned], "the molecule, turned", input=True, rotation=shown.turn[2],
                   caption=f"drag: turn it {after}".strip(), help=terms.G),
    ]  # fmt: skip
    if not shown.names:
        return panels
    lead = shown.squares.get(shown.names[0])
    if lead is None:
        panels.append(look.Panel("f(x)", [body], models[0]["label"], caption="measuring …"))
    else:
        panels.append(_first(body, molecule, lead, models[0]))
    for model, name in zip(models, shown.names, strict=True):
        square = shown.squares.get(name)
        if square is None:
            title, label = "g·f(x) and f(g·x)", model["label"]
            panels.append(look.Panel(title, [turned], label, caption="measuring …", follows=True))
        else:
            panels.append(_both_ways(turned, molecule, element, square, model))
    return panels


def _first(body: look.Atoms, molecule: Any, square: Any, model: dict[str, Any]) -> look.Panel:
    vectors = square.first["gradient"]
    longest = float(np.linalg.norm(vectors, axis=1).max(initial=0.0))
    arrows = look.Field(
        molecule.positions, vectors, "first", model["color"], "∂f/∂x", f"{square.unit}/Å",
        scale=look.fitting_scale(vectors), radii=ball_radii(molecule.symbols), width=0.075,
    )  # fmt: skip
    what = "energy" if "energy" in square.target else square.target.upper()
    value = float(square.first["value"])
    return look.Panel(
        "f(x)", [body, arrows], f"{model['label']}: slope of the {what}",
        caption=f"f = {words.physical(value)} {square.unit}",
        note=f"longest {longest:.3g} {square.unit}/Å",
        help=f"{terms.GRADIENT} {terms.HOMO if what == 'HOMO' else ''}",
    )  # fmt: skip


def _both_ways(
    turned: look.Atoms, molecule: Any, element: Any, square: Any, model: dict[str, Any]
) -> look.Panel:
    left, right = square.left["gradient"], square.right["gradient"]
    scale = look.fitting_scale(square.first["gradient"])
    symbols = cached.renumbered(element, molecule.symbols)
    at = {"scale": scale, "radii": ball_radii(symbols)}
    at_g = turned.positions
    residual = left - right
    return look.Panel(
        "g·f(x) and f(g·x)",
        [
            turned,
            look.Field(
                at_g, left, "left", model["color"], "g·f(x)", f"{square.unit}/Å", width=0.06, **at
            ),
            look.Field(at_g, right, "right", look.SLEEVE, "f(g·x)", opacity=0.5, width=0.15, **at),
            look.Field(
                at_g,
                residual,
                "residual",
                look.RESIDUAL,
                width=0.05,
                magnify=look.magnifier(residual, scale),
                **at,
            ),  # fmt: skip
        ],
        model["label"],
        note=f"f differs by {_plain(square.absolute['value'])} {square.unit}",
        follows=True,
        help=f"Thin arrows: predict, then turn. Wide sleeve: turn, then predict. {terms.RESIDUAL}",
    )


def _plain(value: float) -> str:
    if value == 0:
        return "0"
    if abs(value) < 0.001:
        return "< 0.001"
    return f"{value:.{1 if abs(value) >= 10 else 2 if abs(value) >= 0.1 else 3}f}"


def _side(shown: Any, models: list[dict[str, Any]]) -> dict[str, Any]:
    choices = {
        "precision": [(p, f"in {state.SHORT[p]}") for p in state.PRECISIONS],
        "of": list(state.VALUES.items()),
        "metric": list(metrics.NAMES.items()),
    }
    values = {"precision": shown.precision, "of": shown.of, "metric": shown.metric}
    told = {
        "precision": f"The arithmetic. {terms.PRECISION}",
        "of": "What is compared: the arrows, or the number itself",
        "metric": "How the difference is measured; Δ_EQ itself is relative L2",
    }  # fmt: skip
    return {
        "question": QUESTION,
        "about": ABOUT,
        "help": f"{terms.DELTA} {terms.VERDICT}",
        "precision": state.SHORT[shown.precision],
        "of": shown.of,
        "metric": shown.metric,
        "choices": {
            k: {"options": v, "value": values[k], "label": told[k]} for k, v in choices.items()
        },
        "models": models,
        "bands": [{"name": n, "low": low, "high": high} for n, low, high, _ in BANDS],
    }


def in_words(shown: Any) -> str:
    """The picture for who cannot see it."""
    parts = [
        f"{shown.labels[n]}: Δ_EQ of the gradient {words.delta(s.delta['gradient'])}"
        for n, s in shown.squares.items()
    ]
    return "Commuting square of a turned molecule. " + "; ".join(parts)
