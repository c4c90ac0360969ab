"""Figures of an ablation: training curves by variant, weights by distance, changes with intervals."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from app.figures import DASHES, ORDER, color, faint, frame

VARIANTS = (
    ("norm", "inverse", "mixed", "learned", "bessel", "gaussian"),
    ("polynomial", "cosine", "none"),
    ("nonlinear-mlp", "nonlinear-dot", "linear-mlp", "linear-dot"),
)
UNITS = {"energy": "meV", "forces": "meV/Å"}


def _style(variant: str) -> tuple[str, str]:
    place = next((group.index(variant) for group in VARIANTS if variant in group), -1)
    return ORDER[place], DASHES[place]


def _band(
    figure: go.Figure, x: Sequence[float], low: np.ndarray, high: np.ndarray, hue: str, dark: bool
) -> None:
    figure.add_trace(
        go.Scatter(
            x=[*x, *list(x)[::-1]],
            y=[*high, *low[::-1]],
            fill="toself",
            mode="lines",
            line={"width": 0},
            fillcolor=faint(hue, dark, 0.18),
            hoverinfo="skip",
            showlegend=False,
        )
    )


def curves(
    runs: Sequence[Mapping[str, Any]], molecule: str, quantity: str, dark: bool = False
) -> go.Figure:
    """Validation error over epochs: the mean over seeds, in a band of one standard deviation.

    `runs` hold molecule, variant, epoch and valid_<quantity>. The axis is logarithmic.
    """
    figure = frame(dark, 320, "epoch", f"valid MAE of {quantity}, {UNITS[quantity]}")
    every: list[float] = []
    for variant in dict.fromkeys(r["variant"] for r in runs):
        chosen = [r for r in runs if (r["molecule"], r["variant"]) == (molecule, variant)]
        if not chosen:
            continue
        length = min(len(r["epoch"]) for r in chosen)
        x = list(chosen[0]["epoch"][:length])
        # Errors vary by factors: mean and deviation of their logarithms.
        logs = np.log([r[f"valid_{quantity}"][:length] for r in chosen])
        mean, spread = logs.mean(0), logs.std(0)
        hue, dash = _style(variant)
        _band(figure, x, np.exp(mean - spread), np.exp(mean + spread), hue, dark)
        figure.add_trace(
            go.Scatter(
                x=x,
                y=np.exp(mean),
                name=variant,
                mode="lines",
                hovertemplate="%{y:.3g}",
                line={"color": color(hue, dark), "dash": dash, "width": 2},
            )
        )
        every += [*np.exp(mean - spread), *np.exp(mean + spread)]
    low, high = (min(every), max(every)) if every else (1.0, 10.0)
    digits = (1, 2, 5) if high > 5 * low else (1, 1.5, 2, 3, 4, 5, 7)
    marks = [m * 10.0**k for k in range(-3, 7) for m in digits]
    shown = [m for m in marks if low / 1.1 <= m <= high * 1.1]
    figure.update_yaxes(type="log", tickvals=shown, ticktext=[f"{m:g}" for m in shown])
    return figure


def emphasis(result: Mapping[str, Any], molecule: str, dark: bool = False) -> go.Figure:
    """Weights by distance relative to their mean, above how often each distance occurs (grey)."""
    figure = frame(dark, 320, "distance, Å", "weight, relative to its mean")
    x = list(result["distances"])
    chosen = [row for row in result["emphasis"] if row["molecule"] == molecule]
    top = max((v for row in chosen for v in row["mean"]), default=1.0)
    found = np.asarray(result["lengths"].get(molecule, np.zeros(len(x))), float)
    if found.max() > 0:
        figure.add_trace(
            go.Scatter(
                x=x,
                y=found / found.max() * 0.9 * top,
                fill="tozeroy",
                mode="lines",
                name="pairs of atoms",
                line={"width": 0, "shape": "hvh"},
                fillcolor=faint("grey", dark, 0.22),
                hoverinfo="skip",
            )
        )
    for row in chosen:
        hue, dash = _style(row["variant"])
        dash = "dashdot" if row["part"] == "inverse heads" else dash
        mean, spread = np.asarray(row["mean"]), np.asarray(row["std"])
        name = row["part"] if row["part"] == row["variant"] else f"mixed, {row['part']}"
        _band(figure, x, mean - spread, mean + spread, hue, dark)
        figure.add_trace(
            go.Scatter(
                x=x,
                y=mean,
                name=name,
                mode="lines",
                hovertemplate="%{y:.2f}",
                line={"color": color(hue, dark), "dash": dash, "width": 2},
            )
        )
    figure.update_yaxes(rangemode="tozero")
    return figure


def changes(
    comparisons: Sequence[Mapping[str, Any]], quantity: str, dark: bool = False
) -> go.Figure:
    """The change of an error with its 95 % interval, over all molecules and on each."""
    rows = [row for row in comparisons if row["quantity"] == quantity]
    pairs = list(dict.fromkeys((row["a"], row["b"]) for row in rows))
    places = list(dict.fromkeys(row["molecule"] for row in rows))
    labels = [f"{b} against {a}" for a, b in pairs]
    figure = frame(dark, 90 + 62 * max(len(pairs), 1), f"change of the MAE of {quantity}")
    figure.add_vline(0, line={"color": color("grey", dark), "width": 1})
    for k, place in enumerate(places):
        chosen = [row for row in rows if row["molecule"] == place]
        y = [
            pairs.index((row["a"], row["b"])) - 0.16 * (k - (len(places) - 1) / 2) for row in chosen
        ]
        change = np.array([row["change"] for row in chosen])
        ends = np.array([row["interval"] for row in chosen])
        hue = "grey" if place == "all" else ORDER[(k - 1) % 5]
        figure.add_trace(
            go.Scatter(
                x=change,
                y=y,
                mode="markers",
                name="all molecules" if place == "all" else place,
                marker={
                    "size": 11 if place == "all" else 7,
                    "color": color(hue, dark),
                    "symbol": ("diamond", "circle", "square", "cross")[k % 4],
                },
                error_x={
                    "type": "data",
                    "symmetric": False,
                    "array": ends[:, 1] - change,
                    "arrayminus": change - ends[:, 0],
                    "thickness": 2 if place == "all" else 1,
                },
                customdata=[[row["p"], row["pairs"]] for row in chosen],
                hovertemplate="%{x:+.1%}, p = %{customdata[0]:.2g}, %{customdata[1]} pairs",
            )
        )
    figure.update_layout(hovermode="closest")
    figure.update_xaxes(tickformat="+.0%")
    figure.update_yaxes(
        tickvals=list(range(len(pairs))), ticktext=labels, range=[len(pairs) - 0.5, -0.5]
    )
    return figure
