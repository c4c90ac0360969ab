"""What the legend says of each drawn item."""

from __future__ import annotations

from typing import Any

import numpy as np

from app.viewer.scene import GREY, Arrows, Edges, Field, Item, Path, Track

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def power(value: float) -> str:
    """A magnification as it is printed: "×10⁶", "×2"."""
    exponent = np.log10(value)
    if abs(exponent - round(exponent)) < 1e-9 and value >= 10:
        return "×10" + str(round(exponent)).translate(_SUPERSCRIPT)
    return f"×{value:g}"


def legend_of(item: Item) -> dict[str, Any] | None:
    """Label, colour and mark of an item; None if it has no label."""
    if not item.label:
        return None
    if isinstance(item, Arrows):
        text = item.label if item.magnify == 1 else f"{item.label} {power(item.magnify)}"
        if item.unit:
            one = 1 / (item.scale * item.magnify)
            text += f" (1 Å = {f'{one:,.0f}' if one >= 1000 else f'{one:.3g}'} {item.unit})"
        return {"label": text, "color": item.color, "mark": "dashed" if item.dashed else "arrow"}
    if isinstance(item, Path):
        mark = "sleeve" if item.opacity < 1 else "path"
        return {"label": item.label, "color": item.color, "mark": mark}
    if isinstance(item, Field):
        mark = "sleeve" if item.opacity < 1 else "arrow"
        return {"label": item.label, "color": item.color, "mark": mark}
    if isinstance(item, Edges):
        return {"label": item.label, "color": item.color, "mark": "rod"}
    if isinstance(item, Track):
        return {"label": item.label, "color": item.color, "mark": item.style}
    color = getattr(item, "color", None) or GREY
    return {"label": item.label, "color": color, "mark": "ghost" if item.ghost else "solid"}
