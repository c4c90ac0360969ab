"""The part of the Molecule page with features by degree: drawn into x, their Δ_EQ, and D(g)."""

from typing import Any

import streamlit as st

from app.backend import molecules, spherical
from app.figures import layers
from app.pages.molecule.state import CHANNEL, FEATURE, LENS
from app.ui import address, layout
from app.viewer import scene as look

SIZE = 1.1  # Å, of the largest lobe


NONE = "none"


def from_address() -> None:
    """Takes feature and channel from the address with which the page was opened; `show` looks if they are."""
    wanted = address.arriving("feature")
    if wanted is not None:
        st.session_state[FEATURE] = wanted
    address.number_from_address("channel", CHANNEL, 1, 4096, 1, "channel")


def in_address() -> dict[str, str | None]:
    """What the address says of the features that are drawn."""
    chosen = str(st.session_state.get(FEATURE, NONE))
    if chosen == NONE:
        return {"feature": None, "channel": None}
    return {"feature": chosen, "channel": str(st.session_state.get(CHANNEL, 1))}


def _entries(squares: dict[str, Any]) -> dict[str, tuple[str, str, Any]]:
    """Run, irrep and values of everything that can be chosen."""
    return {
        f"{name} · {layer} · {irrep}": (name, irrep, values)
        for name, s in squares.items()
        for layer, irrep, values in s.features
    }


def chosen(squares: dict[str, Any]) -> tuple[str, str, str, Any] | None:
    """Run, label, irrep and values [n 2l+1] of the chosen channel; None where nothing is chosen."""
    entries = _entries(squares)
    label = st.session_state.get(FEATURE, "none")
    if label not in entries or st.session_state.get(LENS) != "Features":
        return None
    name, irrep, values = entries[label]
    channel = min(int(st.session_state.get(CHANNEL, 1)), values.shape[-1])
    label = f"{label.removeprefix(f'{name} · ')}, channel {channel}"
    return name, label, irrep, values[..., channel - 1]


def drawn(x: Any, feature: tuple[str, str, str, Any]) -> Any:
    """The feature where it lives: l = 0 as colours, l = 1 as arrows, higher ones as lobes."""
    _, label, irrep, values = feature
    degree = int(irrep[:-1])
    if degree == 0:
        top = max(float(abs(values).max()), 1e-12)
        return look.Coloured(x, values[:, 0] / top, f"{label} (+ blue, − vermillion)")
    if degree == 1:
        scale = look.arrow_scale(values, 1.5)
        return look.Arrows(x, values, look.PURPLE, label, scale=scale, dashed=irrep[-1] == "e")
    functions = spherical.surface(irrep, values)
    top = max(float(abs(functions).max()), 1e-12)
    directions, faces = spherical.sphere()
    return look.Lobes(
        x, functions * SIZE / top, directions, faces, f"{label} (+ blue, − vermillion)"
    )


def show(shown: Any) -> None:
    """The choice of layer, irrep and channel; Δ_EQ of each degree; the matrix that turns it."""
    squares, element = shown.squares, shown.element
    entries = _entries(squares)
    options = ["none", *entries]
    known = st.session_state.setdefault(FEATURE, NONE)
    if known not in options and len(squares) == len(shown.names):
        st.session_state[FEATURE] = NONE
        address.tell(f"The link asks for the features {str(known)[:60]!r}, which are not here.")
    left, right = layout.side_by_side(2, 1)
    with left.container(border=True):
        one, two = st.columns([3, 1], gap="small")
        one.selectbox(
            "Features, drawn into x",
            options,
            key=FEATURE,
            help="Hidden features of a layer by irrep: degree l, and e (even) or o (odd) under "
            "inversion. l = 0 colours the atoms, l = 1 are arrows, higher ones spherical functions.",
        )
        feature = chosen(squares)
        if feature is None:
            st.caption("Choose features to see them on the atoms, and how well each degree turns.")
            return
        count = entries[str(st.session_state[FEATURE])][2].shape[-1]
        st.session_state[CHANNEL] = min(int(st.session_state.get(CHANNEL, 1)), count)
        two.number_input(f"Channel of {count}", 1, count, key=CHANNEL, disabled=count == 1)
        name, _, irrep, _ = feature
        st.caption(f"Δ_EQ of each irrep of {address.plain(name)} at this g, layer by layer")
        rows = squares[name].layers
        worst: dict[str, float] = {}
        for _, kind, value in rows:
            worst[kind] = max(worst.get(kind, 0.0), value)
        st.plotly_chart(
            layers.by_degree(rows, layout.dark()),
            key="molecule:degrees",
            config={"displayModeBar": False},
            alt="Worst Δ_EQ by irrep: " + ", ".join(f"{k} {v:.1e}" for k, v in worst.items()),
        )
    with right.container(border=True):
        matrix = molecules.turning(element, irrep)
        st.caption(f"D(g) of {irrep}: by this matrix the components of such a feature turn")
        st.plotly_chart(
            layers.turning(matrix, layout.dark()),
            key="molecule:wigner",
            config={"displayModeBar": False},
            alt=f"Wigner matrix of {irrep}, {len(matrix)} by {len(matrix)}, trace {matrix.trace():.2f}.",
        )
