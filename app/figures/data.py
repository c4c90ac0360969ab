"""What a data set holds: histograms of its labels, errors to beat, what a law keeps, digits."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from app.figures import ORDER, color, faint, frame, log_ticks, power

KINDS = {
    "published": ("blue", "circle"),
    "trivial": ("grey", "diamond"),
    "run here": ("green", "square"),
}
FLOOR = 1e-17
GRID = "rgba(128,140,160,0.22)"


def histogram(
    counts: np.ndarray, edges: np.ndarray, mean: float, mad: float, label: str, dark: bool = False
) -> go.Figure:
    """How often a label takes each value, with its mean and the band of its mean deviation."""
    figure = frame(dark, 240, label, "how often")
    figure.add_trace(
        go.Bar(
            x=(edges[:-1] + edges[1:]) / 2,
            y=counts,
            width=np.diff(edges),
            marker={"color": color("blue", dark), "line": {"width": 0}},
            showlegend=False,
            hovertemplate="%{x:.4g}: %{y:,}<extra></extra>",
        )
    )
    figure.add_vrect(
        mean - mad, mean + mad, fillcolor=faint("orange", dark, 0.16), line_width=0, layer="below"
    )
    figure.add_vline(mean, line={"color": color("vermillion", dark), "dash": "dash", "width": 2})
    figure.update_layout(hovermode="closest", bargap=0)
    return figure


def errors(
    found: Sequence[tuple[str, str, float]], unit: str, floor: float = 0.0, dark: bool = False
) -> go.Figure:
    """Errors (name, kind, value) as one row each on a log axis, the worst on top.

    `kind` is published, trivial or "run here". What lies under `floor` no equivariant predictor reaches.
    """
    rows = sorted(found, key=lambda row: -row[2])
    figure = frame(dark, max(130, 70 + 21 * len(rows)), unit)
    for kind, (hue, symbol) in KINDS.items():
        mine = [(name, value) for name, k, value in rows if k == kind]
        if mine:
            figure.add_trace(
                go.Scatter(
                    x=[v for _, v in mine],
                    y=[n for n, _ in mine],
                    name=kind,
                    mode="markers+text",
                    text=[f"  {v:,.0f}" if v >= 1000 else f"  {v:.3g}" for _, v in mine],
                    textposition="middle right",
                    textfont={"size": 11},
                    marker={"color": color(hue, dark), "symbol": symbol, "size": 9},
                    hovertemplate="%{y}: %{x:.4g}<extra></extra>",
                    cliponaxis=False,
                )
            )
    values = np.log10([value for *_, value in rows] + ([floor] if floor else []))
    low, high = (
        float(values.min()) - 0.15,
        float(values.max()) + 0.25 * max(1.0, float(np.ptp(values))),
    )
    if floor:
        figure.add_vrect(
            10 ** (low - 1),
            floor,
            fillcolor=faint("vermillion", dark, 0.12),
            line_width=0,
            layer="below",
        )
    marks = [m * 10.0**k for k in range(-12, 9) for m in (1, 2, 5)]
    marks = [m for m in marks if low <= np.log10(m) <= high]
    figure.update_xaxes(
        type="log",
        range=[low, high],
        tickvals=marks,
        ticktext=[f"{m:g}" for m in marks],
        showgrid=True,
        gridcolor=GRID,
    )
    figure.update_yaxes(
        categoryorder="array", categoryarray=[name for name, *_ in reversed(rows)], showgrid=False
    )
    figure.update_layout(hovermode="closest")
    return figure


def kept(
    times: Sequence[float],
    found: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    dark: bool = False,
) -> go.Figure:
    """How far quantities that a law should keep have gone from their start, on a log axis.

    `found` has by name the median over systems and the largest, each [frames] and relative; the
    largest is dotted. What is below FLOOR lies on the floor of the axis.
    """
    every = np.array([curve for pair in found.values() for curve in pair]).reshape(-1)
    positive = every[np.isfinite(every) & (every > FLOOR)]
    low = float(np.floor(np.log10(positive.min(initial=1e-3))))
    high = float(np.ceil(np.log10(positive.max(initial=1e-2))))
    figure = frame(dark, 300, "time", "change since the start")
    for place, (name, pair) in enumerate(found.items()):
        for curve, dash, what in zip(pair, ("solid", "dot"), ("median", "largest"), strict=True):
            figure.add_trace(
                go.Scatter(
                    x=list(times),
                    y=np.maximum(curve, 10**low),
                    name=f"{name}, {what}",
                    mode="lines",
                    line={"color": color(ORDER[place], dark), "dash": dash, "width": 2},
                    hovertemplate="%{y:.1e}",
                )
            )
    figure.update_layout(
        yaxis={"type": "log", "range": [low, high + 0.1], **log_ticks(low, high, 5)}
    )
    return figure


def turning(found: Mapping[str, tuple[float, float]], chosen: str, dark: bool = False) -> go.Figure:
    """What a rotation of the start does to each law's targets (mean square, floor), on a log axis.

    The chosen law stands in bold; a law that turns lies where rounding does.
    """
    names = [f"<b>{name}</b>" if name == chosen else name for name in found]
    figure = frame(dark, 90 + 34 * len(names), "mean squared difference, (scene units)²")
    for place, (label, hue, symbol) in enumerate(
        (
            ("rotated start against rotated target", "blue", "circle"),
            ("least error of a predictor that turns", "vermillion", "diamond"),
        )
    ):
        values = [max(pair[place], 1e-32) for pair in found.values()]
        figure.add_trace(
            go.Scatter(
                x=values,
                y=names,
                name=label,
                mode="markers",
                hovertemplate="%{y}: %{x:.2g}<extra></extra>",
                marker={"color": color(hue, dark), "symbol": symbol, "size": 10},
            )
        )
    ticks = [10.0**k for k in range(-30, 1, 5)]
    figure.update_xaxes(
        type="log",
        range=[-32, 0.3],
        tickvals=ticks,
        ticktext=[power(t) for t in ticks],
        showgrid=True,
        gridcolor=GRID,
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_layout(hovermode="closest")
    return figure


def image(pixels: np.ndarray, dark: bool = False) -> go.Figure:
    """A grey picture [rows, columns] with square pixels, its first row on top."""
    ends = [color("ground", dark), "#E4E9F0" if dark else "#1B2430"]
    figure = frame(dark, 420)
    figure.add_trace(
        go.Heatmap(
            z=pixels,
            colorscale=[[0, ends[0]], [1, ends[1]]],
            showscale=False,
            hovertemplate="row %{y}, column %{x}: %{z}<extra></extra>",
        )
    )
    hidden = {"showgrid": False, "showticklabels": False, "constrain": "domain"}
    figure.update_xaxes(**hidden)
    figure.update_yaxes(autorange="reversed", scaleanchor="x", **hidden)
    figure.update_layout(hovermode="closest")
    return figure
