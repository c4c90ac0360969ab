"""The strip of lenses below the square, one open at a time: a chart on two thirds, facts on one."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app import viewer
from app.backend import molecules
from app.backend.measuring import metrics
from app.figures import BANDS, layers
from app.pages.molecule import state
from app.pages.molecule.lens import (
    attention,
    break_rule,
    consequences,
    features,
    lineup,
    orbit,
    types,
)
from app.pages.molecule.square import HUES
from app.ui import address, layout, readouts, rotation, words

PLAIN = {"displayModeBar": False}


NAMES = (
    "Angle", "All rotations", "Layers", "Attention", "Features", "Types", "Consequences", "Line-up",
    "Break a rule",
)  # fmt: skip
OPENED = "molecule:lens open"  # kept while the strip waits for numbers


def from_address() -> None:
    """Takes the open lens, and what is chosen in it, from the address with which the page was opened."""
    if state.LENS not in st.session_state and OPENED in st.session_state:
        st.session_state[state.LENS] = st.session_state[OPENED]
    first = NAMES[0]
    for name, lens in (("Types", types), ("Line-up", lineup), ("Break a rule", break_rule)):
        first = name if lens.from_address() else first
    if first != NAMES[0] and address.arriving("lens") is None:
        st.session_state[state.LENS] = first
    address.from_address("lens", state.LENS, NAMES, first, "lens")
    attention.from_address()
    features.from_address()
    consequences.from_address()


def in_address() -> dict[str, str | None]:
    """What the address says of the open lens and of what is chosen in the lenses."""
    name = st.session_state.get(state.LENS) or st.session_state.get(OPENED, NAMES[0])
    return {
        "lens": None if name == NAMES[0] else name,
        "lineup": lineup.in_address(),
        "faults": break_rule.in_address(),
        "declare": types.in_address(),
        **attention.in_address(),
        **features.in_address(),
        **consequences.in_address(),
    }


def strip(shown: Any) -> None:
    """The tabs, and what is in the open one."""
    wanted = st.session_state.get(state.LENS)
    tabs = st.tabs(
        NAMES, key=state.LENS, on_change="rerun", default=wanted if wanted in NAMES else NAMES[0]
    )
    draw = (
        angle, orbit.show, inside, attention.show, features.show, types.show, consequences.show, lineup.show,
        break_rule.show,
    )  # fmt: skip
    for tab, name, show in zip(tabs, NAMES, draw, strict=True):
        if tab.open or (tab.open is None and name == NAMES[0]):
            st.session_state[OPENED] = name
            with tab:
                show(shown)


def angle(shown: Any) -> None:
    """Δ against the angle about the axis, with marks that follow the hand."""
    left, right = layout.side_by_side(2, 1)
    metric = "l2" if shown.of == "value" or shown.metric == "spread" else shown.metric
    found = {n: c.by_metric[metric][shown.of] for n, c in shown.curves.items()}
    with left:
        if not found:
            st.caption("Measuring along the axis …")
            return
        viewer.follower(
            "curve", state.VIEWER, "molecule:curve", height=158, degrees=shown.turn[1],
            angles=list(molecules.ANGLES), metric=metric, of=shown.of,
            least=1e-9 if metric != "mae" else 1e-7, most=1.0,
            bands=_bands(shown.precision) if metric != "mae" else [],
            curves=[_line(shown, i, n, found[n], metric) for i, n in enumerate(shown.names) if n in found],
            alt=_in_words(shown, found),
        )  # fmt: skip
    with right:
        _facts(shown, found, metric)


def _line(shown: Any, i: int, name: str, values: list[float], metric: str) -> dict[str, Any]:
    square = shown.squares[name]
    now = square.delta[shown.of]
    if metric != "l2":
        now = metrics.of(square.left["gradient"], square.right["gradient"])[metric]
    return {
        "label": shown.labels[name],
        "color": HUES[i],
        "dashed": i == 1,
        "values": values,
        "value": now,
    }


def _bands(precision: str) -> list[dict[str, Any]]:
    own = state.SHORT[precision]
    return [{"name": n, "low": low, "high": high, "own": n == own} for n, low, high, _ in BANDS]


def _facts(shown: Any, found: dict[str, list[float]], metric: str) -> None:
    about = rotation.axis_text(shown.turn[0])
    heads = [f"about {about}", *(shown.labels[n] for n in found)]
    middle = {n: sorted(v)[len(v) // 2] for n, v in found.items()}
    worst = {n: max(range(len(v)), key=v.__getitem__) for n, v in found.items()}
    show = words.delta if metric != "mae" else lambda v: f"{v:.3g}"
    rows = [
        ["median", *(show(middle[n]) for n in found)],
        [
            "worst",
            *(
                f"{show(v[worst[n]])} at {molecules.ANGLES[worst[n]]:.0f}°"
                for n, v in found.items()
            ),
        ],
        *_rebuilt(shown, found),
        ["claims", *(words.claims(shown.squares[n].claims) for n in found)],
    ]
    if shown.molecule.reference is not None:
        label = f"{words.physical(shown.molecule.reference)} meV"
        rows.append(["reference (B3LYP)", *(label for _ in found)])
    readouts.table(heads, rows)


def _rebuilt(shown: Any, found: dict[str, list[float]]) -> list[list[str]]:
    """A row with Δ at g where the graph is built again from g·x, if that is another number for a model."""
    pairs = [(shown.curves[n].rebuilt[shown.of], shown.squares[n].delta[shown.of]) for n in found]
    if not any(rebuilt > 10 * max(moved, 1e-15) for rebuilt, moved in pairs):
        return []
    return [["at g, graph rebuilt", *(words.delta(rebuilt) for rebuilt, _ in pairs)]]


def _in_words(shown: Any, found: dict[str, list[float]]) -> str:
    worst = ", ".join(f"{shown.labels[n]} {words.delta(max(v))}" for n, v in found.items())
    return f"Error against the angle; the worst over 180°: {worst}."


def inside(shown: Any) -> None:
    """Δ of every layer, and the first that is not rounding by a second precision."""
    left, right = layout.side_by_side(2, 1)
    found = {shown.labels[n]: s.layers for n, s in shown.squares.items()}
    with left:
        st.plotly_chart(
            layers.by_layer(found, layout.dark()), key="molecule:layers", config=PLAIN,
            alt="Error of every layer, from input to output.",
        )  # fmt: skip
    with right:
        heads = ["at this g", *found]
        judged = [shown.verdicts.get(name) for name in shown.squares]
        broken = ["–" if v is None else v.broken or "none" for v in judged]
        worst = [words.delta(max((d for *_, d in rows), default=0.0)) for rows in found.values()]
        kinds = sorted({kind for rows in found.values() for _, kind, _ in rows})
        rows = [["first bad layer", *broken], ["worst of all", *worst]]
        for kind in kinds:
            cells = [[d for _, k, d in rows if k == kind] for rows in found.values()]
            rows.append([f"worst {kind}", *(words.delta(max(c)) if c else "–" for c in cells)])
        readouts.table(heads, rows)
