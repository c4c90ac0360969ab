"""The strip of lenses below the square, one open at a time: a chart on two thirds, facts on one."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app import viewer
from app.backend import metrics, molecules
from app.figures import BANDS, layers
from app.pages.molecule import features, orbit, state
from app.pages.molecule.square import HUES
from app.ui import layout, readouts, rotation, words

PLAIN = {"displayModeBar": False}
WEIGHTS = "What a row's atom takes from a column's atom; for EGNN the gate of each message."


def strip(shown: Any, attention: Any) -> None:
    """The tabs, and what is in the open one."""
    names = ["Angle", "All rotations", "Layers", "Attention", "Features"]
    wanted = st.session_state.get(state.LENS)
    tabs = st.tabs(
        names, key=state.LENS, on_change="rerun", default=wanted if wanted in names else names[0]
    )
    draw = (angle, orbit.show, inside, lambda s: weights(s, attention), features.show)
    for tab, name, show in zip(tabs, names, draw, strict=True):
        if tab.open or (tab.open is None and name == names[0]):
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
        ["claims", *(words.claims(shown.squares[n].claims) for n in found)],
    ]
    if shown.molecule.reference is not None:
        label = f"{words.physical(shown.molecule.reference)} meV"
        rows.append(["reference (B3LYP)", *(label for _ in found)])
    readouts.table(heads, rows)


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


def chosen(squares: dict[str, Any]) -> tuple[dict[str, Any], list[str], Any]:
    """What can be drawn, the heads of what is chosen, and (run, label, weights) of it or None."""
    entries = {f"{n} · {layer}": (n, w) for n, s in squares.items() for layer, w in s.attention}
    name = st.session_state.get(state.LAYER, "none")
    if name not in entries or st.session_state.get(state.LENS, "Angle") != "Attention":
        return entries, [], None
    run, found = entries[name]
    count = found.shape[-1]
    heads = (["mean"] if count > 1 else []) + [f"head {i + 1}" for i in range(count)]
    head = st.session_state.get(state.HEAD)
    head = head if head in heads else heads[0]
    shown = found.mean(-1) if head == "mean" else found[..., heads.index(head) - (count > 1)]
    return entries, heads, (run, f"{name}, {head}", shown)


def weights(shown: Any, attention: Any) -> None:
    """Who looks at whom: the matrix, and as rods in x; an atom clicked there marks its row."""
    entries, heads, picked = attention
    left, right = layout.side_by_side(2, 1)
    with right:
        options = ["none", *entries]
        if st.session_state.get(state.LAYER) not in options:
            st.session_state[state.LAYER] = "none"
        st.selectbox("Attention, also drawn into x", options, key=state.LAYER, help=WEIGHTS)
        if picked is None:
            st.caption("Choose a layer to see who looks at whom, as a matrix and as rods in x.")
            return
        if st.session_state.get(state.HEAD) not in heads:
            st.session_state[state.HEAD] = heads[0]
        st.selectbox("Head", heads, key=state.HEAD, disabled=len(heads) == 1)
        run, _, found = picked
        rows = shown.squares[run].layers
        worst = max((d for _, kind, d in rows if kind in layers.WEIGHTS), default=0.0)
        st.caption(
            f"Largest |A(g·x) − A(x)| of any of its layers, over the largest |A|: {words.delta(worst)}. "
            "Click an atom of x to see its row alone."
        )
        if st.session_state.get(state.ATOM) is not None:
            st.button("All atoms", on_click=lambda: st.session_state.pop(state.ATOM, None))
    with left:
        st.plotly_chart(
            layers.matrix(
                found, shown.molecule.symbols, st.session_state.get(state.ATOM), layout.dark()
            ),
            key="molecule:matrix", config=PLAIN, alt="Attention as a matrix, a row a receiver.",
        )  # fmt: skip
