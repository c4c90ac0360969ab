"""Arrays as coloured squares, side by side: plain markup, which the browser shows in a few milliseconds.

A Plotly figure of the same numbers is built anew with each change of its data and takes it a hundred.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from PIL import Image
from plotly.colors import sample_colorscale

from app.figures import SIGNED, color, faint

POINTED = 256  # squares of an array that tell their number to the pointer; more are one picture
READ = 9  # squares whose numbers are written on them
LEVELS = 255  # odd: zero has a colour of its own


@cache
def _scale(scale: str | tuple[tuple[float, str], ...]) -> np.ndarray:
    """The colours of a scale, [level, rgb]."""
    places = np.linspace(0, 1, LEVELS)
    named = scale if isinstance(scale, str) else [list(stop) for stop in scale]
    rgb = sample_colorscale(named, list(places), colortype="tuple")
    return np.round(255 * np.asarray(rgb)).astype(np.uint8)


def _coloured(z: np.ndarray, low: float, high: float, scale: Any) -> np.ndarray:
    """Colours [row, column, rgb] of numbers between two bounds."""
    share = np.clip((z - low) / (high - low), 0, 1)
    return _scale(scale)[np.round(share * (LEVELS - 1)).astype(int)]


def matrices(
    named: Mapping[str, np.ndarray],
    dark: bool = False,
    images: bool = False,
    like: Mapping[str, str] | None = None,
) -> str:
    """Arrays [rows, columns] as coloured squares with a title each; `images` are ink where not negative.

    Matrices have a scale about 0, each its own, or that of another one, by `like`; small ones show
    their numbers.
    """
    like, parts = like or {}, []
    for name, array in named.items():
        z = np.atleast_2d(np.asarray(array, float))
        top = max(float(np.abs(named[like.get(name, name)]).max()), 1e-12)
        ink = images and z.min() >= 0
        grey = "gray" if dark else "gray_r"
        colours = _coloured(z, 0, top, grey) if ink else _coloured(z, -top, top, SIGNED[dark])
        told = [[f"row {i}, column {k}: {v:.3g}" for k, v in enumerate(r)] for i, r in enumerate(z)]
        written = [[f"{v:.2f}" for v in row] for row in z] if z.size <= READ else None
        parts.append(_panel(name, colours, told, written, dark))
    return _row(parts)


def labels(named: Mapping[str, np.ndarray], dark: bool = False) -> str:
    """Integer arrays as squares, equal numbers in equal colours that neighbours do not share."""
    parts = []
    for name, array in named.items():
        golden = (np.asarray(array) * 0.6180339887) % 1  # spreads successive numbers over the hues
        told = [
            [f"x {k}, y {i}: orbit {v}" for k, v in enumerate(row)] for i, row in enumerate(array)
        ]
        parts.append(_panel(name, _coloured(golden, 0, 1, "HSV"), told, None, dark))
    return _row(parts)


def _row(parts: Sequence[str]) -> str:
    return f"<div style='display:flex;gap:3%;height:100%'>{''.join(parts)}</div>"


def _panel(
    title: str,
    colours: np.ndarray,
    told: Sequence[Sequence[str]],
    written: Sequence[Sequence[str]] | None,
    dark: bool,
) -> str:
    """A title above an array of colours [row, column, rgb], as large as there is room."""
    rows, columns = colours.shape[:2]
    few = rows * columns <= POINTED
    inside = _squares(colours, told, written) if few else _picture(colours)
    size = f"width:min(100cqw,100cqh*{columns}/{rows});aspect-ratio:{columns}/{rows}"
    return (
        "<div style='flex:1;min-width:0;display:flex;flex-direction:column'>"
        "<div style='font-size:13px;line-height:22px;white-space:nowrap;text-align:center;"
        f"color:{color('grey', dark)}'>{html.escape(title)}</div>"
        "<div style='flex:1;min-height:0;container-type:size;display:grid;place-items:center'>"
        f"<div style='{size};display:grid;grid-template-columns:repeat({columns if few else 1},1fr);"
        f"container-type:inline-size;outline:1px solid {faint('grey', dark, 0.25)}'>{inside}"
        "</div></div></div>"
    )


def _squares(
    colours: np.ndarray, told: Sequence[Sequence[str]], written: Sequence[Sequence[str]] | None
) -> str:
    """A cell a number, which says it to the pointer; `written` are the words on them."""
    size = f"{24 / colours.shape[1]:.3g}cqw"
    found = []
    for i, row in enumerate(colours.tolist()):
        for k, (r, g, b) in enumerate(row):
            words = written[i][k] if written else ""
            ink = "#1B2430" if 0.299 * r + 0.587 * g + 0.114 * b > 140 else "#fff"
            look = f"color:{ink};font-size:{size};display:grid;place-items:center;" if words else ""
            found.append(
                f"<div title='{html.escape(told[i][k])}' style='{look}background:rgb({r},{g},{b})'>"
                f"{words}</div>"
            )
    return "".join(found)


def _picture(colours: np.ndarray) -> str:
    file = io.BytesIO()
    Image.fromarray(colours).save(file, "PNG", compress_level=1)
    data = base64.b64encode(file.getvalue()).decode()
    return (
        f"<img src='data:image/png;base64,{data}' alt='' "
        "style='width:100%;height:100%;image-rendering:pixelated'>"
    )
