"""The figure of augmentation: Δ_EQ before and after training, both ways, seed by seed."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from app.figures import color, frame, round_ticks

STYLES = {"before": ("grey", "circle-open"), "after": ("blue", "circle")}


def deltas(lines: Mapping[str, Mapping[str, Sequence[float]]], dark: bool = False) -> go.Figure:
    """Δ_EQ under rotations on a logarithmic axis: a line for each data set and way to train.

    `lines` hold by label the Δ of each seed "before" training (hollow) and "after" it (full).
    """
    title = "Δ_EQ under rotations, relative to the labels' spread"
    figure = frame(dark, 70 + 52 * len(lines), title)
    seen: list[float] = []
    for when, (hue, symbol) in STYLES.items():
        found = [(k, v) for k, line in enumerate(lines.values()) for v in line[when]]
        seen += [v for _, v in found]
        figure.add_trace(
            go.Scatter(
                x=[v for _, v in found],
                y=[k for k, _ in found],
                name=f"{when} training",
                mode="markers",
                marker={
                    "size": 10,
                    "color": color(hue, dark),
                    "symbol": symbol,
                    "line": {"width": 2, "color": color(hue, dark)},
                },
                hovertemplate="%{x:.2g}",
            )
        )
    low, high = np.log10(min(seen)) - 0.15, np.log10(max(seen)) + 0.15
    ticks: dict[str, Any] = round_ticks(low, high)
    figure.update_layout(hovermode="closest")
    figure.update_xaxes(type="log", range=[low, high], **ticks)
    figure.update_yaxes(
        tickvals=list(range(len(lines))), ticktext=list(lines), range=[len(lines) - 0.5, -0.5]
    )
    return figure
