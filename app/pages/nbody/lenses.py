"""The strip of lenses below the square of bodies: a chart on two thirds, facts on one."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from app import viewer
from app.backend import cached, molecules, nbody
from app.backend.laws import laws
from app.backend.measuring import metrics, rollout
from app.pages._square import orbit
from app.pages._square.attention import Attention
from app.pages._square.picture import HUES
from app.pages._square.strip import Strip, along, bands, curve, inside
from app.pages.nbody import state
from app.pages.nbody.square import FRAME, OUTPUT
from app.ui import layout, readouts, terms, words
from app.viewer import scene as look

NAMES = ("Angle", "All rotations", "Roll-out", "The law itself", "Layers", "Attention", "Errors")
ROLL = NAMES[2]
STRIP = Strip(NAMES, state.LENS, state.OPENED)
ROUNDED = 1e-6  # a true Δ_EQ above it is no rounding of float64, also after close encounters


def names_of(shown: Any) -> list[str]:
    """The bodies' names as the viewer writes them: 3 with its sign."""
    signs = {1: "+", -1: "−", 0: ""}
    return [f"{i}{signs[int(np.sign(c))]}" for i, c in enumerate(shown.begin.charges, 1)]


def _furthest(shown: Any, square: Any) -> list[list[str]]:
    apart = np.linalg.norm(square.left - square.right, axis=1)
    most = int(apart.argmax())
    return [
        ["ends differ most for body", f"{names_of(shown)[most]}: {words.delta(apart[most])} units"]
    ]


ATTENTION = Attention("nbody", state.VIEWER, "body", names_of, _furthest)


def from_address() -> None:
    """Takes the open lens and what is chosen in it from the address with which the page was opened."""
    STRIP.from_address()
    ATTENTION.from_address()


def in_address() -> dict[str, str | None]:
    """What the address says of the open lens and of what is chosen in it."""
    return {"lens": STRIP.in_address(), **ATTENTION.in_address()}


def rolling() -> tuple[bool, bool]:
    """Whether the lens Roll-out is open, so that the picture shows it; whether it plays by itself."""
    s = st.session_state
    now, before = STRIP.now, s.get(state.OPENED)
    if before is not None and ROLL in (now, before) and now != before:
        s[state.FRAME] = 0  # another time span
    return now == ROLL, now == ROLL != before and not s[state.FRAME]


def strip(shown: Any) -> None:
    """The tabs, and what is in the open one."""
    STRIP.show(
        shown,
        (
            angle,
            lambda s: orbit.show(s, "nbody", state.G),
            ahead,
            law,
            lambda s: inside(s, "nbody:layers"),
            ATTENTION.show,
            errors,
        ),
    )


def angle(shown: Any) -> None:
    """Δ against the angle about the axis."""
    left, right = layout.side_by_side(2, 1)
    found = {n: c.by_metric[shown.metric][OUTPUT] for n, c in shown.curves.items()}
    with left:
        if not found:
            st.caption("Measuring along the axis …")
            return
        curve(
            "nbody:curve",
            state.VIEWER,
            shown,
            found,
            lambda n: _now(shown, n),
            metric=shown.metric,
            of=OUTPUT,
            least=1e-9,
            most=1.0,
            bands=[] if shown.metric == "mae" else bands(shown.precision, state.SHORT),
        )
    with right:
        readouts.table(*along(shown, found))


def _now(shown: Any, name: str) -> float:
    square = shown.squares[name]
    return square.delta[OUTPUT] if shown.metric == "l2" else metrics.of(*square.ways)[shown.metric]


def ahead(shown: Any) -> None:
    """Δ(t) and energy(t) of the twin roll-outs, with a mark that follows the playback."""
    left, right = layout.side_by_side(2, 1, least=260)
    if shown.unrolled:
        left.caption("Rolling out …")
        return
    found = rollout.told(shown.begin, shown.element, shown.law, shown.rolled, shown.true)
    with left:
        curves = [
            {
                "label": shown.labels[n],
                "color": HUES[i],
                "dashed": i == 1,
                "delta": shown.rolled[n].delta,
                "energy": found.energy[n],
            }
            for i, n in enumerate(shown.names)
        ]
        truth = {"label": "true law", "color": look.GREY, "dashed": False,
                 "delta": found.true_delta, "energy": found.true_energy}  # fmt: skip
        ends = ", ".join(
            f"{shown.labels[n]} {words.delta(r.delta[-1])}" for n, r in shown.rolled.items()
        )
        viewer.follower(
            "rollout",
            state.VIEWER,
            "nbody:rollout",
            height=158,
            step=FRAME,
            frame=int(st.session_state[state.FRAME]),
            curves=curves,
            truth=truth,
            alt=f"Error and energy over five time units; the error at the end: {ends}.",
        )
    with right:
        heads = ["after five steps", *(shown.labels[n] for n in shown.names), "true law"]
        last = [shown.rolled[n].delta[-1] for n in shown.names]
        grown = [_grown(found.energy[n]) for n in shown.names]
        rows = [
            ["Δ_EQ", *(words.delta(d) for d in last), words.delta(found.true_delta[-1])],
            ["energy, largest change", *grown, _grown(found.true_energy)],
            ["error, " + state.UNIT, *(words.delta(found.error[n]) for n in shown.names), "–"],
        ]
        readouts.table(heads, rows)
        st.caption("Models give places only: how a step gets its velocities", help=terms.ROLLOUT)


def _grown(energy: list[float]) -> str:
    return f"{max(abs(e - energy[0]) for e in energy):.2g}"


def law(shown: Any) -> None:
    """What the force laws themselves do to the square, and where the published one breaks it."""
    found = cached.simulated(shown.source, shown.element, shown.turn[0])
    left, right = layout.side_by_side(2, 1)
    published, clean = (found.along[name] for name in state.LAWS)
    with left:
        lines = [
            {
                "label": f"{name} law",
                "color": color,
                "dashed": dashed,
                "values": values,
                "value": found.at[name],
            }
            for name, values, color, dashed in (
                ("published", published, look.VERMILLION, True),
                ("clean", clean, look.GREEN, False),
            )
        ]
        viewer.follower(
            "curve",
            state.VIEWER,
            "nbody:law curve",
            height=158,
            degrees=shown.turn[1],
            angles=list(molecules.ANGLES),
            metric="of the laws",
            of=OUTPUT,
            least=1e-16,
            most=1.0,
            bands=[],
            curves=lines,
            alt="Δ_EQ of the simulator itself against the angle; the worst: "
            f"published law {words.delta(max(published))}, clean law {words.delta(max(clean))}.",
        )
    with right:
        acts = found.limited["published"]
        rows = [
            ["Δ_EQ of the true ends at g", *(words.delta(found.at[n]) for n in state.LAWS)],
            ["worst about the axis", *(words.delta(max(found.along[n])) for n in state.LAWS)],
            ["steps of 1,000 with the limit", *(str(found.limited[n]) for n in state.LAWS)],
            [
                "least MSE of a model that turns",
                *(words.delta(laws()[n].floor) for n in state.LAWS),
            ],
        ]
        readouts.table(["simulator alone", "published", "clean"], rows)
        if acts:
            st.caption(
                f"The published law held a component of a force to ±100 in {acts} of 1,000 steps: its "
                "true ends depend on the axes, and no model that turns can be right about both.",
                help=terms.LIMIT,
            )
        else:
            st.button(
                "Show where the limit acts",
                icon=":material/bolt:",
                on_click=_collision,
                help="A scene in which two bodies meet closely, under the published law. "
                + terms.LIMIT,
            )


def _collision() -> None:
    s = st.session_state
    s[state.SCENE], s[state.LAW] = state.COLLISION, "published"
    s["nbody:law of"] = nbody.Source(state.COLLISION)


def errors(shown: Any) -> None:
    """Errors of this scene: the runs, and what costs nothing to predict."""
    end, end_g = (p[nbody.PER_HORIZON] for p in (shown.true.straight, shown.true.moved))
    rows = []
    for name, s in shown.squares.items():
        test = cached.job(name).test
        rows.append(
            [
                shown.labels[name],
                f"{nbody.mse(s.first, end):.4f}",
                f"{nbody.mse(s.right, end_g):.4f}",
                words.delta(s.delta[OUTPUT]),
                "–" if test is None else f"{test:.4f}",
            ]
        )
    for name, (x, gx, d) in nbody.trivial(shown.begin, shown.element, shown.true).items():
        rows.append([name, f"{x:.4f}", f"{gx:.4f}", words.delta(d), "–"])
    left, right = layout.side_by_side(2, 1)
    with left:
        readouts.table(["MSE of a coordinate", "x", "g·x", "Δ_EQ", "test split"], rows)
    with right:
        st.caption(
            f"Mean squared error of a coordinate after 1,000 steps under the {shown.law} law, "
            "(scene units)². “static” stays where it is, “x + v·t” goes straight on: both cost nothing."
        )
