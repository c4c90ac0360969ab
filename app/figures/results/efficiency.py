"""Test error and Δ_EQ against the number of training systems, on log axes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from app.figures import bands, bounds, color, faint, frame, level, log_ticks, round_ticks

# Colour, dash and mark of each way to learn; the same in both figures.
STYLES = {
    "equivariant": ("blue", "solid", "circle"),
    "augmented": ("orange", "dashdot", "diamond"),
    "plain": ("vermillion", "dash", "square"),
}
NAMES = {
    "equivariant": "equivariant (EGNN)",
    "augmented": "plain, randomly rotated (GNN)",
    "plain": "plain (GNN)",
}
Points = Sequence[Mapping]


def summary(points: Points, arm: str, key: str) -> list[tuple[int, float, float, float]]:
    """(n, median, least, largest) over the seeds of one way to learn, by n."""
    found = []
    for n in sorted({p["n"] for p in points if p["arm"] == arm}):
        values = [p[key] for p in points if p["arm"] == arm and p["n"] == n]
        found.append((n, float(np.median(values)), min(values), max(values)))
    return found


def errors(points: Points, key: str, baselines: Mapping[str, float], dark: bool) -> go.Figure:
    """The test error `key` of each way to learn, the range over seeds shaded; `baselines` as levels."""
    figure = _figure(points, dark)
    _draw(figure, points, key, dark, 0.0)
    for name, value in baselines.items():
        level(figure, value, f"{name} {value:.2g}", dark)
    every = [p[key] for p in points] + list(baselines.values())
    low, high = np.log10(min(v for v in every if v > 0)), np.log10(max(every))
    ticks: dict[str, Any] = round_ticks(low - 0.1, high + 0.1)
    figure.update_yaxes(type="log", range=[low - 0.12, high + 0.12], **ticks)
    return figure


def deltas(points: Points, dark: bool) -> go.Figure:
    """Δ_EQ under rotations of each way to learn, with what each precision explains."""
    figure = _figure(points, dark)
    low, high = bounds([p["delta"] for p in points], 1e-8, 1.0)
    bands(figure, low, high, dark)
    _draw(figure, points, "delta", dark, 10**low)
    figure.update_layout(yaxis={"type": "log", "range": [low, high], **log_ticks(low, high)})
    return figure


def _figure(points: Points, dark: bool) -> go.Figure:
    figure = frame(dark, 360, "training systems")
    sizes = sorted({p["n"] for p in points})
    ends = np.log10([sizes[0] * 0.85, sizes[-1] * 1.18])
    figure.update_xaxes(
        type="log", range=list(ends), tickvals=sizes, ticktext=[f"{n:,}" for n in sizes]
    )
    return figure


def _draw(figure: go.Figure, points: Points, key: str, dark: bool, floor: float) -> None:
    for arm, (hue, dash, symbol) in STYLES.items():
        found = summary(points, arm, key)
        if not found:
            continue
        n, middle, least, most = (list(column) for column in zip(*found, strict=True))
        middle, least, most = ([max(v, floor) for v in values] for values in (middle, least, most))
        if any(a != b for a, b in zip(least, most, strict=True)):
            figure.add_trace(
                go.Scatter(
                    x=n + n[::-1],
                    y=most + least[::-1],
                    fill="toself",
                    mode="none",
                    fillcolor=faint(hue, dark, 0.16),
                    hoverinfo="skip",
                    showlegend=False,
                    legendgroup=arm,
                )
            )
        figure.add_trace(
            go.Scatter(
                x=n,
                y=middle,
                name=NAMES[arm],
                legendgroup=arm,
                mode="lines+markers",
                line={"color": color(hue, dark), "dash": dash, "width": 2.2},
                marker={"size": 8, "symbol": symbol},
                hovertemplate="%{y:.3g}",
            )
        )
