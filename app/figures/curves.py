"""Curves: Δ_EQ against the angle of a rotation."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from app.figures import DASHES, ORDER, bands, bounds, color, frame, log_ticks

FLOOR = 1e-17  # where a Δ of exactly zero is drawn


def _log_axis(figure: go.Figure, low: float, high: float) -> None:
    figure.update_layout(yaxis={"type": "log", "range": [low, high], **log_ticks(low, high)})


def _line(
    x: Sequence[float], y: Sequence[float], name: str, place: int, dark: bool, hover: str
) -> go.Scatter:
    return go.Scatter(
        x=list(x),
        y=list(y),
        name=name,
        mode="lines+markers" if len(x) < 60 else "lines",
        line={"color": color(ORDER[place % 6], dark), "dash": DASHES[place % 6], "width": 2},
        marker={"size": 5, "symbol": ("circle", "diamond", "square", "cross")[place % 4]},
        hovertemplate=hover,
    )


def against_angle(
    degrees: Sequence[float], found: Mapping[str, Sequence[float]], now: float, dark: bool = False
) -> go.Figure:
    """Δ_EQ of each run against the angle of rotation, on a log axis, with the current angle marked.

    A Δ of exactly zero lies on the floor of the axis.
    """
    every = [v for values in found.values() for v in values]
    low, high = bounds([v for v in every if v > FLOOR], 1e-9, 1.0)
    figure = frame(dark, 300, "angle of the rotation")
    line = {"color": color("grey", dark), "dash": "dot", "width": 1.5}
    figure.layout.shapes = [
        {"type": "line", "x0": now, "x1": now, "yref": "y domain", "y0": 0, "y1": 1, "line": line}
    ]
    bands(figure, low, high, dark)
    for place, (name, values) in enumerate(found.items()):
        shown = np.maximum(np.asarray(values, float), 10**low).tolist()
        trace = _line(degrees, shown, name, place, dark, "%{y:.2g}")
        trace.mode = "lines"
        figure.add_trace(trace)
    figure.update_xaxes(
        range=[0, 180],
        tickvals=[0, 45, 90, 135, 180],
        ticktext=["0°", "45°", "90°", "135°", "180°"],
    )
    _log_axis(figure, low, high)
    return figure
