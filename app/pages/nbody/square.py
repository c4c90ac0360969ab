"""The picture of the N-body page: panels of the square, the verdict beside them, the live channel."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import streamlit as st

from app import viewer
from app.backend.measuring import metrics
from app.pages._square import picture
from app.pages.nbody import state
from app.pages.nbody.state import UNIT, VIEWER, G
from app.ui import terms, words
from app.viewer import scene as look

OUTPUT = "positions"
QUESTION = "Same ends either way?"
ABOUT = (
    "Δ_EQ: how far the ends g·f(x) and f(g·x) are apart, relative to the way there. "
    "0: the same; 1: as far as the bodies go."
)
RATE = {False: 10.0, True: 25.0}  # frames a second: of one step, of a roll-out
FRAME = 0.04  # time units


def models_of(shown: Any) -> list[dict[str, Any]]:
    """Each run as the words and the picture need it: label, colour, Δ, verdict, unit."""
    return picture.models_of(
        shown, lambda _: "units", lambda s: metrics.of(*s.ways), per=lambda _: UNIT
    )


def show(shown: Any) -> viewer.Events:
    """Draws the square."""
    models = models_of(shown)
    known = len(shown.verdicts) == len(shown.names) and not shown.unrolled
    choices = {
        "precision": (state.PRECISION, state.PRECISIONS),
        "metric": (state.METRIC, tuple(state.METRICS)),
    }
    return viewer.show(
        _Scene(shown, models).panels(),
        key=VIEWER,
        height=picture.height(player=True),
        grid=picture.grid(len(shown.names), True),
        side=picture.side(
            shown, models, (QUESTION, ABOUT), OUTPUT, state.SHORT, {"metric": state.METRICS}
        ),
        live=picture.channel("nbody", shown, models, "ends differ by", known, truth=1),
        fit=f"{shown.source.name} {shown.rolling} {len(shown.squares)} {len(shown.rolled)}",
        fill=False,
        alt=in_words(shown),
        playback=viewer.Playback(
            RATE[shown.rolling],
            FRAME,
            "time units",
            shown.begins,
            int(st.session_state[state.FRAME]),
        ),
        on={**picture.heard(G, choices), "frame": _rest},
    )


def _rest(told: Any) -> None:
    st.session_state[state.FRAME] = min(told.frame, state.MOST_FRAMES)


class _Scene:
    """The panels, all about the centre of x or of g·x, in sizes that fit the scene."""

    def __init__(self, shown: Any, models: list[dict[str, Any]]) -> None:
        self.shown, self.models = shown, models
        self.at, self.at_g = shown.begin.positions.mean(0), shown.moved.positions.mean(0)
        self.x, self.gx = shown.begin.positions - self.at, shown.moved.positions - self.at_g
        reach = np.percentile(np.linalg.norm(shown.true.straight - self.at, axis=-1), 90)
        self.size = float(np.clip(0.12 * reach, 0.12, 0.6))

    def panels(self) -> list[look.Panel]:
        shown, true = self.shown, self.shown.true
        panels = [
            look.Panel(
                "x",
                self._true(self.x, true.straight - self.at, shown.begin.charges),
                "the start",
                caption="drag: look around",
                view_button=True,
                help="x: the start as it is given. Dragging here turns the camera, not the input. "
                + terms.PATHS,
            ),
            look.Panel(
                "g·x",
                self._true(self.gx, true.moved - self.at_g, shown.moved.charges),
                "the start, turned",
                input=True,
                follows=True,
                rotation=shown.turn[2],
                caption=picture.caption(state.ALSO),
                help=terms.BODIES["g"],
            ),
        ]
        if not shown.names:
            return panels
        panels.append(self._first(shown.names[0], self.models[0]))
        return panels + [self._both(n, m) for n, m in zip(shown.names, self.models, strict=True)]

    def _bodies(self, places: Any, charges: Any) -> look.Particles:
        return look.Particles(places, charges, 0.9 * self.size)

    def _start(self, places: Any, charges: Any) -> look.Particles:
        return look.Particles(places, charges, 0.4 * self.size, look.GREY)

    def _true(self, places: Any, frames: Any, charges: Any) -> list[Any]:
        return [
            self._start(places, charges),
            look.Path(frames, "truth", look.GREY, "true path", 0.16 * self.size),
            look.Track(
                frames,
                "",
                look.GREY,
                charges=charges,
                radius=0.9 * self.size,
                trail=False,
                role="truth",
            ),
        ]

    def _first(self, name: str, model: dict[str, Any]) -> look.Panel:
        shown = self.shown
        square, rolled = shown.squares.get(name), shown.rolled.get(name)
        about = f"{model['label']}: where they go"
        charges = shown.begin.charges
        if square is None or (shown.rolling and rolled is None):
            return look.Panel("f(x)", [self._bodies(self.x, charges)], about, "measuring …")
        if rolled is not None:
            items = [
                self._start(self.x, charges),
                look.Path(
                    shown.true.straight - self.at, "first", look.GREY, "true path", 0.1 * self.size
                ),
                *self._rolled(rolled.first - self.at, "first", "left", model["color"], "f(f(…x))"),
            ]
            return look.Panel(
                "f(x)",
                items,
                f"{model['label']}, five steps",
                "one step a time unit",
                help=terms.ROLLOUT,
            )
        end = look.Particles(
            shown.true.straight[-1] - self.at, None, 0.6 * self.size, look.GREY, True, "true end"
        )
        way = look.Field(
            self.x,
            square.first - shown.begin.positions,
            "first",
            model["color"],
            "predicted way",
            width=0.25 * self.size,
            longest=1e6,
        )
        return look.Panel(
            "f(x)",
            [self._bodies(self.x, charges), end, way],
            about,
            caption=f"error {words.delta(shown.error(square.first))} {UNIT}",
            note="after 1 time unit",
            help="The predicted displacement of each body over one time unit, and where it truly ends. "
            "The error is the root of the mean squared one of a coordinate.",
        )

    def _both(self, name: str, model: dict[str, Any]) -> look.Panel:
        shown = self.shown
        square, rolled = shown.squares.get(name), shown.rolled.get(name)
        bodies = self._bodies(self.gx, shown.moved.charges)
        title = "g·f(x) and f(g·x)"
        if square is None or (shown.rolling and rolled is None):
            return look.Panel(title, [bodies], model["label"], "measuring …", follows=True)
        if rolled is not None:
            items = [
                self._start(self.gx, shown.moved.charges),
                *self._rolled(rolled.left - self.at_g, "left", "left", model["color"], "g·f(x)"),
                *self._rolled(rolled.right - self.at_g, "right", "right", look.SLEEVE, "f(g·x)"),
            ]
            return look.Panel(
                title,
                items,
                f"{model['label']}, five steps",
                caption="predicted again and again",
                follows=True,
                note=f"Δ_EQ after {state.HORIZONS} steps: {words.delta(rolled.delta[-1])}",
                help=terms.ROLLOUT,
            )
        left, right = square.ways
        residual = left - right
        thin, wide = 0.2 * self.size, 0.5 * self.size
        fields = [
            look.Field(self.gx, left, "left", model["color"], "g·f(x)", width=thin, longest=1e6),
            look.Field(
                self.gx, right, "right", look.SLEEVE, "f(g·x)", width=wide, opacity=0.5, longest=1e6
            ),
            look.Field(
                self.gx,
                residual,
                "residual",
                look.RESIDUAL,
                width=thin,
                magnify=look.magnifier(residual, 1.0),
            ),
        ]
        return look.Panel(
            title,
            [bodies, *fields],
            model["label"],
            follows=True,
            note=f"ends differ by {picture.plain(square.apart)} units",
            help="Thin arrows: predict, then turn. Wide sleeve: turn, then predict. Units are the scene's. "
            + terms.BODIES["residual"],
        )

    def _rolled(
        self,
        places: Any,
        role: Literal["first", "left", "right"],
        track: Literal["left", "right"],
        color: str,
        label: str,
    ) -> list[Any]:
        wide = role == "right"
        return [
            look.Path(
                places,
                role,
                color,
                label,
                (0.45 if wide else 0.2) * self.size,
                opacity=0.5 if wide else 1.0,
            ),
            look.Track(
                places,
                "",
                color,
                "ghost" if wide else "ring",
                radius=(0.8 if wide else 1.3) * self.size,
                every=shown_every(),
                trail=False,
                role=track,
            ),
        ]


def shown_every() -> int:
    """Frames of the player in one step of a roll-out."""
    return round(1 / FRAME)


def in_words(shown: Any) -> str:
    """The picture for who cannot see it."""
    parts = [
        f"{shown.labels[n]}: Δ_EQ of the predicted ends {words.delta(s.delta[OUTPUT])}"
        for n, s in shown.squares.items()
    ]
    return "Commuting square of a turned N-body scene. " + "; ".join(parts)
