"""All rotations: a map over axes and angles, a histogram, the power by degree."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from app.figures import DASHES, color, frame, log_ticks

FLOOR = 1e-17
HUES = ("blue", "vermillion", "purple", "green")


def orbit_map(delta: np.ndarray, degrees: np.ndarray, dark: bool = False) -> go.Figure:
    """Δ [axes angles] on a logarithmic scale; a row an axis, a column an angle."""
    logs = np.log10(np.maximum(delta, FLOOR))
    figure = frame(dark, 190, "angle")
    low, high = float(np.floor(logs.min())), float(np.ceil(logs.max()))
    figure.add_trace(
        go.Heatmap(
            z=logs,
            x=degrees,
            zmin=low,
            zmax=max(high, low + 1),
            colorscale="Cividis" if dark else "Cividis_r",
            customdata=delta,
            hovertemplate="axis %{y}, %{x:.0f}°: %{customdata:.1e}<extra></extra>",
            colorbar={"thickness": 8, "len": 1.0, **_ticks(low, max(high, low + 1))},
        )
    )
    figure.update_xaxes(
        tickvals=[-135, -90, -45, 0, 45, 90, 135, 180], ticksuffix="°", showgrid=False
    )
    figure.update_yaxes(showticklabels=False, showgrid=False, title={"text": "axis"})
    figure.update_layout(hovermode="closest", margin={"l": 8, "r": 8, "t": 4, "b": 8})
    return figure


def _ticks(low: float, high: float) -> dict[str, list]:
    ticks = log_ticks(low, high, 4)
    return {**ticks, "tickvals": [float(np.log10(v)) for v in ticks["tickvals"]]}


def histogram(found: Mapping[str, np.ndarray], dark: bool = False) -> go.Figure:
    """How often Δ lies where, on a logarithmic axis; zeros on its floor."""
    every = np.concatenate([np.maximum(d, FLOOR).ravel() for d in found.values()])
    low, high = float(np.floor(np.log10(every.min()))), float(np.ceil(np.log10(every.max())))
    edges = np.linspace(low, max(high, low + 1), 41)
    figure = frame(dark, 130)
    for place, (name, delta) in enumerate(found.items()):
        counts, _ = np.histogram(np.log10(np.maximum(delta, FLOOR)), edges)
        hue = color(HUES[place % 4], dark)
        figure.add_trace(
            go.Scatter(
                x=10 ** ((edges[1:] + edges[:-1]) / 2),
                y=counts,
                name=name,
                mode="lines",
                line={"color": hue, "dash": DASHES[place % 6], "shape": "hvh", "width": 2},
                hovertemplate="%{y} of 256",
            )
        )
    ticks = log_ticks(low, max(high, low + 1))
    figure.update_layout(
        xaxis={"type": "log", "range": [low, max(high, low + 1)], **ticks},
        margin={"l": 8, "r": 8, "t": 4, "b": 8},
        showlegend=False,
    )
    return figure


def spectrum(found: Mapping[str, tuple[Sequence[float], float]], dark: bool = False) -> go.Figure:
    """Power by degree ℓ of each run, and what lies beyond, on a logarithmic axis."""
    figure = frame(dark, 130)
    labels = [f"ℓ={l}" for l in range(7)] + ["more"]
    for place, (name, (power, beyond)) in enumerate(found.items()):
        values = [max(v, 1e-16) for v in (*power, beyond)]
        hue = color(HUES[place % 4], dark)
        figure.add_trace(
            go.Scatter(
                x=labels,
                y=values,
                name=name,
                mode="lines+markers",
                line={"color": hue, "dash": DASHES[place % 6], "width": 2},
                marker={"size": 7, "symbol": ("circle", "triangle-down")[place % 2]},
                hovertemplate="%{y:.1e}",
            )
        )
    figure.update_layout(
        yaxis={"type": "log", "range": [-16.5, 1], **log_ticks(-16, 1, 4)},
        margin={"l": 8, "r": 8, "t": 4, "b": 8},
        showlegend=False,
    )
    return figure
