"""The picture of the Molecule page: panels of the square, the verdict beside them, the live channel."""

from __future__ import annotations

from typing import Any

import numpy as np

from app import viewer
from app.backend import cached, molecules
from app.backend.measuring import metrics
from app.pages._square import picture
from app.pages.molecule import state
from app.pages.molecule.state import VIEWER, G
from app.ui import terms, words
from app.viewer import scene as look
from app.viewer.checked import ball_radii

QUESTION = "Do the two paths agree?"
ABOUT = (
    "Δ_EQ: how far g·f(x) and f(g·x) are apart, relative to their length. "
    "0: the same; 1: as far as the arrows are long."
)


def models_of(shown: Any) -> list[dict[str, Any]]:
    """Each run as the words and the picture need it: label, colour, Δ, verdict, unit."""
    return picture.models_of(
        shown,
        lambda s: s.unit,
        lambda s: metrics.of(s.left["gradient"], s.right["gradient"]),
        spread=shown.spread.get,
    )


def show(shown: Any, drawn: list[Any]) -> viewer.Events:
    """Draws the square; `drawn` are further items on x (attention, features)."""
    models = models_of(shown)
    known = len(shown.verdicts) == len(shown.names)
    choices = {
        "precision": (state.PRECISION, state.PRECISIONS),
        "of": (state.OF, tuple(state.VALUES)),
        "metric": (state.METRIC, tuple(metrics.NAMES)),
    }
    return viewer.show(
        _panels(shown, models, drawn),
        key=VIEWER,
        height=picture.height(),
        grid=picture.grid(len(shown.names), bool(shown.squares)),
        side=picture.side(
            shown,
            models,
            (QUESTION, ABOUT),
            shown.of,
            state.SHORT,
            {"of": state.VALUES, "metric": metrics.NAMES},
        ),
        live=picture.channel("molecule", shown, models, "f differs by", known),
        fit=f"{shown.source.name} {shown.source.frame}",
        alt=in_words(shown),
        on=picture.heard(G, choices),
    )


def _panels(shown: Any, models: list[dict[str, Any]], drawn: list[Any]) -> list[look.Panel]:
    molecule, element = shown.molecule, shown.element
    x, gx = molecule.positions, molecules.act(element, molecule.positions)
    body = look.Atoms(molecule.symbols, x, molecule.bonds)
    bonds = molecule.bonds if element.renumber is None else None
    turned = look.Atoms(cached.renumbered(element, molecule.symbols), gx, bonds)
    panels = [
        look.Panel(
            "x",
            [body, *drawn],
            "the molecule",
            caption="drag: look around",
            view_button=True,
            help="x: the molecule as it is given. Dragging here turns the camera, not the input.",
        ),
        look.Panel(
            "g·x",
            [turned],
            "the molecule, turned",
            input=True,
            rotation=shown.turn[2],
            caption=picture.caption(state.ALSO),
            help=terms.G,
        ),
    ]
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
        molecule.positions,
        vectors,
        "first",
        model["color"],
        "∂f/∂x",
        f"{square.unit}/Å",
        scale=look.fitting_scale(vectors),
        radii=ball_radii(molecule.symbols),
        width=0.075,
    )
    what = "energy" if "energy" in square.target else square.target.upper()
    value = float(square.first["value"])
    return look.Panel(
        "f(x)",
        [body, arrows],
        f"{model['label']}: slope of the {what}",
        caption=f"f = {words.physical(value)} {square.unit}",
        note=f"longest {words.physical(longest)} {square.unit}/Å",
        help=f"{terms.GRADIENT} {terms.HOMO if what == 'HOMO' else ''}",
    )


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
            ),
        ],
        model["label"],
        note=f"f differs by {picture.plain(square.absolute['value'])} {square.unit}",
        follows=True,
        help=f"Thin arrows: predict, then turn. Wide sleeve: turn, then predict. {terms.RESIDUAL}",
    )


def in_words(shown: Any) -> str:
    """The picture for who cannot see it."""
    parts = [
        f"{shown.labels[n]}: Δ_EQ of the gradient {words.delta(s.delta['gradient'])}"
        for n, s in shown.squares.items()
    ]
    return "Commuting square of a turned molecule. " + "; ".join(parts)
