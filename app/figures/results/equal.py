"""Errors at equal cost: against Δ_EQ in both precisions, and against what a model costs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from app.figures import color, frame, level, log_ticks

HEIGHT, APART = 430, 15  # pixels of a figure, and between two names
NAMES = 150  # pixels of a column of names
PRECISIONS = {"float64": ("blue", "circle"), "float32": ("vermillion", "triangle-down")}
FLOOR = 1e-17  # where an exact zero is drawn
COSTS = {"parameters": "parameters", "seconds_a_step": "seconds a step", "epochs": "epochs"}
Rows = Sequence[Mapping[str, Any]]


def deltas(rows: Rows, levels: Mapping[str, float], unit: str, dark: bool) -> go.Figure:
    """Test error against Δ_EQ under rotations: a mark for each precision, joined by a line."""
    figure = frame(dark, HEIGHT, "Δ_EQ under rotations", unit)
    low, high = _limits(rows, levels)
    for row in rows:
        x = [max(row["delta"]["SO(3)"][p], FLOOR) for p in PRECISIONS]
        figure.add_trace(
            go.Scatter(
                x=x,
                y=[row["test"]["mean"]] * 2,
                mode="lines",
                showlegend=False,
                hoverinfo="skip",
                line={"color": color("grey", dark), "width": 1},
            )
        )
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
    last = [max(r["delta"]["SO(3)"][p] for p in PRECISIONS) for r in rows]
    _column(figure, rows, [max(d, FLOOR) for d in last], (low, high), 1.0, dark)
    figure.update_layout(
        margin_r=NAMES,
        hovermode="closest",
        xaxis={"type": "log", "range": [-17.6, 1.0], "showgrid": True, **log_ticks(-17, 0, 9)},
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
                    error_y={
                        "type": "data",
                        "array": [r["test"]["std"] or 0.0 for _, r in some],
                        "thickness": 1.2,
                        "width": 3,
                    },
                    name=name,
                    mode="markers",
                    marker={"color": color(hue, dark), "symbol": symbol, "size": 9},
                    customdata=[r["title"] for _, r in some],
                    hovertemplate="%{customdata}: %{x:.3g}, error %{y:.4g}",
                )
            )
    first, last = (np.log10(min(x)), np.log10(max(x))) if x else (0.0, 0.4)
    ends = (first - 0.15, last + 0.15)
    _column(figure, rows, x, (low, high), ends[1], dark)
    figure.update_layout(
        margin_r=NAMES,
        hovermode="closest",
        xaxis={"type": "log", "range": list(ends), "showgrid": True, **_decades(*ends)},
        yaxis=_axis(low, high),
    )
    _levels(figure, levels, (low, high), dark)
    return figure


def turns(row: Mapping[str, Any]) -> bool:
    """Whether the model claims rotations."""
    return row["claim"].split(" x ")[0] in ("E(3)", "SE(3)", "O(3)", "SO(3)")


def _limits(rows: Rows, levels: Mapping[str, float]) -> tuple[float, float]:
    """log10 bounds of the errors and of the lowest level, with some room."""
    every = [r["test"]["mean"] for r in rows] + sorted(levels.values())[:1]
    every = [v for v in every if v > 0] or [1.0]
    return float(np.log10(min(every))) - 0.08, float(np.log10(max(every))) + 0.08


def _axis(low: float, high: float) -> dict[str, Any]:
    marks = [m * 10.0**k for k in range(-9, 7) for m in (1, 2, 5)]
    marks = [m for m in marks if low <= np.log10(m) <= high]
    return {
        "type": "log",
        "range": [low, high],
        "tickvals": marks,
        "ticktext": [f"{m:g}" for m in marks],
    }


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
    for name, value in sorted(levels.items(), key=lambda item: item[1])[:1]:
        if limits[0] <= np.log10(value) <= limits[1]:
            level(figure, value, f"{name} {value:.3g}", dark)


def _column(
    figure: go.Figure,
    rows: Rows,
    x: Sequence[float],
    limits: tuple[float, float],
    end: float,
    dark: bool,
) -> None:
    """The names in a column right of the axis, which ends at 10^end, each joined to its mark."""
    pixels = (HEIGHT - 90) / (limits[1] - limits[0])
    order = np.argsort([-r["test"]["mean"] for r in rows], kind="stable")
    errors = [rows[i]["test"]["mean"] for i in order]
    wanted = [(limits[1] - np.log10(error)) * pixels for error in errors]
    ends = [10 ** (limits[1] - place / pixels) for place in apart(wanted, HEIGHT - 90)]
    line: list[list[float | None]] = [[], []]
    for i, error, there in zip(order, errors, ends, strict=True):
        line[0] += [x[i], 10**end, None]
        line[1] += [error, there, None]
        figure.add_annotation(
            x=1,
            xref="x domain",
            xanchor="left",
            y=float(np.log10(there)),
            text=rows[i]["title"],
            showarrow=False,
            font={"size": 12},
        )
    figure.add_trace(
        go.Scatter(
            x=line[0],
            y=line[1],
            mode="lines",
            showlegend=False,
            hoverinfo="skip",
            line={"color": color("grey", dark), "width": 0.6},
        )
    )


def apart(wanted: Sequence[float], room: float) -> list[float]:
    """The ascending places, moved as little as can be (in squares) to be APART, within the room."""
    step = min(APART, room / max(len(wanted) - 1, 1))
    groups: list[
        tuple[float, int]
    ] = []  # of places that touch: the mean of their starts, and how many
    for i, place in enumerate(wanted):
        mean, count = place - i * step, 1
        while groups and groups[-1][0] > mean:
            before, many = groups.pop()
            mean = (mean * count + before * many) / (count + many)
            count += many
        groups.append((mean, count))
    starts = [mean for mean, count in groups for _ in range(count)]
    last = room - (len(wanted) - 1) * step
    return [min(max(s, 0.0), last) + i * step for i, s in enumerate(starts)]
