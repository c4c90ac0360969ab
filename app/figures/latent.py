"""Codes of an autoencoder in a plane, each as the letter of its class: markup, since Plotly takes half a
second for five hundred words."""

from __future__ import annotations

import html
from collections.abc import Sequence
from urllib.parse import quote

import numpy as np

from app.figures import color

# Ten hues that stay apart in both themes; a class is told by its letter as well.
HUES = (
    "#4477aa", "#ee6677", "#228833", "#b8a020", "#3aa6c4", "#aa3377", "#999999", "#e07b39", "#6b5b95",
    "#2a9d8f",
)  # fmt: skip


def plane(
    places: np.ndarray,
    classes: np.ndarray,
    letters: Sequence[str],
    marked: int | None,
    dark: bool = False,
) -> str:
    """Codes [n, 2], each as the letter of its class in its colour; `marked` in a ring."""
    low, high = places.min(0), places.max(0)
    share = (places - low) / np.maximum(high - low, 1e-12)
    across, up = (4 + 92 * share).round(2).T
    words = "".join(
        f"<text x='{x}%' y='{100 - y:.2f}%' fill='{HUES[k % len(HUES)]}'>"
        f"{html.escape(str(letters[k]))}</text>"
        for x, y, k in zip(across, up, classes, strict=True)
    )
    drawn = (
        "<svg xmlns='http://www.w3.org/2000/svg' width='100%' height='100%' font-size='11' "
        f"font-family='sans-serif' text-anchor='middle' dominant-baseline='central'>{words}</svg>"
    )
    ring = ""
    if marked is not None:
        hue = color("blue", dark)
        ring = f"<b style='left:{across[marked]}%;bottom:{up[marked]}%;border-color:{hue}'></b>"
    # One image, the same for every mark: five hundred elements would be read and checked each time.
    return f"<div class='codes'><img alt='' src='data:image/svg+xml,{quote(drawn)}'>{ring}</div>"
