"""Δ of several models on one logarithmic axis: a row a model, a mark a precision, a bar to the worst."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go

from app.figures import BANDS, DASHES, bounds, color, faint, frame, log_ticks

FLOOR = 1e-17


class Dots(NamedTuple):
    """One row: its label, Δ in float32 and float64, and the median and the worst over rotations if known."""

    label: str
    coarse: float
    fine: float
    median: float | None = None
    worst: float | None = None


def dots(rows: Sequence[Dots], dark: bool = False) -> go.Figure:
    """The rows from top to bottom: ● float32, ○ float64, a line from the median to the worst rotation."""
    labels = [row.label for row in rows]
    every = [v for row in rows for v in row[1:] if v is not None]
    low, high = bounds([max(v, FLOOR) for v in every], 1e-16, 1.0)
    figure = frame(dark, 60 + 30 * len(rows))
    for row in rows:
        if row.median is not None and row.worst is not None:
            figure.add_trace(
                go.Scatter(
                    x=[max(row.median, FLOOR), max(row.worst, FLOOR)],
                    y=[row.label] * 2,
                    mode="lines",
                    line={"color": color("grey", dark), "width": 5},
                    opacity=0.45,
                    showlegend=False,
                    hoverinfo="skip",
                )
            )
    for name, values, symbol, hue in (
        ("float32", [row.coarse for row in rows], "circle", "blue"),
        ("float64", [row.fine for row in rows], "circle-open", "vermillion"),
    ):
        figure.add_trace(
            go.Scatter(
                x=[max(v, FLOOR) if np.isfinite(v) else None for v in values],
                y=labels,
                name=name,
                mode="markers",
                customdata=values,
                marker={
                    "symbol": symbol,
                    "size": 11,
                    "color": color(hue, dark),
                    "line": {"width": 2},
                },
                hovertemplate=f"{name}: %{{customdata:.1e}}<extra></extra>",
            )
        )
    figure.update_layout(
        shapes=[
            {
                "type": "rect",
                "yref": "paper",
                "y0": 0,
                "y1": 1,
                "x0": max(bottom, 10**low),
                "x1": top,
                "fillcolor": faint(hue, dark, 0.10),
                "line": {"width": 0},
                "layer": "below",
            }
            for name, bottom, top, hue in BANDS
            if name in ("float64", "float32")
        ],
        xaxis={"type": "log", "range": [low - 0.3, high + 0.3], **log_ticks(low, high, 6)},
        yaxis={"autorange": "reversed", "title": {"text": ""}},
        hovermode="closest",
    )
    return figure


def orders(rows: Sequence[tuple[str, int, float]], dark: bool = False) -> go.Figure:
    """Δ against the number of rotations that are averaged over, a line a rule; both axes logarithmic."""
    low, high = bounds([max(d, FLOOR) for *_, d in rows], 1e-7, 1.0)
    figure = frame(dark, 220, "rotations", "Δ_EQ")
    for i, rule in enumerate(dict.fromkeys(rule for rule, *_ in rows)):
        mine = [(n, d) for r, n, d in rows if r == rule]
        figure.add_trace(
            go.Scatter(
                x=[n for n, _ in mine],
                y=[max(d, FLOOR) for _, d in mine],
                name=rule,
                mode="lines+markers",
                hovertemplate="%{y:.1e}",
                line={
                    "color": color(("blue", "vermillion", "purple")[i % 3], dark),
                    "dash": DASHES[i],
                },
                marker={"size": 8, "symbol": ("circle", "triangle-down", "square")[i % 3]},
            )
        )
    figure.update_layout(
        xaxis={"type": "log", "tickvals": [1, 8, 24, 60, 196, 405]},
        yaxis={"type": "log", "range": [low - 0.2, high + 0.2], **log_ticks(low, high, 5)},
    )
    return figure
