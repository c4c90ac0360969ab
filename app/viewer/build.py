"""Panels in, one JSON-ready payload out: py3Dmol builds each scene, the browser replays it.

py3Dmol writes its calls down as JavaScript text whose arguments are JSON. That text is read back
into [method, arguments] pairs here, so the browser never evaluates anything.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import py3Dmol

from app.viewer import surfaces
from app.viewer.checked import Array
from app.viewer.legend import legend_of, power
from app.viewer.scene import (
    BALL,
    GREY,
    MINUS,
    PLUS,
    Arrows,
    Atoms,
    Coloured,
    Edges,
    Field,
    Item,
    Lobes,
    Mesh,
    Panel,
    Particles,
    Path,
    Track,
)
from app.viewer.told import marks_of, table_of, xyz

_CALL = re.compile(r"\t+viewer_UNIQUEID(\.getModel\(\))?\.(\w+)\((.*)\);")
Calls = list[list[Any]]


def recorded(view: py3Dmol.view) -> Calls:
    """The calls that py3Dmol wrote down, as [method, arguments]; "model." marks the last model."""
    calls: Calls = []
    for line in view.updatejs.splitlines():
        match = _CALL.fullmatch(line)
        if match is None:
            raise RuntimeError("py3Dmol wrote a call in a form that the viewer does not know")
        model, method, arguments = match.groups()
        calls.append(["model." + method if model else method, json.loads(f"[{arguments}]")])
    return calls


def _charge_color(charge: float) -> str:
    return PLUS if charge > 0 else MINUS if charge < 0 else GREY


def _atoms(view: py3Dmol.view, item: Atoms) -> None:
    neighbours: list[list[int]] = [[] for _ in item.species]
    orders: list[list[int]] = [[] for _ in item.species]
    for i, j, *order in item.bonds or ():
        for a, b in ((i, j), (j, i)):
            neighbours[a].append(int(b))
            orders[a].append(int(order[0]) if order else 1)
    atoms = [
        {"elem": symbol, **xyz(point), "bonds": bonds, "bondOrder": order}
        for symbol, point, bonds, order in zip(
            item.species, np.asarray(item.positions), neighbours, orders, strict=True
        )
    ]
    opacity = {"opacity": 0.6} if item.ghost else {}
    view.addModel()
    view.getModel().addAtoms(atoms)
    style = {"stick": {"radius": 0.11, **opacity}, "sphere": {"scale": BALL, **opacity}}
    view.getModel().setStyle({}, style)


def _balls(
    view: py3Dmol.view, points: Array, colors: Sequence[str], radius: float, opacity: float
) -> None:
    atoms = [
        {"elem": "X", **xyz(point), "color": color}
        for point, color in zip(points, colors, strict=True)
    ]
    view.addModel()
    view.getModel().addAtoms(atoms)
    view.getModel().setStyle({}, {"sphere": {"radius": radius, "opacity": opacity}})


def _charge_colors(charges: Array | None, size: int) -> list[str]:
    return [GREY] * size if charges is None else [_charge_color(c) for c in charges]


def _particles(view: py3Dmol.view, item: Particles) -> None:
    points = np.asarray(item.positions)
    charges = None if item.charges is None else np.asarray(item.charges)
    colors = [item.color] * len(points) if item.color else _charge_colors(charges, len(points))
    _balls(view, points, colors, item.radius, 0.7 if item.ghost else 1.0)


def _bodies(item: Track) -> dict[str, Any]:
    """How the bodies of a track look: colors [n], radius, opacity."""
    count = np.asarray(item.frames).shape[1]
    charges = None if item.charges is None else np.asarray(item.charges)
    solid = item.style == "solid"
    colors = _charge_colors(charges, count) if solid else [item.color] * count
    # A ghost is a halo: it shows even where it meets what it is compared with.
    size = {"solid": 1.0, "ghost": 1.4, "ring": 0.6}[item.style]
    opacity = 0.7 if item.style == "ghost" else 1.0
    return {"colors": colors, "radius": item.radius * size, "opacity": opacity}


def _track(view: py3Dmol.view, item: Track) -> None:
    look = _bodies(item)
    _balls(view, np.asarray(item.frames)[0], look["colors"], look["radius"], look["opacity"])


def _arrows(view: py3Dmol.view, item: Arrows) -> None:
    origins, vectors = np.asarray(item.origins), np.asarray(item.vectors)
    look = {"color": item.color}
    for origin, drawn in zip(origins, vectors * item.scale * item.magnify, strict=True):
        length = float(np.linalg.norm(drawn))
        if length < 1e-3:
            continue
        head = min(0.6 * length, 4.5 * item.width)
        neck, tip = origin + drawn * (1 - head / length), origin + drawn
        if item.dashed:
            for start, end in _dashes(origin, neck, 3.0 * item.width):
                rod = {"start": xyz(start), "end": xyz(end), "radius": item.width * 0.75}
                view.addCylinder({**rod, "fromCap": 1, "toCap": 1, **look})
            origin = neck - drawn * (1e-3 / length)
        span = float(np.linalg.norm(tip - origin))
        shape = {"radius": item.width, "radiusRatio": 2.2, "mid": max(1e-3, 1 - head / span)}
        view.addArrow({"start": xyz(origin), "end": xyz(tip), **shape, **look})


def _dashes(start: Array, end: Array, dash: float) -> list[tuple[Array, Array]]:
    """Pieces of the segment, about `dash` long with gaps as long; at least one."""
    count = max(1, round(float(np.linalg.norm(end - start)) / (2 * dash)))
    edges = np.linspace(0.0, 1.0, 2 * count + 1)
    return [
        (start + a * (end - start), start + b * (end - start))
        for a, b in zip(edges[0::2], edges[1::2], strict=False)
    ]


def _edges(view: py3Dmol.view, item: Edges) -> None:
    points, weights = np.asarray(item.positions), np.asarray(item.weights)
    receivers, senders = [int(i) for i in item.receivers], [int(j) for j in item.senders]
    kept = {
        (i, j): float(w)
        for i, j, w in zip(receivers, senders, weights, strict=True)
        if i != j and w >= item.floor
    }
    for (i, j), weight in kept.items():
        end = (points[i] + points[j]) / 2 if (j, i) in kept else points[j]
        strength = min(1.0, weight)
        look = {"radius": 0.03 + 0.1 * strength, "opacity": round(0.3 + 0.6 * strength, 2)}
        rod = {"start": xyz(points[i]), "end": xyz(end), "fromCap": 2, "toCap": 2}
        view.addCylinder({**rod, **look, "color": item.color})


LOOK = ("color", "scale", "magnify", "width", "opacity", "longest")
_DRAW = {
    Atoms: _atoms,
    Particles: _particles,
    Arrows: _arrows,
    Edges: _edges,
    Track: _track,
    Coloured: surfaces.balls,
    Lobes: surfaces.lobes,
    Mesh: surfaces.mesh,
}


def _field(item: Field | Path) -> dict[str, Any]:
    if isinstance(item, Path):
        frames = np.asarray(item.frames)
        look = {name: getattr(item, name) for name in ("role", "color", "width", "opacity")}
        places = np.round(frames, 4).ravel().tolist()
        return {**look, "places": places, "bodies": frames.shape[1], "scale": 1, "magnify": 1}
    return {
        "role": item.role,
        "origins": np.round(np.asarray(item.origins), 5).tolist(),
        "vectors": np.asarray(item.vectors, np.float32).ravel().astype(float).tolist(),
        "radii": None if item.radii is None else np.asarray(item.radii).tolist(),
        "magnified": item.role == "residual",
        **{name: getattr(item, name) for name in LOOK},
    }


def _built(item: Item) -> bool:
    """Whether py3Dmol builds it; the others are made in the browser, where they change with the hand."""
    return not isinstance(item, Field | Path) and (not isinstance(item, Track) or item.trail)


def _calls(item: Item) -> Calls:
    if not _built(item):
        return []
    view = py3Dmol.view()
    view.updatejs = ""
    _DRAW[type(item)](view, item)  # type: ignore[operator]
    calls = recorded(view)
    if isinstance(item, Arrows) and item.settles:
        for call in calls:
            call.append("settles")
    return calls


def _points(item: Item) -> Array:
    """Everything that must fit into the view, [n 3]."""
    if isinstance(item, Track | Path):
        return np.asarray(item.frames).reshape(-1, 3)
    if isinstance(item, Arrows):
        return np.asarray(item.origins)
    if isinstance(item, Field):
        if item.role not in ("first", "left"):
            return np.asarray(item.origins)
        return np.asarray(item.origins) + 0.8 * item.scale * np.asarray(item.vectors)
    if isinstance(item, Lobes):
        ends = abs(np.asarray(item.values))[..., None] * np.asarray(item.directions)
        points = np.asarray(item.positions)[:, None] + ends
        return points.reshape(-1, 3).astype(np.float64)
    return np.asarray(item.positions)


def panel_payload(panel: Panel) -> dict[str, Any]:
    """One panel as the browser wants it; `digest` changes exactly when the picture does."""
    drawn = [call for item in panel.items for call in _calls(item)]
    tracks = [
        {
            "frames": np.round(np.asarray(item.frames), 4).tolist(),
            **{name: getattr(item, name) for name in ("color", "style", "every", "trail", "role")},
            **_bodies(item),
            "model": sum(
                isinstance(other, Atoms | Particles | Track | Coloured) and _built(other)
                for other in panel.items[:k]
            ),
        }
        for k, item in enumerate(panel.items)
        if isinstance(item, Track)
    ]
    structure = next(
        (i for i in panel.items if not isinstance(i, Arrows | Edges | Field | Path)), None
    )
    centre = np.zeros(3) if structure is None else _points(structure).mean(axis=0)
    marks = [] if structure is None else marks_of(structure)
    scene = {"calls": drawn, "tracks": tracks, "centre": list(xyz(centre).values())}
    scene["marks"] = marks
    scene["fields"] = fields = [
        _field(item) for item in panel.items if isinstance(item, Field | Path)
    ]
    residual = next((f["magnify"] for f in fields if f["role"] == "residual"), None)
    digest = hashlib.blake2b(json.dumps(scene).encode(), digest_size=12).hexdigest()
    words = {
        name: str(getattr(panel, name)) for name in ("title", "about", "caption", "note", "help")
    }
    flags = {name: bool(getattr(panel, name)) for name in ("input", "follows", "view_button")}
    rotation = None if panel.rotation is None else np.asarray(panel.rotation).tolist()
    legend = [entry for item in panel.items if (entry := legend_of(item))]
    told = {"table": table_of(panel.items, [mark["name"] for mark in marks]), "legend": legend}
    magnified = "" if residual is None else power(residual).replace("×", "× ")
    return {
        **scene,
        **words,
        **flags,
        **told,
        "rotation": rotation,
        "digest": digest,
        "magnified": magnified,
    }


def extent(panels: Sequence[Panel]) -> dict[str, Any]:
    """Centre of the first panel's points and the radius about it that holds every panel."""
    clouds = [_points(item) for panel in panels for item in panel.items]
    clouds = [cloud for cloud in clouds if len(cloud)]
    if not clouds:
        return {"centre": [0.0, 0.0, 0.0], "radius": 3.0}
    centre = clouds[0].mean(axis=0)
    radius = max(float(np.linalg.norm(cloud - centre, axis=1).max()) for cloud in clouds)
    reach = max(
        (float(np.linalg.norm(np.asarray(item.vectors), axis=1).max(initial=0)) * item.scale)
        * item.magnify
        for panel in panels
        for item in [*panel.items, Arrows(np.zeros((1, 3)), np.zeros((1, 3)))]
        if isinstance(item, Arrows)
    )
    return {"centre": list(xyz(centre).values()), "radius": round(radius + 0.45 * reach + 0.25, 4)}
