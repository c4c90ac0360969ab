"""What happens inside a model: Δ_EQ layer by layer, and attention as a matrix."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from app.figures import DASHES, ORDER, bands, bounds, color, frame, log_ticks

FLOOR = 1e-17


def by_layer(
    found: Mapping[str, Sequence[tuple[str, str, float]]], dark: bool = False
) -> go.Figure:
    """Δ_EQ of each layer (name, kind, Δ) of each run, on a log axis with what precision explains.

    The worst kind of feature of a layer is drawn; a Δ of zero lies on the floor of the axis.
    """
    every = [d for rows in found.values() for *_, d in rows if d > FLOOR]
    low, high = bounds(every, 1e-9, 1.0)
    figure = frame(dark, 250, "layer, from input to output")
    bands(figure, low, high, dark)
    for place, (name, rows) in enumerate(found.items()):
        layers = list(dict.fromkeys(layer for layer, *_ in rows))
        worst = [
            max(((k, d) for l, k, d in rows if l == layer), key=lambda r: r[1]) for layer in layers
        ]
        figure.add_trace(
            go.Scatter(
                x=list(range(1, len(layers) + 1)),
                y=[max(d, 10**low) for _, d in worst],
                name=name,
                mode="lines+markers",
                line={
                    "color": color(ORDER[place % 6], dark),
                    "dash": DASHES[place % 6],
                    "width": 2,
                },
                marker={"size": 8, "symbol": ("circle", "diamond")[place % 2]},
                text=[f"{layer}, {kind}" for layer, (kind, _) in zip(layers, worst, strict=True)],
                hovertemplate="%{text}: %{y:.1e}",
            )
        )
    most = max((len({l for l, *_ in rows}) for rows in found.values()), default=1)
    figure.update_xaxes(dtick=1, range=[0.8, most + 0.4])
    figure.update_layout(yaxis={"type": "log", "range": [low, high], **log_ticks(low, high)})
    return figure


def matrix(
    weights: np.ndarray, symbols: Sequence[str], chosen: int | None = None, dark: bool = False
) -> go.Figure:
    """Weights [receiver, sender] as a heat map; each row is what one atom looks at."""
    labels = [f"{symbol}{i + 1}" for i, symbol in enumerate(symbols)]
    ticks = list(symbols) if len(symbols) <= 24 else None
    shade = ["rgba(120,140,165,0.08)", color("blue", dark)]
    figure = frame(dark, 330)
    figure.add_trace(
        go.Heatmap(
            z=weights,
            colorscale=[[0, shade[0]], [1, shade[1]]],
            showscale=False,
            xgap=1,
            ygap=1,
            customdata=np.array([[f"{a} looks at {b}" for b in labels] for a in labels]),
            hovertemplate="%{customdata}: %{z:.3f}<extra></extra>",
        )
    )
    axis = {"tickvals": list(range(len(symbols))), "ticktext": ticks, "showticklabels": bool(ticks)}
    figure.update_xaxes(side="top", showgrid=False, constrain="domain", **axis)
    figure.update_yaxes(
        autorange="reversed", showgrid=False, scaleanchor="x", constrain="domain", **axis
    )
    figure.update_layout(hovermode="closest", margin={"l": 8, "r": 8, "t": 24, "b": 8})
    if chosen is not None:
        line = {"color": color("vermillion", dark), "width": 2}
        figure.add_shape(
            type="rect", x0=-0.5, x1=len(symbols) - 0.5, y0=chosen - 0.5, y1=chosen + 0.5, line=line
        )
    return figure


WEIGHTS = ("attention", "message weight")  # what a row may be of, beside an irrep


def by_degree(rows: Sequence[tuple[str, str, float]], dark: bool = False) -> go.Figure:
    """Δ_EQ of each irrep of one run, layer by layer, on a log axis with what precision explains."""
    rows = [row for row in rows if row[1] not in WEIGHTS]
    layers = list(dict.fromkeys(layer for layer, *_ in rows))
    low, high = bounds([d for *_, d in rows if d > FLOOR], 1e-9, 1.0)
    figure = frame(dark, 250, "layer, from input to output")
    bands(figure, low, high, dark)
    for place, irrep in enumerate(sorted({kind for _, kind, _ in rows})):
        mine = [(layers.index(layer) + 1, d) for layer, kind, d in rows if kind == irrep]
        figure.add_trace(
            go.Scatter(
                x=[x for x, _ in mine],
                y=[max(d, 10**low) for _, d in mine],
                name=irrep,
                mode="lines+markers",
                hovertemplate="%{y:.1e}",
                line={
                    "color": color(ORDER[place % 6], dark),
                    "dash": DASHES[place % 6],
                    "width": 2,
                },
                marker={"size": 8, "symbol": ("circle", "diamond", "square", "cross")[place % 4]},
            )
        )
    figure.update_layout(showlegend=True)
    figure.update_xaxes(dtick=1, range=[0.8, len(layers) + 0.4])
    figure.update_layout(yaxis={"type": "log", "range": [low, high], **log_ticks(low, high)})
    return figure


def turning(matrix: np.ndarray, dark: bool = False) -> go.Figure:
    """A matrix D(g) with its entries: blue positive, vermillion negative."""
    middle = color("ground", dark)
    ends = (color("vermillion", dark), color("blue", dark))
    size = len(matrix)
    figure = frame(dark, 250)
    text = [[f"{v:.2f}".replace("-", "−") if size <= 7 else "" for v in row] for row in matrix]
    figure.add_trace(
        go.Heatmap(
            z=matrix,
            zmin=-1,
            zmax=1,
            colorscale=[[0, ends[0]], [0.5, middle], [1, ends[1]]],
            showscale=False,
            xgap=1,
            ygap=1,
            text=text,
            texttemplate="%{text}",
            hovertemplate="row %{y}, column %{x}: %{z:.4f}<extra></extra>",
        )
    )
    l = (size - 1) // 2
    ticks = {
        "tickvals": list(range(size)),
        "ticktext": [f"{m:+d}" if m else "0" for m in range(-l, l + 1)],
    }
    figure.update_xaxes(side="top", showgrid=False, constrain="domain", **ticks)
    figure.update_yaxes(
        autorange="reversed", showgrid=False, scaleanchor="x", constrain="domain", **ticks
    )
    figure.update_layout(hovermode="closest", margin={"l": 8, "r": 8, "t": 24, "b": 8})
    return figure
