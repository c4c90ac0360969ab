"""The strip of lenses below the square, one open at a time: a chart on two thirds, facts on one."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from app.backend.measuring import metrics
from app.pages._square import orbit
from app.pages._square.attention import Attention
from app.pages._square.strip import Strip, along, bands, curve, inside
from app.pages.molecule import state
from app.pages.molecule.lens import break_rule, consequences, features, lineup, symmetrise, types
from app.ui import layout, readouts, words

NAMES = (
    "Angle", "All rotations", "Layers", "Attention", "Features", "Types", "Consequences", "Line-up",
    "Break a rule",
)  # fmt: skip
STRIP = Strip(NAMES, state.LENS, "molecule:lens open")


def names_of(shown: Any) -> list[str]:
    """The atoms' names as the viewer writes them: H3."""
    return [f"{symbol}{i + 1}" for i, symbol in enumerate(shown.molecule.symbols)]


def _sensitive(shown: Any, square: Any) -> list[list[str]]:
    slope = np.linalg.norm(square.first["gradient"], axis=1)
    most = int(slope.argmax())
    return [["most sensitive atom, ‖∂f/∂x‖", f"{names_of(shown)[most]}: {slope[most]:.3g}"]]


ATTENTION = Attention("molecule", state.VIEWER, "atom", names_of, _sensitive)


def from_address() -> None:
    """Takes the open lens, and what is chosen in it, from the address with which the page was opened."""
    first = None
    for name, lens in (("Types", types), ("Line-up", lineup), ("Break a rule", break_rule)):
        first = name if lens.from_address() else first
    STRIP.from_address(first)
    for lens in (ATTENTION, features, consequences, orbit, symmetrise):
        lens.from_address()


def in_address() -> dict[str, str | None]:
    """What the address says of the open lens and of what is chosen in the lenses."""
    return {
        "lens": STRIP.in_address(),
        "lineup": lineup.in_address(),
        "faults": break_rule.in_address(),
        "declare": types.in_address(),
        **ATTENTION.in_address(),
        **features.in_address(),
        **consequences.in_address(),
        **orbit.in_address(),
        **symmetrise.in_address(),
    }


def strip(shown: Any) -> None:
    """The tabs, and what is in the open one."""
    STRIP.show(
        shown,
        (
            angle,
            lambda s: orbit.show(s, "molecule", state.G, spectrum=True),
            lambda s: inside(s, "molecule:layers"),
            ATTENTION.show,
            features.show,
            types.show,
            consequences.show,
            lineup.show,
            break_rule.show,
        ),
    )


def angle(shown: Any) -> None:
    """Δ against the angle about the axis, with marks that follow the hand."""
    left, right = layout.side_by_side(2, 1)
    metric = "l2" if shown.of == "value" or shown.metric == "spread" else shown.metric
    found = {n: c.by_metric[metric][shown.of] for n, c in shown.curves.items()}
    mae = metric == "mae"
    with left:
        if not found:
            st.caption("Measuring along the axis …")
            return
        curve(
            "molecule:curve",
            state.VIEWER,
            shown,
            found,
            lambda n: _now(shown, n, metric),
            metric=metric,
            of=shown.of,
            least=1e-7 if mae else 1e-9,
            most=1.0,
            bands=[] if mae else bands(shown.precision, state.SHORT),
        )
    with right:
        heads, rows = along(shown, found, (lambda v: f"{v:.3g}") if mae else words.delta)
        rows[2:2] = _rebuilt(shown, found)
        rows += _reference(shown, found)
        readouts.table(heads, rows)


def _now(shown: Any, name: str, metric: str) -> float:
    square = shown.squares[name]
    if metric == "l2":
        return square.delta[shown.of]
    return metrics.of(square.left["gradient"], square.right["gradient"])[metric]


def _reference(shown: Any, found: dict[str, list[float]]) -> list[list[str]]:
    """A row with the HOMO that QM9 gives for this molecule, under the models that predict it."""
    value = shown.molecule.reference
    asked = [shown.squares[name].target == "homo" for name in found]
    if value is None or not any(asked):
        return []
    label = f"{words.physical(value)} meV"
    return [["HOMO (B3LYP)", *(label if homo else "–" for homo in asked)]]


def _rebuilt(shown: Any, found: dict[str, list[float]]) -> list[list[str]]:
    """A row with Δ at g where the graph is built again from g·x, if that is another number for a model."""
    pairs = [(shown.curves[n].rebuilt[shown.of], shown.squares[n].delta[shown.of]) for n in found]
    if not any(rebuilt > 10 * max(moved, 1e-15) for rebuilt, moved in pairs):
        return []
    return [["at g, graph rebuilt", *(words.delta(rebuilt) for rebuilt, _ in pairs)]]
