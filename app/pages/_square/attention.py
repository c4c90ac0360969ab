"""The lens Attention: who looks at whom, linked with the structure, of every layer and head of one run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import streamlit as st

from app import viewer
from app.figures import layers
from app.pages._square.picture import HUES
from app.ui import address, layout, readouts, words

WEIGHTS = (
    "What a row's {what} takes from a column's {what}; for EGNN the gate of each message. Layer and head are "
    "chosen by the small maps; roll-out is the product through all layers."
)
MOST = 120_000  # numbers that a lens sends to the browser; larger systems get the mean over heads
MEAN, ROLL_OUT = "mean", "roll-out"


class Attention(NamedTuple):
    """The lens of a page: its name, the viewer's key, what a row is, the rows' names, further facts."""

    page: str
    viewer: str
    what: str
    names: Callable[[Any], list[str]]
    facts: Callable[[Any, Any], list[list[str]]]

    @property
    def of(self) -> str:
        """The session's key of the chosen run's label."""
        return f"{self.page}:layer"

    @property
    def run(self) -> str:
        """The session's key of the chosen run, where it is not the first."""
        return f"{self.page}:attention run"

    @property
    def map(self) -> str:
        """The session's key of layer and head."""
        return f"{self.page}:map"

    def from_address(self) -> None:
        """Takes layer and head from the address with which the page was opened; `show` looks if they are."""
        s = st.session_state
        s[self.run] = address.arriving("attention") or s.get(self.run)
        wanted = [address.arriving(parameter) for parameter in ("layer", "head")]
        if any(wanted):
            s[self.map] = {"layer": wanted[0] or "", "head": wanted[1] or MEAN}

    def in_address(self) -> dict[str, str | None]:
        """What the address says of layer and head: nothing where nobody chose."""
        chosen = st.session_state.get(self.map) or {}
        of = st.session_state.get(self.run)
        return {"attention": of, "layer": chosen.get("layer"), "head": chosen.get("head")}

    def show(self, shown: Any) -> None:
        """The matrix with its small multiples, and how the maps change under g."""
        found = {shown.labels[n]: (n, s) for n, s in shown.squares.items() if s.attention}
        left, right = layout.side_by_side(2, 1)
        if not found:
            left.caption("Neither of these models weighs its neighbours by attention.")
            return
        with right:
            self._of_which(shown, found)
            label = st.radio(
                "Attention of",
                list(found),
                key=self.of,
                horizontal=True,
                help=WEIGHTS.format(what=self.what),
            )
            name, square = found[str(label)]
            if len(shown.squares) == len(shown.names):
                st.session_state[self.run] = None if label == next(iter(found)) else name
            worst = max((d for _, kind, d in square.layers if kind in layers.WEIGHTS), default=0.0)
            rows = [["largest |A(g·x) − A(x)|, relative", words.delta(worst)]]
            readouts.table(["at this g", str(label)], rows + self.facts(shown, square))
        with left:
            size = sum(w.size for _, w in square.attention)
            sent = [
                (n, w if size <= MOST else w.mean(-1, keepdims=True)) for n, w in square.attention
            ]
            viewer.follower(
                "matrix",
                self.viewer,
                f"{self.page}:matrix",
                height=172,
                names=self.names(shown),
                what=self.what,
                color=HUES[shown.names.index(name)],
                wanted=self._known(sent),
                on_choice=self._choose,
                layers=[{"name": layer, "maps": _maps(w)} for layer, w in sent],
            )

    def _of_which(self, shown: Any, found: dict[str, Any]) -> None:
        """Puts the run that a link asks for into the choice, else the first."""
        if st.session_state.get(self.of) in found:
            return
        wanted = st.session_state.get(self.run)
        label = shown.labels.get(wanted)
        if wanted and label not in found and len(shown.squares) == len(shown.names):
            address.tell(f"The link asks for attention of {str(wanted)[:60]!r}, which is not here.")
        st.session_state[self.of] = label if label in found else next(iter(found))

    def _known(self, sent: list[tuple[str, Any]]) -> dict[str, str] | None:
        """Layer and head that were chosen, if this run has them; else a sentence, and the first ones."""
        chosen = st.session_state.get(self.map)
        if not chosen:
            return None
        heads = {layer: w.shape[-1] for layer, w in sent}
        layer, head = str(chosen.get("layer")), str(chosen.get("head"))
        if layer in heads and (head == MEAN or head in map(str, range(1, heads[layer] + 1))):
            return {"layer": layer, "head": head}
        if layer == ROLL_OUT and len(heads) > 1:
            return {"layer": layer, "head": head}
        st.session_state[self.map] = None
        told = f"{layer[:60]}, head {head[:60]}"
        address.tell(f"The link asks for attention of {told!r}, which this run does not have.")
        return None

    def _choose(self, value: Any) -> None:
        """What was clicked in the browser: taken if it can be the name of a layer and a head."""
        if not isinstance(value, dict):
            return
        layer, head = value.get("layer"), value.get("head")
        if all(isinstance(part, str) and len(part) < 80 for part in (layer, head)):
            st.session_state[self.map] = {"layer": layer, "head": head}


def _maps(found: Any) -> list[Any]:
    return np.round(np.moveaxis(np.asarray(found, float), -1, 0), 4).tolist()
