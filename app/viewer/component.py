"""`show`: panels on the page, and what the reader did to them as plain values."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components.v2 import component

from app.viewer import build, fetch
from app.viewer.scene import Panel
from app.viewer.told import hint

HERE = Path(__file__).parent
LIBRARY = HERE.parents[1] / "static" / "3Dmol-min.js"
# Each file after those that it imports: they are joined to one module.
MODULES = (
    "shared", "math", "format", "theme", "turns", "frames", "arrows", "balls", "tubes", "stage", "camera",
    "panels", "table", "flat", "choose", "playback", "overlay", "picture", "side", "followers", "channel",
    "live", "figure", "pointer", "main",
)  # fmt: skip


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
class Angle:
    """The angle of g was set to so many degrees, 0 to 180; its axis stays."""

    degrees: float
    serial: int


@dataclass(frozen=True)
class Choice:
    """Something was chosen in the panel beside the pictures: the name of the list, the value."""

    name: str
    value: str
    serial: int


@dataclass(frozen=True)
class Pick:
    """Atom or particle `atom` of panel `panel` was clicked (both from 0)."""

    panel: int
    atom: int
    serial: int


@dataclass(frozen=True)
class Frame:
    """The playback rests at this frame, from 0."""

    frame: int
    serial: int


@dataclass(frozen=True)
class Events:
    """What happened since the last run; each is None in any run that it did not cause."""

    drag: Drag | None = None
    view: View | None = None
    pick: Pick | None = None
    angle: Angle | None = None
    choice: Choice | None = None
    frame: Frame | None = None


EVENTS = ("drag", "view", "pick", "angle", "choice", "frame")


@dataclass(frozen=True)
class Grid:
    """Which panels stand where, row by row: their numbers, "side" or None; `narrow` below so many pixels.

    `joins` says which panels an arrow joins: (from, to, label).
    """

    wide: Sequence[Sequence[int | str | None]]
    narrow: Sequence[Sequence[int | str | None]]
    joins: Sequence[tuple[int, int, str]] = ()
    narrower: int = 640


@dataclass(frozen=True)
class Playback:
    """How tracks play: `rate` frames a second, each `step` `unit` of time; the frame at which they rest."""

    rate: float = 30.0
    step: float = 1.0
    unit: str = ""
    autoplay: bool = False
    start: int | None = None


@dataclass(frozen=True)
class Live:
    """How the browser asks while the hand moves: path and token of the channel, the rotation now.

    `models`: for each run {"panel": its number, "label", "color", "unit", "differ": the words before by how
    much both ways differ}, in the order of the answers. `truth`: the panel of the true path, if any.
    """

    path: str
    token: str | None
    rotation: Sequence[float]
    models: Sequence[dict[str, Any]]
    truth: int | None = None


def bundle(modules: Sequence[str] = MODULES) -> str:
    """A component's modules as one: local imports dropped, only the last's default export kept."""
    parts = []
    for name in modules:
        text = (HERE / "js" / f"{name}.js").read_text(encoding="utf-8")
        text = re.sub(r"^import .*?;$", "", text, flags=re.M | re.S)
        if name != modules[-1]:
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


def _angle(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 180:
        return None
    return float(value)


def read_event(
    name: str, value: Any, panels: Sequence[Panel]
) -> Drag | View | Pick | Angle | Choice | Frame | None:
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
    if name == "frame":
        frame = _index(value.get("frame"), 10**6)
        return None if frame is None else Frame(frame, serial)
    if name == "angle":
        degrees = _angle(value.get("degrees"))
        return None if degrees is None else Angle(degrees, serial)
    if name == "choice":
        chosen = (value.get("name"), value.get("value"))
        known = all(isinstance(part, str) and len(part) < 80 for part in chosen)
        return Choice(str(chosen[0]), str(chosen[1]), serial) if known else None
    quaternion = _quaternion(value.get("quaternion"))
    if quaternion is None:
        return None
    return Drag(quaternion, serial) if name == "drag" else View(quaternion, serial)


def _grid(count: int, cols: int | None, across: str, down: str) -> Grid:
    """Panels in reading order, each joined with the next in its row and its column."""
    width = cols or (2 if count == 4 else count)
    rows = [
        [k if k < count else None for k in range(start, start + width)]
        for start in range(0, count, width)
    ]
    sideways = [(k, k + 1, across) for k in range(count - 1) if across and (k + 1) % width]
    downwards = [(k, k + width, down) for k in range(count - width) if down]
    return Grid(rows, rows, [*sideways, *downwards])


def _drawn(panels: Sequence[Panel], alt: str) -> dict[str, Any]:
    """What is drawn, by what, and how it is told in words."""
    return {
        "panels": [{**build.panel_payload(panel), "index": k} for k, panel in enumerate(panels)],
        "alt": alt or ". ".join(f"{panel.title} {panel.about}".strip() for panel in panels),
        "hint": hint(panels),
        "library": {
            "url": f"app/static/{LIBRARY.name}?v={version('py3Dmol')}",
            "missing": not LIBRARY.is_file(),
            "sentence": fetch.why_flat(),
        },
    }


def show(
    panels: Sequence[Panel],
    *,
    key: str,
    height: int | str = 560,
    cols: int | None = None,
    across: str = "",
    down: str = "",
    grid: Grid | None = None,
    side: dict[str, Any] | None = None,
    live: Live | None = None,
    alt: str = "",
    fit: str | None = None,
    fill: bool = True,
    playback: Playback | None = None,
    on: Mapping[str, Callable[[Any], None]] | None = None,
) -> Events:
    """What the reader did in the viewer since the last run; draws up to 6 panels on one canvas.

    The camera is kept by `key` through every rerun and change of data; when `fit` changes (the name of the
    structure, say) the distance is set anew and the direction stays; with `fill` a flat structure may reach
    below the words when it is turned on edge. `across` and `down` label the arrows between panels in `cols`
    columns; a `grid` says more. `side` is what js/side.js writes into the cell of that name, `live` how g is
    followed while it is dragged. `height`: pixels or a CSS length. `alt` says the picture in words. `on` has
    what hears the events, by name ("drag", "view", …): it runs before the page's script, so a page that keeps
    g in its session state needs no second run.
    """
    if not 1 <= len(panels) <= 6:
        raise ValueError(f"Expected 1 to 6 panels, got {len(panels)}; show fewer.")
    memory, hears = f"{key}:answered", on or {}
    if strange := set(hears) - set(EVENTS):
        raise ValueError(
            f"Expected events among {', '.join(EVENTS)}, got {min(strange)}; rename it."
        )

    def heard(name: str) -> None:
        event = read_event(name, st.session_state[key].get(name), panels)
        if event is not None:
            st.session_state[memory] = event.serial
            if name in hears:
                hears[name](event)

    data = {
        **_drawn(panels, alt),
        "grid": asdict(grid or _grid(len(panels), cols, across, down)),
        "side": side,
        "live": None if live is None else asdict(live),
        "height": f"{height}px" if isinstance(height, int) else height,
        "key": key,
        "fit": {**build.extent(panels), "token": fit, "fill": fill},
        "answered": st.session_state.get(memory, 0),
        "playback": {**asdict(playback or Playback()), "told": "frame" in hears},
    }
    callbacks = {f"on_{name}_change": partial(heard, name) for name in EVENTS}
    result = _component()(key=key, data=data, **callbacks)
    found = {name: read_event(name, result.get(name), panels) for name in EVENTS}
    return Events(**found)  # type: ignore[arg-type]
