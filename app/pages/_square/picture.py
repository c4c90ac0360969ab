"""The square of either page: who stands in it, the panel of the verdict, the live channel."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from app import viewer
from app.figures import BANDS
from app.ui import layout, live, rotation, terms
from app.viewer import scene as look

HUES = (look.MODEL_A, look.MODEL_B)
ON_DARK = dict(zip(HUES, ("#4BA3E3", "#F28C3A"), strict=True))
JOINS = ((0, 1, "g"), (2, 3, "g"), (0, 2, "f ↓ predict"), (1, 3, "f ↓ predict"))


def height(player: bool = False) -> str:
    """How tall the square is: what the screen leaves beside the rest of the page, and below it a player.

    A page's style, and a lecture, whose type is larger, say how much of the screen there is and what stands
    around the square.
    """
    below = " - 30px - var(--demetar-bar, 0px)" if player else ""
    screen, around = "var(--demetar-screen, 100vh)", f"var(--demetar-around, 384px){below}"
    return (
        f"clamp(var(--demetar-least, 380px), max({screen} - {around}, "
        f"min(440px, {screen} - {around} + var(--demetar-over, 54px))), 680px)"
    )


def models_of(
    shown: Any,
    unit: Callable[[Any], str],
    measured: Callable[[Any], dict[str, float]],
    **more: Callable[[str], Any],
) -> list[dict[str, Any]]:
    """Each run as the words and the picture need it: label, colour, Δ, verdict, unit.

    `unit` and `measured` (every other metric) are asked of a square, what is in `more` of a run's name.
    """
    found = []
    for i, name in enumerate(shown.names):
        square, verdict = shown.squares.get(name), shown.verdicts.get(name)
        judged = verdict and {"word": verdict.word, "sentence": verdict.sentence}
        found.append(
            {
                "label": shown.labels[name],
                "color": HUES[i],
                "unit": "" if square is None else unit(square),
                "delta": None if square is None else square.delta,
                "metrics": None if square is None else measured(square),
                "judgement": judged,
                **{key: of(name) for key, of in more.items()},
            }
        )
    return found


def told(models: Sequence[Mapping[str, Any]], output: str) -> list[dict[str, Any]]:
    """What the headline says of each model."""
    return [
        {
            "label": m["label"],
            "color": ON_DARK[m["color"]] if layout.dark() else m["color"],
            "delta": m["delta"] and m["delta"][output],
            "word": m["judgement"] and m["judgement"]["word"][output],
        }
        for m in models
    ]


def grid(count: int, known: bool) -> viewer.Grid:
    """Where the panels of so many models stand, and what the arrows join once there are predictions."""
    if not count:
        return viewer.Grid([[0, 1, "side"]], [[0, 1], ["side", None]], JOINS[:1])
    last = 4 if count == 2 else None
    wide, narrow = [[0, 1, "side"], [2, 3, last]], [[0, 1], [2, 3], ["side", last]]
    return viewer.Grid(wide, narrow, JOINS if known else JOINS[:1])


def channel(
    page: str,
    shown: Any,
    models: Sequence[Mapping[str, Any]],
    differ: str,
    known: bool,
    **more: Any,
) -> viewer.Live:
    """The live channel of what is shown; without a token, so closed, until all is known."""
    rows = [
        {"panel": 3 + i, "differ": differ, **{k: m[k] for k in ("label", "color", "unit")}}
        for i, m in enumerate(models)
    ]
    token = live.token(page, shown.asked, shown.view) if known and shown.names else None
    return viewer.Live(live.PATH, token, list(shown.turn[2]), rows, **more)


def heard(g: str, choices: Mapping[str, tuple[str, Sequence[str]]]) -> dict[str, Callable]:
    """What the viewer's events do: turn the group element `g`, choose (session key, options) by name."""

    def choose(choice: Any) -> None:
        key, options = choices.get(choice.name, ("", ()))
        if choice.value in options:
            st.session_state[key] = choice.value

    return {
        "drag": lambda drag: rotation.turn_on(g, drag.quaternion),
        "view": lambda view: rotation.set_rotation(g, view.quaternion),
        "angle": lambda angle: rotation.set_angle(g, angle.degrees),
        "choice": choose,
    }


def caption(also: str) -> str:
    """What dragging g·x does, with what is chosen to come after the rotation."""
    after = " ".join(f"then {extra}" for extra in st.session_state.get(also) or ())
    return f"drag: turn it {after}".strip()


def side(
    shown: Any,
    models: list[dict[str, Any]],
    words: tuple[str, str],
    of: str,
    short: Mapping[str, str],
    options: Mapping[str, Mapping[str, str]],
) -> dict[str, Any]:
    """The panel of the verdict: its question and what Δ_EQ is (`words`), the lists, the models.

    `short`: what each precision is called; `options`: {value: label} of every other list, by name.
    """
    told_of = {
        "precision": f"The arithmetic. {terms.PRECISION}",
        "of": "What is compared: the arrows, or the number itself",
        "metric": "How the difference is measured; Δ_EQ itself is relative L2",
    }
    lists = {"precision": {p: f"in {name}" for p, name in short.items()}, **options}
    return {
        "question": words[0],
        "about": words[1],
        "help": f"{terms.DELTA} {terms.VERDICT}",
        "precision": short[shown.precision],
        "of": of,
        "metric": shown.metric,
        "choices": {
            name: {
                "options": list(found.items()),
                "value": getattr(shown, name),
                "label": told_of[name],
            }
            for name, found in lists.items()
        },
        "models": models,
        "bands": [{"name": n, "low": low, "high": high} for n, low, high, _ in BANDS],
    }


def plain(value: float) -> str:
    """A length or an energy as the picture writes it."""
    if value == 0:
        return "0"
    if abs(value) < 0.001:
        return "< 0.001"
    return f"{value:.{1 if abs(value) >= 10 else 2 if abs(value) >= 0.1 else 3}f}"
