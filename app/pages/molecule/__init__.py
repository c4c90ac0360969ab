"""Molecule: turn a real molecule under the hand and see whether two models' predictions turn with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from app.backend import cached, molecules
from app.pages._square import picture
from app.pages._square.strip import wait
from app.pages.molecule import controls, export, idea, lenses, square, state
from app.pages.molecule.lens import features
from app.ui import address, choose, rotation, style, terms, tools, words

TITLE, ICON, ORDER, SECTION = "Molecule", ":material/hub:", 10, "Explore"


@dataclass
class Shown:
    """What is shown: the choices, and what is known of each run already."""

    source: molecules.Source
    molecule: cached.Molecule
    names: list[str]
    labels: dict[str, str]
    element: molecules.Element
    turn: rotation.Turn
    precision: str
    of: str
    metric: str
    squares: dict[str, Any] = field(default_factory=dict)
    verdicts: dict[str, Any] = field(default_factory=dict)
    curves: dict[str, Any] = field(default_factory=dict)
    spread: dict[str, float] = field(default_factory=dict)

    @property
    def moved(self) -> Any:
        """The positions [n 3] of g·x."""
        return molecules.act(self.element, self.molecule.positions)

    @property
    def asked(self) -> tuple:
        """What a live view depends on: everything but the rotation."""
        stamps = tuple(cached.stamp(name) for name in self.names)
        return self.source, tuple(self.names), stamps, self.precision, self.element[1:]

    def view(self) -> Any:
        """What the live channel answers from."""
        return cached.view(self.names, self.source, self.element, self.precision)


def render() -> None:
    """The page: a sentence, one row of controls, the square with its verdict, a strip of lenses."""
    style.picture_page()
    line, places = tools.head()
    lenses.from_address()
    source, names, turn, extras = controls.row()
    notes = st.empty()
    if not names:
        with notes:
            address.told()
        st.info("There is no run that reads molecules yet; train one on QM9 in the Training page.")
        return
    shown = _shown(source, names, turn, extras)
    waiting = _measure(shown, square=shown.squares, verdict=shown.verdicts)
    tools.headline(
        line,
        "Turn first or predict first?",
        words.headline(picture.told(square.models_of(shown), "gradient")),
    )
    idea.bar(names)
    square.show(shown, _drawn(shown))
    # The picture is on its way before the curve is measured.
    waiting = waiting or _measure(shown, curve=shown.curves)
    if waiting:
        wait(waiting, "molecules")
    if shown.squares:
        lenses.strip(shown)
    with notes:  # the lenses, too, may find that what a link asks for is not there
        address.told()
    _address(shown, extras)
    tools.undo_and_reset(places, "molecule", state.UNDONE, state.DEFAULTS)
    tools.link(places)
    export.menu(places, shown)
    tools.glossary(places, terms.TERMS)


def _shown(
    source: molecules.Source, names: list[str], turn: rotation.Turn, extras: list[str]
) -> Shown:
    s = st.session_state
    return Shown(
        source,
        cached.molecule(source),
        names,
        choose.labels(names),
        molecules.element(turn[2], extras),
        turn,
        str(s[state.PRECISION]),
        str(s[state.OF]),
        str(s[state.METRIC]),
    )


def _measure(shown: Shown, **places: dict[str, Any]) -> list[tuple]:
    """Fills in what is known of each kind already; what has still to be compiled is given back."""
    asked = (shown.source, shown.element, shown.turn[0], shown.precision)
    for kind, place in places.items():
        waiting, found = cached.of_structure(kind, shown.names, asked)
        place.update(found)
        if waiting:
            return waiting
    if shown.metric == "spread" and "verdict" in places:
        for name in shown.names:
            found = cached.orbit(name, shown.source, shown.element.invert, shown.precision)
            shown.spread[name] = found.spread
    return []


def _drawn(shown: Shown) -> list[Any]:
    feature = features.chosen(shown.squares)
    return [] if feature is None else [features.drawn(shown.molecule.positions, feature)]


def _address(shown: Shown, extras: list[str]) -> None:
    address.address(
        molecule=shown.source.name if shown.source.data is None else None,
        run=shown.names[0],
        beside=shown.names[1] if len(shown.names) > 1 else state.ALONE,
        angle=rotation.angle_in_address(state.G),
        axis=rotation.axis_in_address(state.G),
        also=",".join(extras) or None,
        precision=shown.precision,
        of=None if shown.of == "gradient" else shown.of,
        metric=None if shown.metric == "l2" else shown.metric,
        **lenses.in_address(),
        seed=st.session_state.get(f"{state.G}:seed") or None,
        frame=None
        if shown.source.data is None or not shown.source.frame
        else shown.source.frame + 1,
    )
