"""What autoencoders show: codes in a plane by class, and point clouds side by side in space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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


def clouds(
    panels: Mapping[str, Mapping[str, np.ndarray]], dark: bool = False, height: int = 250
) -> go.Figure:
    """Points [n, 3] in space, a panel each; the first of a panel are balls joined in their order, the
    second ones are rings around where they should be."""
    figure = frame(dark, height)
    count = len(panels)
    every = [np.abs(x).max() for panel in panels.values() for x in panel.values()]
    reach = 1.15 * max(float(np.max(every)), 1e-9)
    for i, (title, panel) in enumerate(panels.items()):
        scene = f"scene{i + 1 if i else ''}"
        for k, (name, x) in enumerate(panel.items()):
            hue = color("grey" if k else "blue", dark)
            figure.add_trace(
                go.Scatter3d(
                    x=x[:, 0], y=x[:, 1], z=x[:, 2], scene=scene, name=name,
                    mode="markers" if k else "markers+lines",
                    line={"color": hue, "width": 4},
                    marker={
                        "size": 9 if k else 6, "color": hue, "opacity": 0.9,
                        "symbol": "circle-open" if k else "circle",
                    },
                    hovertemplate=f"{name} %{{pointNumber}}<extra></extra>",
                )
            )  # fmt: skip
        axis = {"range": [-reach, reach], "showticklabels": False, "showspikes": False}
        axes = {
            f"{n}axis": {
                **axis, "title": {"text": n}, "backgroundcolor": "rgba(0,0,0,0)",
                "gridcolor": "rgba(128,140,160,.3)",
            }
            for n in "xyz"
        }  # fmt: skip
        figure.update_layout(
            {scene: {"domain": {"x": [i / count, (i + 1) / count]}, "aspectmode": "cube", **axes}}
        )
        figure.add_annotation(
            text=title, x=(i + 0.5) / count, xref="paper", y=1, yref="paper", yanchor="bottom",
            showarrow=False, font={"size": 13, "color": color("grey", dark)},
        )  # fmt: skip
    figure.update_layout(margin=MARGIN, showlegend=False)
    return figure
