"""What a data set holds: histograms of its labels, errors to beat, what a law keeps, digits."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from app.figures import DASHES, ORDER, color, faint, frame, log_ticks, power

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
            x=(edges[:-1] + edges[1:]) / 2, y=counts, width=np.diff(edges),
            marker={"color": color("blue", dark), "line": {"width": 0}}, showlegend=False,
            hovertemplate="%{x:.4g}: %{y:,}<extra></extra>",
        )
    )  # fmt: skip
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
    figure = frame(dark, 70 + 21 * len(rows), unit)
    for kind, (hue, symbol) in KINDS.items():
        mine = [(name, value) for name, k, value in rows if k == kind]
        if mine:
            figure.add_trace(
                go.Scatter(
                    x=[v for _, v in mine], y=[n for n, _ in mine], name=kind, mode="markers+text",
                    text=[f"  {v:.3g}" for _, v in mine], textposition="middle right",
                    textfont={"size": 11}, marker={"color": color(hue, dark), "symbol": symbol, "size": 9},
                    hovertemplate="%{y}: %{x:.4g}<extra></extra>", cliponaxis=False,
                )
            )  # fmt: skip
    values = np.log10([value for *_, value in rows] + ([floor] if floor else []))
    low, high = float(values.min()) - 0.15, float(values.max()) + 0.35
    if floor:
        figure.add_vrect(
            10 ** (low - 1), floor, fillcolor=faint("vermillion", dark, 0.12), line_width=0,
            layer="below",
        )  # fmt: skip
    marks = [m * 10.0**k for k in range(-12, 9) for m in (1, 2, 5)]
    marks = [m for m in marks if low <= np.log10(m) <= high]
    figure.update_xaxes(
        type="log", range=[low, high], tickvals=marks, ticktext=[f"{m:g}" for m in marks],
        showgrid=True, gridcolor=GRID,
    )  # fmt: skip
    figure.update_yaxes(
        categoryorder="array", categoryarray=[name for name, *_ in reversed(rows)], showgrid=False
    )
    figure.update_layout(hovermode="closest")
    return figure


def kept(times: Sequence[float], found: Mapping[str, np.ndarray], dark: bool = False) -> go.Figure:
    """How far quantities that a law should keep have gone from their start, on a log axis.

    `found` has relative changes [frames]; a change of zero lies on the floor of the axis.
    """
    every = np.concatenate(list(found.values()))
    positive = every[np.isfinite(every) & (every > FLOOR)]
    low = float(np.floor(np.log10(positive.min(initial=1e-3))))
    high = float(np.ceil(np.log10(positive.max(initial=1e-2))))
    figure = frame(dark, 280, "time", "change since the start")
    for place, (name, values) in enumerate(found.items()):
        figure.add_trace(
            go.Scatter(
                x=list(times), y=np.maximum(values, 10**low), name=name, mode="lines",
                line={"color": color(ORDER[place], dark), "dash": DASHES[place], "width": 2},
                hovertemplate="%{y:.1e}",
            )
        )  # fmt: skip
    figure.update_layout(
        yaxis={"type": "log", "range": [low, high + 0.1], **log_ticks(low, high, 5)}
    )
    return figure


def sorted_share(
    found: Mapping[str, np.ndarray], x_title: str, dark: bool = False, floor: float = 1e-18
) -> go.Figure:
    """For each set of values, the share of systems above a value, on a log axis of values."""
    every = np.concatenate(list(found.values()))
    low = float(np.floor(np.log10(max(every[every > 0].min(initial=1.0), floor))))
    high = float(np.ceil(np.log10(max(every.max(initial=0.0), 1e-2))))
    figure = frame(dark, 280, x_title, "share of systems above it")
    for place, (name, values) in enumerate(found.items()):
        x = np.sort(np.maximum(values, 10**low))
        figure.add_trace(
            go.Scatter(
                x=x, y=1 - np.arange(len(x)) / len(x), name=name, mode="lines",
                line={
                    "color": color(ORDER[place], dark), "dash": DASHES[place], "width": 2,
                    "shape": "hv",
                },
                hovertemplate="%{y:.0%}",
            )
        )  # fmt: skip
    ticks = [10.0**k for k in range(int(low), int(high) + 1)]
    ticks = ticks[:: max(1, len(ticks) // 7)]
    figure.update_xaxes(
        type="log", range=[low, high + 0.1], tickvals=ticks, ticktext=[power(t) for t in ticks]
    )
    figure.update_yaxes(tickformat=".0%", rangemode="tozero")
    return figure


def image(pixels: np.ndarray, dark: bool = False) -> go.Figure:
    """A grey picture [rows, columns] with square pixels, its first row on top."""
    ends = ["#11161D", "#E4E9F0"] if dark else ["#FFFFFF", "#1B2430"]
    figure = frame(dark, 420)
    figure.add_trace(
        go.Heatmap(
            z=pixels, colorscale=[[0, ends[0]], [1, ends[1]]], showscale=False,
            hovertemplate="row %{y}, column %{x}: %{z}<extra></extra>",
        )
    )  # fmt: skip
    hidden = {"showgrid": False, "showticklabels": False, "constrain": "domain"}
    figure.update_xaxes(**hidden)
    figure.update_yaxes(autorange="reversed", scaleanchor="x", **hidden)
    figure.update_layout(hovermode="closest")
    return figure
