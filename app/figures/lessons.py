"""What lessons draw: matrices and images side by side, shapes in the plane, curves, spherical functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from app.figures import DASHES, ORDER, ORDERED, SIGNED, color, faint, frame, log_ticks

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
                    **axis, "domain": [start, start + width], "anchor": f"y{suffix}", "title": None,
                    "constrain": "domain",
                },
                f"yaxis{suffix}": {
                    **axis, "anchor": f"x{suffix}", "scaleanchor": f"x{suffix}", "title": None,
                    "constrain": "domain",
                },
            }
        )  # fmt: skip
        _title(figure, title, start + width / 2, dark)
    figure.update_layout(margin=MARGIN, showlegend=False, hovermode="closest")


def _title(figure: go.Figure, text: str, x: float, dark: bool) -> None:
    """Words above a panel whose middle is at x of the figure's width."""
    figure.add_annotation(
        text=text, x=x, xref="paper", y=1, yref="paper", yanchor="bottom", showarrow=False,
        font={"size": 13, "color": color("grey", dark)},
    )  # fmt: skip


def matrices(
    named: Mapping[str, np.ndarray],
    dark: bool = False,
    height: int = 260,
    images: bool = False,
    like: Mapping[str, str] | None = None,
) -> go.Figure:
    """Arrays [rows, columns] as coloured squares with a title each; `images` are ink where not negative.

    Matrices have a scale about 0, each its own, or that of another one, by `like`; small ones show
    their numbers.
    """
    figure = frame(dark, height)
    _panels(figure, list(named), dark)
    like = like or {}
    for i, (name, array) in enumerate(named.items()):
        z, suffix = np.atleast_2d(np.asarray(array, float)), str(i + 1) if i else ""
        top = max(float(np.abs(named[like.get(name, name)]).max()), 1e-12)
        scale = {"colorscale": "gray_r" if not dark else "gray", "zmin": 0, "zmax": top}
        if not images or z.min() < 0:
            scale = {"colorscale": SIGNED[dark], "zmin": -top, "zmax": top}
        figure.add_trace(
            go.Heatmap(
                z=z, xaxis=f"x{suffix}", yaxis=f"y{suffix}", showscale=False, **scale,
                texttemplate="%{z:.2f}" if z.size <= 9 else None,
                hovertemplate="row %{y}, column %{x}: %{z:.3g}<extra></extra>",
            )
        )  # fmt: skip
        figure.update_layout({f"yaxis{suffix}": {"autorange": "reversed"}})
        figure.add_shape(  # squares may have the page's own colour
            type="rect", xref=f"x{suffix}", yref=f"y{suffix}", x0=-0.5, x1=z.shape[1] - 0.5, y0=-0.5,
            y1=z.shape[0] - 0.5, line={"color": faint("grey", dark, 0.5), "width": 1},
        )  # fmt: skip
    return figure


def labels(named: Mapping[str, np.ndarray], dark: bool = False, height: int = 260) -> go.Figure:
    """Integer arrays as squares, equal numbers in equal colours that neighbours do not share."""
    figure = frame(dark, height)
    _panels(figure, list(named), dark)
    for i, array in enumerate(named.values()):
        suffix, z = str(i + 1) if i else "", np.asarray(array)
        golden = (z * 0.6180339887) % 1  # spreads successive numbers over the circle of hues
        figure.add_trace(
            go.Heatmap(
                z=golden, customdata=z, xaxis=f"x{suffix}", yaxis=f"y{suffix}", showscale=False,
                colorscale="HSV", zmin=0, zmax=1, opacity=0.75, xgap=1, ygap=1,
                hovertemplate="x %{x}, y %{y}: orbit %{customdata}<extra></extra>",
            )
        )  # fmt: skip
        figure.update_layout({f"yaxis{suffix}": {"autorange": "reversed"}})
    return figure


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
                    x=places[:, 0], y=places[:, 1], name=name, mode="lines+markers", **axes,
                    line={"color": hue, "width": 9 if wide else 2}, opacity=0.35 if wide else 1,
                    marker={
                        "size": 18 if wide else 10, "cmin": 0, "cmax": 1, "colorscale": ORDERED[dark],
                        "color": list(colours) if colours is not None else hue,
                    },
                    hovertemplate=f"{name}: (%{{x:.2f}}, %{{y:.2f}})<extra></extra>",
                )
            )  # fmt: skip
        figure.add_trace(
            go.Scatter(
                x=[0], y=[0], mode="markers", hoverinfo="skip", **axes,
                marker={
                    "symbol": "cross-thin", "size": 12,
                    "line": {"width": 1.5, "color": color("grey", dark)},
                },
            )
        )  # fmt: skip
        figure.update_layout(
            {f"xaxis{suffix}": {"range": [-reach, reach]}, f"yaxis{suffix}": {"range": [-reach, reach]}}
        )  # fmt: skip
    return figure


def curves(
    x: Sequence[float], named: Mapping[str, np.ndarray], x_title: str, dark: bool = False,
    marked: Sequence[float] = (), height: int = 210,
) -> go.Figure:  # fmt: skip
    """Errors over x on a logarithmic axis, zeros on its floor, and a line at each of `marked`."""
    figure = frame(dark, height, x_title, "Δ")
    for i, (name, values) in enumerate(named.items()):
        figure.add_trace(
            go.Scatter(
                x=list(x), y=np.maximum(values, FLOOR), name=name, mode="lines+markers",
                line={"color": color(ORDER[i % 6], dark), "dash": DASHES[i % 6], "width": 2},
                marker={"size": 7, "symbol": ("circle", "square", "triangle-down")[i % 3]},
                hovertemplate="%{y:.1e}",
            )
        )  # fmt: skip
    for place in marked:
        figure.add_vline(place, line={"color": color("grey", dark), "dash": "dot", "width": 1.5})
    figure.update_layout(
        yaxis={"type": "log", "range": [-17.3, 0.7], **log_ticks(-16, 0, 4)},
        showlegend=len(named) > 1, margin={"l": 8, "r": 8, "t": 8, "b": 8},
    )  # fmt: skip
    return figure


def spherical(
    named: Mapping[str, Mapping[str, np.ndarray]], dark: bool = False, height: int = 330
) -> go.Figure:
    """Functions on the sphere, drawn at the distance of their size, coloured by their sign."""
    figure = frame(dark, height)
    count = len(named)
    for i, (title, surface) in enumerate(named.items()):
        scene = f"scene{i + 1 if i else ''}"
        top = max(float(np.abs(surface["value"]).max()), 1e-12)
        figure.add_trace(
            go.Surface(
                x=surface["x"], y=surface["y"], z=surface["z"], surfacecolor=surface["value"],
                cmin=-top, cmax=top, colorscale=SIGNED[dark], showscale=False, scene=scene,
                hoverinfo="skip", name=title,
            )
        )  # fmt: skip
        axis = {"range": [-1, 1], "showticklabels": False, "showspikes": False}
        named_axes = {
            f"{n}axis": {
                **axis, "title": {"text": n}, "backgroundcolor": "rgba(0,0,0,0)",
                "gridcolor": "rgba(128,140,160,.3)",
            }
            for n in "xyz"
        }  # fmt: skip
        figure.update_layout(
            {scene: {"domain": {"x": [i / count, (i + 1) / count]}, "aspectmode": "cube", **named_axes}}
        )  # fmt: skip
        _title(figure, title, (i + 0.5) / count, dark)
    figure.update_layout(margin=MARGIN, showlegend=False)
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


def isosurfaces(
    named: Mapping[str, Mapping[str, np.ndarray]], dark: bool = False, height: int = 330
) -> go.Figure:
    """Surfaces of equal value, "above" red and "below" blue, and the atoms in them, one scene a title.

    Both are triangles [count, 3, 3]; "positions" [n, 3] and "species"; a cube "reach" to each side.
    """
    figure = frame(dark, height)
    count = len(named)
    for i, (title, found) in enumerate(named.items()):
        scene = f"scene{i + 1 if i else ''}"
        for part, hue in (("above", "vermillion"), ("below", "blue")):
            corners, (first, second, third) = _welded(found[part])
            figure.add_trace(
                go.Mesh3d(
                    x=corners[:, 0], y=corners[:, 1], z=corners[:, 2], i=first, j=second, k=third,
                    color=color(hue, dark), opacity=0.55, scene=scene, hoverinfo="skip",
                )
            )  # fmt: skip
        _atoms(figure, found, scene, dark)
        plain = {"visible": False, "range": [-float(found["reach"]), float(found["reach"])]}
        place = {"domain": {"x": [i / count, (i + 1) / count]}, "aspectmode": "cube"}
        camera = {"eye": {"x": 0.7, "y": 0.75, "z": 0.5}}
        figure.update_layout(
            {scene: {**place, "camera": camera, **{f"{a}axis": plain for a in "xyz"}}}
        )
        _title(figure, title, (i + 0.5) / count, dark)
    figure.update_layout(margin=MARGIN, showlegend=False)
    return figure


def _welded(triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Corners [n, 3] that differ, and which of them each triangle [count, 3, 3] has, [3, count].

    A corner belongs to six triangles or so: a quarter of the bytes on their way to the browser.
    """
    corners = np.asarray(triangles, np.float32).round(4).reshape(-1, 3)
    different, which = np.unique(corners, axis=0, return_inverse=True)
    return different, which.astype(np.int32).reshape(-1, 3).T


def _atoms(figure: go.Figure, found: Mapping[str, np.ndarray], scene: str, dark: bool) -> None:
    """Balls at the places of the atoms, hydrogen smaller, and their symbols."""
    places, species = found["positions"], found["species"]
    symbols = {1: "H", 6: "C", 7: "N", 8: "O"}
    figure.add_trace(
        go.Scatter3d(
            x=places[:, 0], y=places[:, 1], z=places[:, 2], mode="markers+text", scene=scene,
            text=[symbols.get(int(s), "") for s in species], hoverinfo="text",
            textfont={"size": 13}, textposition="top center",
            marker={
                "size": [5 if s == 1 else 8 for s in species], "color": color("grey", dark),
                "opacity": 1,
            },
        )
    )  # fmt: skip


def energy_levels(
    named: Mapping[str, np.ndarray], occupied: int, dark: bool = False, height: int = 230,
    reach: tuple[float, float] = (-35.0, 25.0),
) -> go.Figure:  # fmt: skip
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
                    x=x, y=y, mode="lines", name=name, hovertemplate=f"{name}: %{{y:.2f}} eV<extra></extra>",
                    line={"color": color(ORDER[i % 6], dark), "width": 3, "dash": dash},
                )
            )  # fmt: skip
    figure.update_layout(
        xaxis={"tickvals": list(range(len(named))), "ticktext": list(named), "showgrid": False},
        yaxis={"range": list(reach)}, showlegend=False, margin={"l": 8, "r": 8, "t": 8, "b": 8},
    )  # fmt: skip
    return figure
