"""Curves: loss and Δ_EQ over training, Δ_EQ against the angle of a rotation."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from app.figures import DASHES, ORDER, bands, bounds, color, frame, log_ticks

FLOOR = 1e-17  # where a Δ of exactly zero is drawn


def _log_axis(figure: go.Figure, low: float, high: float) -> None:
    figure.update_layout(yaxis={"type": "log", "range": [low, high], **log_ticks(low, high)})


def _line(
    x: Sequence[float], y: Sequence[float], name: str, place: int, dark: bool, hover: str
) -> go.Scatter:
    return go.Scatter(
        x=list(x),
        y=list(y),
        name=name,
        mode="lines+markers" if len(x) < 60 else "lines",
        line={"color": color(ORDER[place % 6], dark), "dash": DASHES[place % 6], "width": 2},
        marker={"size": 5, "symbol": ("circle", "diamond", "square", "cross")[place % 4]},
        hovertemplate=hover,
    )


def loss(
    lines: Sequence[Mapping],
    valid: str,
    unit: str,
    published: float | None = None,
    dark: bool = False,
) -> go.Figure:
    """Training loss and validation error (named `valid`, in `unit`) over epochs, on a log axis.

    `lines` are evaluations with epoch, train_loss and valid. `published` is drawn as a level.
    """
    epochs = [line["epoch"] for line in lines]
    drawn = {"train loss": [line["train_loss"] for line in lines]}
    drawn[f"valid {valid}"] = [line["valid"] for line in lines]
    figure = frame(dark, 300, "epoch", f"{valid}, {unit}")
    for place, (name, values) in enumerate(drawn.items()):
        figure.add_trace(_line(epochs, values, name, place, dark, "%{y:.3g}"))
    if published:
        figure.add_hline(
            published, line={"color": color("grey", dark), "dash": "dot", "width": 1.5},
            annotation={"text": f"published {published:g}", "font": {"size": 11}},
            annotation_position="bottom left",
        )  # fmt: skip
    every = [v for values in drawn.values() for v in values] + ([published] if published else [])
    found = np.log10([v for v in every if np.isfinite(v) and v > 0] or [1.0])
    low, high = float(found.min()) - 0.12, float(found.max()) + 0.12
    marks = [m * 10.0**k for k in range(-12, 9) for m in (1, 2, 5)]
    marks = [m for m in marks if low <= np.log10(m) <= high]
    marks = marks if len(marks) <= 7 else [m for m in marks if f"{m:e}"[0] == "1"]
    figure.update_yaxes(
        type="log", range=[low, high], tickvals=marks, ticktext=[f"{m:g}" for m in marks]
    )
    return figure


def delta(lines: Sequence[Mapping], dark: bool = False) -> go.Figure:
    """Δ_EQ of each group over epochs, on a log axis with what each precision can explain."""
    epochs = [line["epoch"] for line in lines]
    groups = sorted({g for line in lines for g in line.get("delta", {})})
    drawn = {g: [line.get("delta", {}).get(g) for line in lines] for g in groups}
    every = [v for values in drawn.values() for v in values if v is not None]
    low, high = bounds(every, 1e-9, 1.0)
    figure = frame(dark, 300, "epoch", "Δ_EQ, median over 8 elements")
    bands(figure, low, high, dark)
    for place, (name, values) in enumerate(drawn.items()):
        shown = [None if v is None else max(v, 10**low) for v in values]
        figure.add_trace(_line(epochs, shown, name, place + 2, dark, "%{y:.2g}"))  # type: ignore[arg-type]
    _log_axis(figure, low, high)
    return figure


def against_angle(
    degrees: Sequence[float], found: Mapping[str, Sequence[float]], now: float, dark: bool = False
) -> go.Figure:
    """Δ_EQ of each run against the angle of rotation, on a log axis, with the current angle marked.

    A Δ of exactly zero lies on the floor of the axis.
    """
    every = [v for values in found.values() for v in values]
    low, high = bounds([v for v in every if v > FLOOR], 1e-9, 1.0)
    figure = frame(dark, 300, "angle of the rotation")
    bands(figure, low, high, dark)
    for place, (name, values) in enumerate(found.items()):
        shown = np.maximum(np.asarray(values, float), 10**low).tolist()
        trace = _line(degrees, shown, name, place, dark, "%{y:.2g}")
        trace.mode = "lines"
        figure.add_trace(trace)
    figure.add_vline(now, line={"color": color("grey", dark), "dash": "dot", "width": 1.5})
    figure.update_xaxes(
        range=[0, 180],
        tickvals=[0, 45, 90, 135, 180],
        ticktext=["0°", "45°", "90°", "135°", "180°"],
    )
    _log_axis(figure, low, high)
    return figure
