"""Errors at equal cost: against Δ_EQ in both precisions, and against what a model costs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from app.figures import color, frame, level, log_ticks

HEIGHT, APART = 430, 15  # pixels of a figure, and between two names
PRECISIONS = {"float64": ("blue", "circle"), "float32": ("vermillion", "triangle-down")}
FLOOR = 1e-17  # where an exact zero is drawn
COSTS = {
    "parameters": "parameters",
    "seconds_a_step": "processor seconds a step",
    "epochs": "epochs reached",
}
Rows = Sequence[Mapping[str, Any]]


def deltas(rows: Rows, levels: Mapping[str, float], unit: str, dark: bool) -> go.Figure:
    """Test error against Δ_EQ under rotations: a mark for each precision, joined by a line."""
    figure = frame(dark, HEIGHT, "Δ_EQ under rotations", unit)
    low, high = _limits(rows, levels)
    for row in rows:
        x = [max(row["delta"]["SO(3)"][p], FLOOR) for p in PRECISIONS]
        figure.add_trace(
            go.Scatter(x=x, y=[row["test"]["mean"]] * 2, mode="lines", showlegend=False,
                       hoverinfo="skip", line={"color": color("grey", dark), "width": 1})
        )  # fmt: skip
    for precision, (hue, symbol) in PRECISIONS.items():
        figure.add_trace(
            go.Scatter(
                x=[max(r["delta"]["SO(3)"][precision], FLOOR) for r in rows],
                y=[r["test"]["mean"] for r in rows],
                name=precision,
                mode="markers",
                marker={"color": color(hue, dark), "symbol": symbol, "size": 9},
                customdata=[r["title"] for r in rows],
                hovertemplate="%{customdata}: Δ %{x:.1e}, error %{y:.4g}",
            )
        )
    _names(figure, rows, [r["delta"]["SO(3)"]["float32"] for r in rows], (low, high), dark)
    figure.update_layout(
        hovermode="closest",
        xaxis={"type": "log", "range": [-17.6, 2.2], "showgrid": True, **log_ticks(-17, 0, 9)},
        yaxis=_axis(low, high),
    )
    _levels(figure, levels, (low, high), dark)
    return figure


def costs(rows: Rows, levels: Mapping[str, float], unit: str, cost: str, dark: bool) -> go.Figure:
    """Test error against one cost, with the spread over seeds where there is one."""
    figure = frame(dark, HEIGHT, COSTS[cost], unit)
    low, high = _limits(rows, levels)
    x = [max(float(r[cost]), 1e-9) for r in rows]
    exact = {True: ("turns with its input", "blue", "circle"),
             False: ("does not", "vermillion", "triangle-down")}  # fmt: skip
    for claims, (name, hue, symbol) in exact.items():
        some = [(v, r) for v, r in zip(x, rows, strict=True) if turns(r) is claims]
        if some:
            figure.add_trace(
                go.Scatter(
                    x=[v for v, _ in some],
                    y=[r["test"]["mean"] for _, r in some],
                    error_y={"type": "data", "array": [r["test"]["std"] or 0.0 for _, r in some],
                             "thickness": 1.2, "width": 3},
                    name=name,
                    mode="markers",
                    marker={"color": color(hue, dark), "symbol": symbol, "size": 9},
                    customdata=[r["title"] for _, r in some],
                    hovertemplate="%{customdata}: %{x:.3g}, error %{y:.4g}",
                )
            )  # fmt: skip
    ends = [np.log10(min(x)) - 0.15, np.log10(max(x)) + 0.75] if x else [0, 1]
    _names(figure, rows, x, (low, high), dark)
    figure.update_layout(
        hovermode="closest",
        xaxis={"type": "log", "range": ends, "showgrid": True, **_decades(*ends)},
        yaxis=_axis(low, high),
    )
    _levels(figure, levels, (low, high), dark)
    return figure


def turns(row: Mapping[str, Any]) -> bool:
    """Whether the model claims rotations."""
    return row["claim"].split(" x ")[0] in ("E(3)", "SE(3)", "O(3)", "SO(3)")


def _limits(rows: Rows, levels: Mapping[str, float]) -> tuple[float, float]:
    """log10 bounds of the errors and of the levels, with some room."""
    every = [r["test"]["mean"] for r in rows] + list(levels.values())
    every = [v for v in every if v > 0] or [1.0]
    return float(np.log10(min(every))) - 0.08, float(np.log10(max(every))) + 0.08


def _axis(low: float, high: float) -> dict[str, Any]:
    marks = [m * 10.0**k for k in range(-9, 7) for m in (1, 2, 5)]
    marks = [m for m in marks if low <= np.log10(m) <= high]
    return {
        "type": "log", "range": [low, high], "tickvals": marks,
        "ticktext": [f"{m:g}" for m in marks],
    }  # fmt: skip


def _decades(low: float, high: float) -> dict[str, list]:
    marks = [m * 10.0**k for k in range(-9, 9) for m in (1, 2, 5)]
    marks = [m for m in marks if low <= np.log10(m) <= high]
    marks = marks if len(marks) < 7 else [m for m in marks if f"{m:e}"[0] == "1"]
    return {"tickvals": marks, "ticktext": [_short(m) for m in marks]}


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:g}"


def _levels(
    figure: go.Figure, levels: Mapping[str, float], limits: tuple[float, float], dark: bool
) -> None:
    for name, value in levels.items():
        if limits[0] <= np.log10(value) <= limits[1]:
            level(figure, value, f"{name} {value:.3g}", dark)


def _names(
    figure: go.Figure, rows: Rows, x: Sequence[float], limits: tuple[float, float], dark: bool
) -> None:
    """Each model's name right of its mark, moved up or down where two would overlap."""
    pixels = (HEIGHT - 90) / (limits[1] - limits[0])
    order = np.argsort([-r["test"]["mean"] for r in rows], kind="stable")
    wanted = [(limits[1] - np.log10(rows[i]["test"]["mean"])) * pixels for i in order]
    for i, want, got in zip(order, wanted, apart(wanted, HEIGHT - 90), strict=True):
        figure.add_annotation(
            x=float(np.log10(max(x[i], FLOOR))),
            y=float(np.log10(rows[i]["test"]["mean"])),
            text=rows[i]["title"],
            xanchor="left",
            ax=16,
            ay=got - want,
            showarrow=True,
            arrowhead=0,
            arrowwidth=0.6,
            arrowcolor=color("grey", dark),
            standoff=5,
            font={"size": 12},
        )


def apart(wanted: Sequence[float], room: float) -> list[float]:
    """The ascending places, moved as little as is simple so that neighbours are APART and fit in."""
    step = min(APART, room / max(len(wanted) - 1, 1))
    found: list[float] = []
    for place in wanted:
        found.append(max(place, found[-1] + step) if found else place)
    over = max(found[-1] - room, 0.0) if found else 0.0
    for i in range(len(found) - 1, -1, -1):
        most = room if i == len(found) - 1 else found[i + 1] - step
        found[i] = min(found[i], most) if over else found[i]
    return found
