"""N-body: turn the start under the hand and see whether two models' predicted ends turn with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import streamlit as st

from app.backend import cached, molecules, nbody
from app.pages._square import picture
from app.pages._square.strip import wait
from app.pages.nbody import controls, export, lenses, square, state
from app.ui import address, choose, rotation, style, terms, tools, words

TITLE, ICON, ORDER, SECTION = "N-body", ":material/scatter_plot:", 20, "Explore"
QUESTION = "Turn the start or turn the prediction?"
KINDS = {"square": "squares", "verdict": "verdicts", "rollout": "rolled", "curve": "curves"}


@dataclass
class Shown:
    """What is shown: the choices, and what is known of each run already."""

    source: nbody.Source
    begin: nbody.Start
    names: list[str]
    labels: dict[str, str]
    element: molecules.Element
    turn: rotation.Turn
    law: str
    precision: str
    metric: str
    rolling: bool
    begins: bool
    squares: dict[str, Any] = field(default_factory=dict)
    verdicts: dict[str, Any] = field(default_factory=dict)
    rolled: dict[str, Any] = field(default_factory=dict)
    curves: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.moved = nbody.moved(self.begin, self.element)
        self.true = cached.twin(
            self.source, self.element, self.law, state.HORIZONS if self.rolling else 1
        )
        self.limited = cached.limited(self.source, self.law)

    @property
    def measured(self) -> cached.Asked:
        """What is asked of every run alike."""
        return self.source, self.element, self.turn[0], self.precision

    @property
    def asked(self) -> tuple:
        """What a live view depends on: everything but the rotation."""
        stamps = tuple(cached.stamp(name) for name in self.names)
        chosen = (self.law, self.rolling, self.precision, self.element[1:])
        return self.source, tuple(self.names), stamps, chosen

    @property
    def unrolled(self) -> bool:
        """Whether a roll-out is to be shown that is not known yet."""
        return self.rolling and len(self.rolled) < len(self.names)

    def view(self) -> Any:
        """What the live channel answers from."""
        return cached.motion(self.names, self.measured, self.law, self.rolled)

    def error(self, places: np.ndarray) -> float:
        """How far predicted ends are from the true ones: the root of the mean squared coordinate."""
        return float(np.sqrt(nbody.mse(places, self.true.straight[nbody.PER_HORIZON])))


def render() -> None:
    """The page: a sentence, one row of controls, the square with its verdict, a strip of lenses."""
    style.picture_page()
    line, places = tools.head()
    lenses.from_address()
    source, names, turn, extras = controls.row()
    notes = st.empty()
    shown = _shown(source, names, turn, extras)
    if not names:
        st.info(
            "There is no run that reads particles yet; train one on N-body in the Training page."
        )
    waiting = _measure(shown, "square", "verdict", *(["rollout"] if shown.rolling else []))
    tools.headline(line, QUESTION, _answer(shown))
    square.show(shown)
    # The picture is on its way before the curve is measured.
    waiting = waiting or _measure(shown, "curve")
    if waiting:
        wait(waiting, "scenes")
    if shown.squares:
        lenses.strip(shown)
    with notes:  # the lenses, too, may find that what a link asks for is not there
        address.told()
    _address(shown, extras)
    tools.undo_and_reset(places, "nbody", state.UNDONE, state.DEFAULTS)
    tools.link(places)
    export.menu(places, shown)
    tools.glossary(places, terms.BODIES)


def _shown(source: nbody.Source, names: list[str], turn: rotation.Turn, extras: list[str]) -> Shown:
    rolling, begins = lenses.rolling()
    s = st.session_state
    return Shown(
        source,
        cached.start_of(source),
        names,
        choose.labels(names),
        molecules.element(turn[2], extras),
        turn,
        str(s[state.LAW]),
        str(s[state.PRECISION]),
        str(s[state.METRIC]),
        rolling,
        begins,
    )


def _measure(shown: Shown, *kinds: str) -> list[tuple]:
    """Fills in what is known of each kind already; what has still to be compiled is given back."""
    for kind in kinds:
        waiting, found = cached.of_structure(kind, shown.names, shown.measured)
        getattr(shown, KINDS[kind]).update(found)
        if waiting:
            return waiting
    return []


def _answer(shown: Shown) -> str:
    """The headline of the numbers, and a word on the simulator where it breaks the symmetry itself."""
    told = picture.told(square.models_of(shown), square.OUTPUT)
    line = words.headline(told, "ends", "start")
    if shown.limited and shown.true.delta > lenses.ROUNDED:
        line += (
            f" The true ends differ too, by {words.apart(shown.true.delta)}: the {shown.law} law limits "
            "each force component."
        )
    return line


def _address(shown: Shown, extras: list[str]) -> None:
    source = shown.source
    drawn = source.name == nbody.GENERATED and source.data is None
    first, second = (st.session_state.get(k) for k in (state.RUN, state.BESIDE))
    address.address(
        scene=None if source.data else source.name,
        run=first,
        beside=second,
        angle=rotation.angle_in_address(state.G),
        axis=rotation.axis_in_address(state.G),
        also=",".join(extras) or None,
        law=shown.law,
        precision=shown.precision,
        metric=None if shown.metric == "l2" else shown.metric,
        **lenses.in_address(),
        frame=st.session_state[state.FRAME] or None,
        bodies=source.bodies if drawn else None,
        charges=source.charges if drawn else None,
        seed=source.seed if drawn else None,
        draw=st.session_state.get(f"{state.G}:seed") or None,
    )
