"""The lens Attention: who looks at whom, linked with the structure, of every layer and head of one run."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from app import viewer
from app.figures import layers
from app.pages.molecule import state
from app.pages.molecule.square import HUES
from app.ui import address, layout, readouts, words

WEIGHTS = "What a row's atom takes from a column's atom; for EGNN the gate of each message."
MOST = 120_000  # numbers that a lens sends to the browser; larger molecules get the mean over heads
MEAN, ROLL_OUT = "mean", "roll-out"
RUN = "molecule:attention run"  # where it is not the first


def from_address() -> None:
    """Takes layer and head from the address with which the page was opened; `show` looks whether they are."""
    st.session_state[RUN] = address.arriving("attention") or st.session_state.get(RUN)
    wanted = [address.arriving(parameter) for parameter in ("layer", "head")]
    if any(wanted):
        st.session_state[state.MAP] = {"layer": wanted[0] or "", "head": wanted[1] or MEAN}


def in_address() -> dict[str, str | None]:
    """What the address says of layer and head: nothing where nobody chose."""
    chosen = st.session_state.get(state.MAP) or {}
    of = st.session_state.get(RUN)
    return {"attention": of, "layer": chosen.get("layer"), "head": chosen.get("head")}


def show(shown: Any) -> None:
    """The matrix with its small multiples, and how the maps change under g."""
    found = {shown.labels[n]: (n, s) for n, s in shown.squares.items() if s.attention}
    left, right = layout.side_by_side(2, 1)
    if not found:
        left.caption("Neither of these models weighs its neighbours by attention.")
        return
    with right:
        _of_which(shown, found)
        label = st.radio(
            "Attention of", list(found), key=state.LAYER, horizontal=True, help=WEIGHTS
        )
        name, square = found[str(label)]
        if len(shown.squares) == len(shown.names):
            st.session_state[RUN] = None if label == next(iter(found)) else name
        _facts(shown, str(label), square)
    with left:
        size = sum(w.size for _, w in square.attention)
        sent = [(n, w if size <= MOST else w.mean(-1, keepdims=True)) for n, w in square.attention]
        viewer.follower(
            "matrix", state.VIEWER, "molecule:matrix", height=172, names=names_of(shown),
            color=HUES[shown.names.index(name)], wanted=_known(sent), on_choice=_choose,
            layers=[{"name": layer, "maps": _maps(w)} for layer, w in sent],
        )  # fmt: skip


def _of_which(shown: Any, found: dict[str, Any]) -> None:
    """Puts the run that a link asks for into the choice, else the first."""
    if st.session_state.get(state.LAYER) in found:
        return
    wanted = st.session_state.get(RUN)
    label = shown.labels.get(wanted)
    if wanted and label not in found and len(shown.squares) == len(shown.names):
        address.tell(f"The link asks for attention of {str(wanted)[:60]!r}, which is not here.")
    st.session_state[state.LAYER] = label if label in found else next(iter(found))


def _facts(shown: Any, label: str, square: Any) -> None:
    worst = max((d for _, kind, d in square.layers if kind in layers.WEIGHTS), default=0.0)
    slope = np.linalg.norm(square.first["gradient"], axis=1)
    most = int(slope.argmax())
    readouts.table(
        ["at this g", label],
        [
            ["largest |A(g·x) − A(x)|, relative", words.delta(worst)],
            ["most sensitive atom, ‖∂f/∂x‖", f"{names_of(shown)[most]}: {slope[most]:.3g}"],
        ],
    )


def _known(sent: list[tuple[str, Any]]) -> dict[str, str] | None:
    """Layer and head that were chosen, if this run has them; else a sentence, and the first ones."""
    chosen = st.session_state.get(state.MAP)
    if not chosen:
        return None
    heads = {layer: w.shape[-1] for layer, w in sent}
    layer, head = str(chosen.get("layer")), str(chosen.get("head"))
    if layer in heads and (head == MEAN or head in map(str, range(1, heads[layer] + 1))):
        return {"layer": layer, "head": head}
    if layer == ROLL_OUT and len(heads) > 1:
        return {"layer": layer, "head": head}
    st.session_state[state.MAP] = None
    told = f"{layer[:60]}, head {head[:60]}"
    address.tell(f"The link asks for attention of {told!r}, which this run does not have.")
    return None


def _choose(value: Any) -> None:
    """What was clicked in the browser: taken if it can be the name of a layer and a head."""
    if not isinstance(value, dict):
        return
    layer, head = value.get("layer"), value.get("head")
    if all(isinstance(part, str) and len(part) < 80 for part in (layer, head)):
        st.session_state[state.MAP] = {"layer": layer, "head": head}


def names_of(shown: Any) -> list[str]:
    """The atoms' names as the viewer writes them: H3."""
    return [f"{symbol}{i + 1}" for i, symbol in enumerate(shown.molecule.symbols)]


def _maps(found: Any) -> list[Any]:
    return np.round(np.moveaxis(np.asarray(found, float), -1, 0), 4).tolist()
