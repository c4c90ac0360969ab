"""The strip of lenses below the square, one open at a time: a chart on two thirds, facts on one."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from app import viewer
from app.backend import molecules
from app.backend.measuring import metrics
from app.figures import BANDS, layers
from app.pages.molecule import break_rule, features, lineup, orbit, state
from app.pages.molecule.square import HUES
from app.ui import address, layout, readouts, rotation, words

PLAIN = {"displayModeBar": False}
WEIGHTS = "What a row's atom takes from a column's atom; for EGNN the gate of each message."


NAMES = (
    "Angle", "All rotations", "Layers", "Attention", "Features", "Line-up", "Break a rule",
)  # fmt: skip
OPENED = "molecule:lens open"  # kept while the strip waits for numbers


def from_address() -> None:
    """Takes the open lens, and what is chosen in it, from the address with which the page was opened."""
    if state.LENS not in st.session_state and OPENED in st.session_state:
        st.session_state[state.LENS] = st.session_state[OPENED]
    first = NAMES[0]
    for name, lens in (("Line-up", lineup), ("Break a rule", break_rule)):
        first = name if lens.from_address() else first
    address.from_address("lens", state.LENS, NAMES, first, "lens")


def in_address() -> dict[str, str | None]:
    """What the address says of the open lens and of what is chosen in the lenses."""
    name = st.session_state.get(state.LENS) or st.session_state.get(OPENED, NAMES[0])
    return {
        "lens": None if name == NAMES[0] else name,
        "lineup": lineup.in_address(),
        "faults": break_rule.in_address(),
    }


def strip(shown: Any) -> None:
    """The tabs, and what is in the open one."""
    wanted = st.session_state.get(state.LENS)
    tabs = st.tabs(
        NAMES, key=state.LENS, on_change="rerun", default=wanted if wanted in NAMES else NAMES[0]
    )
    draw = (angle, orbit.show, inside, attention, features.show, lineup.show, break_rule.show)
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
    """Δ of every layer, and the first that leaves what rounding explains."""
    left, right = layout.side_by_side(2, 1)
    found = {shown.labels[n]: s.layers for n, s in shown.squares.items()}
    with left:
        st.plotly_chart(
            layers.by_layer(found, layout.dark()), key="molecule:layers", config=PLAIN,
            alt="Error of every layer, from input to output.",
        )  # fmt: skip
    with right:
        heads = ["at this g", *found]
        broken = [s.broken or "none" for s in shown.squares.values()]
        worst = [words.delta(max((d for *_, d in rows), default=0.0)) for rows in found.values()]
        kinds = sorted({kind for rows in found.values() for _, kind, _ in rows})
        rows = [["first bad layer", *broken], ["worst of all", *worst]]
        for kind in kinds:
            cells = [[d for _, k, d in rows if k == kind] for rows in found.values()]
            rows.append([f"worst {kind}", *(words.delta(max(c)) if c else "–" for c in cells)])
        readouts.table(heads, rows)


MOST = 120_000  # numbers that a lens sends to the browser; larger molecules get the mean over heads


def attention(shown: Any) -> None:
    """Who looks at whom: matrices linked with the structure, of every layer and head of one run."""
    found = {shown.labels[n]: (n, s) for n, s in shown.squares.items() if s.attention}
    left, right = layout.side_by_side(2, 1)
    if not found:
        left.caption("Neither of these models weighs its neighbours by attention.")
        return
    with right:
        if st.session_state.get(state.LAYER) not in found:
            st.session_state[state.LAYER] = next(iter(found))
        label = st.radio(
            "Attention of", list(found), key=state.LAYER, horizontal=True, help=WEIGHTS
        )
        name, square = found[str(label)]
        worst = max((d for _, kind, d in square.layers if kind in layers.WEIGHTS), default=0.0)
        slope = np.linalg.norm(square.first["gradient"], axis=1)
        most = int(slope.argmax())
        readouts.table(
            ["at this g", str(label)],
            [
                ["largest |A(g·x) − A(x)|, relative", words.delta(worst)],
                ["most sensitive atom, ‖∂f/∂x‖", f"{names_of(shown)[most]}: {slope[most]:.3g}"],
            ],
        )
    with left:
        size = sum(w.size for _, w in square.attention)
        viewer.follower(
            "matrix", state.VIEWER, "molecule:matrix", height=172, names=names_of(shown),
            color=HUES[shown.names.index(name)],
            layers=[
                {"name": layer, "maps": _maps(w if size <= MOST else w.mean(-1, keepdims=True))}
                for layer, w in square.attention
            ],
        )  # fmt: skip


def names_of(shown: Any) -> list[str]:
    """The atoms' names as the viewer writes them: H3."""
    return [f"{symbol}{i + 1}" for i, symbol in enumerate(shown.molecule.symbols)]


def _maps(found: Any) -> list[Any]:
    return np.round(np.moveaxis(np.asarray(found, float), -1, 0), 4).tolist()
