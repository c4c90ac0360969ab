"""What autoencoders show: codes in a plane by class, and point clouds side by side in space."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from app.figures import color, frame

MARGIN = {"l": 8, "r": 8, "t": 26, "b": 8}
# Ten hues that stay apart in both themes; a class is told by its letter as well.
HUES = (
    "#4477aa", "#ee6677", "#228833", "#b8a020", "#3aa6c4", "#aa3377", "#999999", "#e07b39", "#6b5b95",
    "#2a9d8f",
)  # fmt: skip


def plane(
    places: np.ndarray, classes: np.ndarray, letters: Sequence[str], marked: int | None,
    dark: bool = False, height: int = 260,
) -> go.Figure:  # fmt: skip
    """Codes [n, 2], each as the letter of its class in its colour; `marked` in a ring."""
    figure = frame(dark, height)
    figure.add_trace(
        go.Scatter(
            x=places[:, 0], y=places[:, 1], mode="text", text=[letters[k] for k in classes],
            textfont={"size": 11, "color": [HUES[k % len(HUES)] for k in classes]},
            hovertemplate="%{text}: number %{pointNumber}<extra></extra>",
        )
    )  # fmt: skip
    if marked is not None:
        figure.add_trace(
            go.Scatter(
                x=places[[marked], 0], y=places[[marked], 1], mode="markers", hoverinfo="skip",
                marker={
                    "symbol": "circle-open", "size": 22, "color": color("blue", dark),
                    "line": {"width": 2.5, "color": color("blue", dark)},
                },
            )
        )  # fmt: skip
    axis = {"showticklabels": False, "showgrid": False, "zeroline": False, "title": None}
    figure.update_layout(
        showlegend=False, margin={"l": 8, "r": 8, "t": 8, "b": 8}, xaxis=axis, yaxis=axis
    )
    return figure
