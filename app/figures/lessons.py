"""What lessons draw: shapes in the plane side by side, curves, bars, energy levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from app.figures import DASHES, ORDER, ORDERED, color, frame, log_ticks

FLOOR = 1e-17
MARGIN = {"l": 8, "r": 8, "t": 26, "b": 8}


def _panels(figure: go.Figure, titles: Sequence[str], dark: bool) -> None:
    """Square panels side by side, each with its title above it."""
    count, gap = len(titles), 0.03
    width = (1 - gap * (count - 1)) / count
    for i, title in enumerate(titles):
        suffix, start = str(i + 1) if i else "", i * (width + gap)
        axis = {"showgrid": False, "showticklabels": False, "zeroline": False, "ticks": ""}
        figure.update_layout(
            {
                f"xaxis{suffix}": {
                    **axis,
                    "domain": [start, start + width],
                    "anchor": f"y{suffix}",
                    "title": None,
                    "constrain": "domain",
                },
                f"yaxis{suffix}": {
                    **axis,
                    "anchor": f"x{suffix}",
                    "scaleanchor": f"x{suffix}",
                    "title": None,
                    "constrain": "domain",
                },
            }
        )
        figure.add_annotation(
            text=title,
            x=start + width / 2,
            xref="paper",
            y=1,
            yref="paper",
            yanchor="bottom",
            showarrow=False,
            font={"size": 13, "color": color("grey", dark)},
        )
    figure.update_layout(margin=MARGIN, showlegend=False, hovermode="closest")


Drawn = Sequence[
    tuple[str, np.ndarray, Sequence[float] | None, str]
]  # name, places, colours, style


def shapes(
    panels: Mapping[str, Drawn], reach: float, dark: bool = False, height: int = 300
) -> go.Figure:
    """Shapes [n, 2] about the origin, joined corner to corner; colours from 0 to 1, or None.

    A shape is a name for the reader, its corners, its colours, and "solid" or "sleeve" (wide, faint).
    """
    figure = frame(dark, height)
    _panels(figure, list(panels), dark)
    for i, drawn in enumerate(panels.values()):
        suffix = str(i + 1) if i else ""
        axes = {"xaxis": f"x{suffix}", "yaxis": f"y{suffix}"}
        for name, places, colours, style in drawn:
            wide = style == "sleeve"
            hue = color("grey" if wide else "blue", dark)
            figure.add_trace(
                go.Scatter(
                    x=places[:, 0],
                    y=places[:, 1],
                    name=name,
                    mode="lines+markers",
                    **axes,
                    line={"color": hue, "width": 9 if wide else 2},
                    opacity=0.35 if wide else 1,
                    marker={
                        "size": 18 if wide else 10,
                        "cmin": 0,
                        "cmax": 1,
                        "colorscale": ORDERED[dark],
                        "color": list(colours) if colours is not None else hue,
                    },
                    hovertemplate=f"{name}: (%{{x:.2f}}, %{{y:.2f}})<extra></extra>",
                )
            )
        figure.add_trace(
            go.Scatter(
                x=[0],
                y=[0],
                mode="markers",
                hoverinfo="skip",
                **axes,
                marker={
                    "symbol": "cross-thin",
                    "size": 12,
                    "line": {"width": 1.5, "color": color("grey", dark)},
                },
            )
        )
        figure.update_layout(
            {
                f"xaxis{suffix}": {"range": [-reach, reach]},
                f"yaxis{suffix}": {"range": [-reach, reach]},
            }
        )
    return figure


def curves(
    x: Sequence[float],
    named: Mapping[str, np.ndarray],
    x_title: str,
    dark: bool = False,
    marked: Sequence[float] = (),
    height: int = 210,
) -> go.Figure:
    """Errors over x on a logarithmic axis, zeros on its floor, and a line at each of `marked`."""
    figure = frame(dark, height, x_title, "Δ")
    for i, (name, values) in enumerate(named.items()):
        figure.add_trace(
            go.Scatter(
                x=list(x),
                y=np.maximum(values, FLOOR),
                name=name,
                mode="lines+markers",
                line={"color": color(ORDER[i % 6], dark), "dash": DASHES[i % 6], "width": 2},
                marker={"size": 7, "symbol": ("circle", "square", "triangle-down")[i % 3]},
                hovertemplate="%{y:.1e}",
            )
        )
    for place in marked:
        figure.add_vline(place, line={"color": color("grey", dark), "dash": "dot", "width": 1.5})
    figure.update_layout(
        yaxis={"type": "log", "range": [-17.3, 0.7], **log_ticks(-16, 0, 4)},
        showlegend=len(named) > 1,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
    )
    return figure


def bars(
    names: Sequence[str], values: np.ndarray, title: str, dark: bool = False, height: int = 200
) -> go.Figure:
    """Signed numbers by name."""
    figure = frame(dark, height, "", title)
    hue = [color("blue" if v >= 0 else "vermillion", dark) for v in values]
    figure.add_trace(
        go.Bar(x=list(names), y=values, marker={"color": hue}, hovertemplate="%{y:.3g}")
    )
    figure.update_layout(showlegend=False, margin={"l": 8, "r": 8, "t": 8, "b": 8})
    return figure


def energy_levels(
    named: Mapping[str, np.ndarray],
    occupied: int,
    dark: bool = False,
    height: int = 230,
    reach: tuple[float, float] = (-35.0, 25.0),
) -> go.Figure:
    """Orbital energies as short lines, a column a name; occupied ones solid, empty ones dotted."""
    figure = frame(dark, height, "", "eV")
    for i, (name, values) in enumerate(named.items()):
        for part, dash in ((values[:occupied], "solid"), (values[occupied:], "dot")):
            x, y = [], []
            for value in part:
                x += [i - 0.35, i + 0.35, None]
                y += [float(value), float(value), None]
            figure.add_trace(
                go.Scatter(
                    x=x,
                    y=y,
                    mode="lines",
                    name=name,
                    hovertemplate=f"{name}: %{{y:.2f}} eV<extra></extra>",
                    line={"color": color(ORDER[i % 6], dark), "width": 3, "dash": dash},
                )
            )
    figure.update_layout(
        xaxis={"tickvals": list(range(len(named))), "ticktext": list(named), "showgrid": False},
        yaxis={"range": list(reach)},
        showlegend=False,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
    )
    return figure
