"""`show`: panels on the page, and what the reader did to them as plain values."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import streamlit as st
from streamlit.components.v2 import component

from app.viewer import build, fetch
from app.viewer.scene import Panel

HERE = Path(__file__).parent
LIBRARY = HERE.parents[1] / "static" / "3Dmol-min.js"
# Each file after those that it imports: they are joined to one module.
MODULES = (
    *("math", "theme", "turns", "stage", "camera", "panels", "table", "flat", "choose"),
    *("playback", "overlay", "picture", "pointer", "main"),
)


@dataclass(frozen=True)
class Drag:
    """The input was turned by `quaternion` (x, y, z, w): the new g is this one after the old."""

    quaternion: tuple[float, float, float, float]
    serial: int


@dataclass(frozen=True)
class View:
    """ "Use this view as g": the camera's rotation (x, y, z, w), identity in the first view."""

    quaternion: tuple[float, float, float, float]
    serial: int


@dataclass(frozen=True)
class Pick:
    """Atom or particle `atom` of panel `panel` was clicked (both from 0)."""

    panel: int
    atom: int
    serial: int


@dataclass(frozen=True)
class Events:
    """What happened since the last run; each is None in any run that it did not cause."""

    drag: Drag | None = None
    view: View | None = None
    pick: Pick | None = None


def bundle() -> str:
    """The component's modules as one: local imports dropped, only main's default export kept."""
    parts = []
    for name in MODULES:
        text = (HERE / "js" / f"{name}.js").read_text(encoding="utf-8")
        text = re.sub(r"^import .*?;$", "", text, flags=re.M | re.S)
        if name != "main":
            text = re.sub(r"^export (?=const|function|class|async|default)", "", text, flags=re.M)
            text = re.sub(r"^export \{.*?\};$", "", text, flags=re.M)
        parts.append(text)
    return "\n".join(parts)


@cache
def _component() -> Callable[..., Any]:
    return component(
        "demetar_viewer",
        html='<div class="demetar-viewer" tabindex="0" role="group"></div>\n',
        css=(HERE / "viewer.css").read_text(encoding="utf-8"),
        js=bundle(),
    )


def _quaternion(value: object) -> tuple[float, float, float, float] | None:
    """Four finite numbers of length one, or None: what a browser sends is not to be trusted."""
    if not isinstance(value, Sequence) or len(value) != 4:
        return None
    if not all(isinstance(part, int | float) and math.isfinite(part) for part in value):
        return None
    length = math.sqrt(sum(part * part for part in value))
    if abs(length - 1.0) > 1e-3:
        return None
    x, y, z, w = (float(part) / length for part in value)
    return x, y, z, w


def _index(value: object, size: int) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value < size else None


def read_event(name: str, value: Any, panels: Sequence[Panel]) -> Drag | View | Pick | None:
    """The browser's report as a checked value; None when there is none or it makes no sense."""
    if not isinstance(value, dict):
        return None
    serial = _index(value.get("serial"), 2**53)
    if serial is None:
        return None
    if name == "pick":
        panel = _index(value.get("panel"), len(panels))
        atom = _index(value.get("atom"), 10**6)
        return None if panel is None or atom is None else Pick(panel, atom, serial)
    quaternion = _quaternion(value.get("quaternion"))
    if quaternion is None:
        return None
    return Drag(quaternion, serial) if name == "drag" else View(quaternion, serial)


def _hint(panels: Sequence[Panel]) -> str:
    hint = "Drag or arrow keys: camera · Shift-drag: move · + −: zoom · 0: reset"
    if any(panel.input for panel in panels):
        hint += " · in the outlined panel, or with Shift + arrow keys: the input turns"
    return hint


def show(
    panels: Sequence[Panel],
    *,
    key: str,
    height: int = 560,
    cols: int | None = None,
    across: str = "",
    down: str = "",
    alt: str = "",
    fit: str | None = None,
    rate: float = 30.0,
    time_step: float = 1.0,
    time_unit: str = "",
    autoplay: bool = False,
    on_drag: Callable[[Drag], None] | None = None,
    on_view: Callable[[View], None] | None = None,
    on_pick: Callable[[Pick], None] | None = None,
) -> Events:
    """What the reader did in the viewer since the last run; draws up to 4 panels on one canvas.

    The camera is kept by `key` through every rerun and change of data; when `fit` changes (the
    name of the structure, say) the distance is set anew and the direction stays. `across` and
    `down` label the arrows between panels, `alt` says the picture in words. Tracks play at `rate`
    frames a second; a frame is `time_step` `time_unit`. The callbacks run before the page's script,
    so a page that keeps g in its session state needs no second run.
    """
    if not 1 <= len(panels) <= 4:
        raise ValueError(f"Expected 1 to 4 panels, got {len(panels)}; show fewer.")
    columns = cols or (2 if len(panels) == 4 else len(panels))
    memory = f"{key}:answered"

    def heard(name: Literal["drag", "view", "pick"], tell: Callable[[Any], None] | None) -> None:
        event = read_event(name, st.session_state[key].get(name), panels)
        if event is not None:
            st.session_state[memory] = event.serial
            if tell is not None:
                tell(event)

    data = {
        "panels": [build.panel_payload(panel) for panel in panels],
        "rows": -(-len(panels) // columns),
        "cols": columns,
        "across": across,
        "down": down,
        "height": height,
        "alt": alt or ". ".join(f"{panel.title} {panel.about}".strip() for panel in panels),
        "hint": _hint(panels),
        "key": key,
        "fit": {**build.extent(panels), "token": fit},
        "answered": st.session_state.get(memory, 0),
        "playback": {"rate": rate, "step": time_step, "unit": time_unit, "autoplay": autoplay},
        "library": {
            "url": f"app/static/{LIBRARY.name}?v={version('py3Dmol')}",
            "missing": not LIBRARY.is_file(),
            "sentence": fetch.why_flat(),
        },
    }
    result = _component()(
        key=key,
        data=data,
        on_drag_change=lambda: heard("drag", on_drag),
        on_view_change=lambda: heard("view", on_view),
        on_pick_change=lambda: heard("pick", on_pick),
    )
    found = [read_event(name, result.get(name), panels) for name in ("drag", "view", "pick")]
    return Events(
        drag=next((event for event in found if isinstance(event, Drag)), None),
        view=next((event for event in found if isinstance(event, View)), None),
        pick=next((event for event in found if isinstance(event, Pick)), None),
    )
