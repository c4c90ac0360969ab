"""Results in, plotly figures out: colours, dashes and the frame that all figures share."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

# Okabe & Ito, "Color Universal Design" (2008); the second of each pair is for dark pages.
COLORS = {
    "blue": ("#0072B2", "#56B4E9"),
    "vermillion": ("#D55E00", "#FF8A3D"),
    "green": ("#009E73", "#2BC79A"),
    "purple": ("#CC79A7", "#E29CC4"),
    "orange": ("#B27A00", "#E69F00"),
    "grey": ("#5E6B7C", "#9AA7B8"),
    "ground": ("#FFFFFF", "#11161D"),  # of the page, as in .streamlit/config.toml
}
ORDER = ("blue", "vermillion", "green", "purple", "orange", "grey")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
# Below and above 0; on a dark page what is near 0 is dark, as its ground is.
SIGNED = (
    "RdBu_r",
    ((0, "#8CCBF7"), (0.25, "#3579AC"), (0.5, "#1B222C"), (0.75, "#B4582A"), (1, "#FFB38A")),
)
# From 0 to 1: of Viridis, the part that a dark page does not swallow.
ORDERED = ("Viridis", ((0, "#7F7BD6"), (0.33, "#2FA3A0"), (0.66, "#7AD151"), (1, "#FDE725")))
# What rounding alone explains: from an eighth of the unit roundoff to what some layers pile up.
BANDS = (
    ("float64", 1e-17, 1e-12, "blue"),
    ("float32", 1e-9, 1e-5, "green"),
    ("TF32", 1e-4, 5e-3, "orange"),
    ("bf16", 5e-3, 1e-1, "vermillion"),
)


def explained(precision: str) -> float:
    """The largest Δ_EQ that rounding in this precision explains."""
    known = {name: top for name, _, top, _ in BANDS} | {"bfloat16": BANDS[-1][2]}
    return known[precision]


def color(name: str, dark: bool) -> str:
    """The colour of that name for a light or a dark page."""
    return COLORS[name][dark]


def faint(name: str, dark: bool, opacity: float) -> str:
    """The colour as a translucent fill."""
    r, g, b = (int(COLORS[name][dark][i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({r},{g},{b},{opacity})"


def power(value: float) -> str:
    """A power of ten as text, such as 10⁻⁶."""
    digits = str(round(float(np.log10(value)))).translate(
        str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
    )
    return "10" + digits


def log_ticks(low: float, high: float, most: int = 6) -> dict[str, list]:
    """Ticks at whole powers of ten between two bounds (given as log10), at most `most` or so."""
    first, last = int(np.ceil(low)), int(np.floor(high))
    step = max(1, int(np.ceil((last - first) / most)))
    exponents = range(last, first - 1, -step)
    return {
        "tickvals": [10.0**k for k in exponents],
        "ticktext": [power(10.0**k) for k in exponents],
    }


def round_ticks(low: float, high: float) -> dict[str, list]:
    """Ticks at 1, 2 and 5 times powers of ten between two bounds (given as log10), or at the powers alone."""
    marks = [m * 10.0**k for k in range(-9, 6) for m in (1, 2, 5)]
    marks = [m for m in marks if low <= np.log10(m) <= high]
    marks = marks if len(marks) <= 8 else [m for m in marks if f"{m:e}"[0] == "1"]
    return {"tickvals": marks, "ticktext": [f"{m:g}" for m in marks]}


def frame(dark: bool, height: int, x_title: str = "", y_title: str = "") -> go.Figure:
    """An empty figure in the explorer's quiet style."""
    line = "rgba(150,165,185,0.25)" if dark else "rgba(90,105,125,0.18)"
    axis = {"gridcolor": line, "zeroline": False, "ticks": ""}
    return go.Figure(
        layout={  # given whole: setting a layout piece by piece takes Plotly ten times as long
            "height": height,
            "margin": {"l": 8, "r": 18, "t": 8, "b": 8},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {"size": 13},
            "hovermode": "x unified",
            "legend": {
                "orientation": "h",
                "y": 1.02,
                "yanchor": "bottom",
                "x": 0,
                "title": {"text": ""},
            },
            "xaxis": {**axis, "title": {"text": x_title, "standoff": 8}, "showgrid": False},
            "yaxis": {**axis, "title": {"text": y_title, "standoff": 16}},
            "uirevision": "keep",
        }
    )


def bands(figure: go.Figure, low: float, high: float, dark: bool) -> None:
    """Draws what each precision can explain, between the bounds (log10) of the y axis."""
    shapes, words = [], []
    for name, bottom, top, hue in BANDS:
        lower, upper = max(np.log10(bottom), low), min(np.log10(top), high)
        if upper - lower < 0.2:
            continue
        shapes.append(
            {
                "type": "rect",
                "xref": "x domain",
                "x0": 0,
                "x1": 1,
                "y0": 10**lower,
                "y1": 10**upper,
                "fillcolor": faint(hue, dark, 0.13),
                "line": {"width": 0},
                "layer": "below",
            }
        )
        words.append(
            {
                "x": 1,
                "xref": "paper",
                "xanchor": "right",
                "y": lower,
                "yref": "y",
                "yanchor": "bottom",
                "text": name,
                "showarrow": False,
                "font": {"size": 11, "color": color("grey", dark)},
            }
        )
    # All at once, after what is there: one by one Plotly takes four times as long.
    layout: Any = figure.layout
    layout.shapes, layout.annotations = (*layout.shapes, *shapes), (*layout.annotations, *words)


def level(figure: go.Figure, value: float, text: str, dark: bool) -> None:
    """Draws a named horizontal line on a log axis."""
    figure.add_hline(value, line={"color": color("grey", dark), "dash": "dot", "width": 1.5})
    figure.add_annotation(
        x=0,
        xref="paper",
        xanchor="left",
        y=float(np.log10(value)),
        yref="y",
        yanchor="bottom",
        text=text,
        showarrow=False,
        font={"size": 11, "color": color("grey", dark)},
    )


def bounds(values: Sequence[float], least: float, most: float) -> tuple[float, float]:
    """log10 limits that hold all positive values and the span from `least` to `most`."""
    found = [v for v in values if np.isfinite(v) and v > 0]
    return (
        float(np.floor(np.log10(min([least, *found])))),
        float(np.ceil(np.log10(max([most, *found])))),
    )
