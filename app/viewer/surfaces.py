"""What has an extent of its own, described and drawn: coloured balls, spherical functions, surfaces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from app.viewer.checked import BLUE, VERMILLION, Array, checked_color, finite
from demetar.core.errors import InputError

if TYPE_CHECKING:
    import py3Dmol

_WHITE = np.array([238.0, 240.0, 243.0])
LARGEST_MESH = 60_000  # vertices: the browser counts them with 16 bits


@dataclass
class Coloured:
    """Values [n] from −1 to 1 as coloured balls about points [n 3]: blue +, white 0, vermillion −."""

    positions: ArrayLike
    values: ArrayLike
    label: str = ""
    radius: float = 0.5
    color: str = BLUE
    ghost: bool = True

    def __post_init__(self) -> None:
        self.positions = finite("positions", self.positions, (None, 3))
        self.values = finite("values", self.values, (len(self.positions),))


@dataclass
class Lobes:
    """Functions on the sphere as surfaces: |value| Å from points [n 3] in each direction.

    values [n k] at directions [k 3] (unit vectors), joined by triangles faces [f 3]; blue where the
    function is positive, vermillion where it is negative.
    """

    positions: ArrayLike
    values: ArrayLike
    directions: ArrayLike
    faces: ArrayLike
    label: str = ""
    color: str = BLUE
    ghost: bool = True

    def __post_init__(self) -> None:
        self.positions = finite("positions", self.positions, (None, 3))
        self.directions = finite("directions", self.directions, (None, 3))
        size = (len(self.positions), len(self.directions))
        self.values = finite("values", self.values, size)
        self.faces = finite("faces", self.faces, (None, 3)).astype(int)


@dataclass
class Mesh:
    """A surface of one colour: triangles faces [f 3], each three of the corners positions [v 3].

    normals [v 3] are unit vectors by which it is lit. InputError where a triangle has a corner that is
    not there.
    """

    positions: ArrayLike
    faces: ArrayLike
    normals: ArrayLike
    color: str = BLUE
    label: str = ""
    opacity: float = 0.55
    ghost: bool = True

    def __post_init__(self) -> None:
        self.positions = finite("positions", self.positions, (None, 3))
        self.faces = finite("faces", self.faces, (None, 3)).astype(int)
        size = len(self.positions)
        if self.faces.size and not 0 <= self.faces.min() <= self.faces.max() < size:
            raise InputError(
                f"Expected triangles between the {size} corners that are there, got corner "
                f"{self.faces.max()}; correct it."
            )
        self.normals = finite("normals", self.normals, (size, 3))
        finite("opacity", self.opacity, ())
        checked_color(self.color)


def _mixed(value: float) -> str:
    """The colour of a value from −1 to 1."""
    end = BLUE if value > 0 else VERMILLION
    rgb = np.array([int(end[i : i + 2], 16) for i in (1, 3, 5)])
    share = min(1.0, abs(value))
    return "#" + "".join(f"{round(c):02X}" for c in _WHITE + share * (rgb - _WHITE))


def balls(view: py3Dmol.view, item: Coloured) -> None:
    """Draws a ball of the value's colour about each point."""
    points, values = np.asarray(item.positions), np.asarray(item.values)
    atoms = [
        {"elem": "X", "x": x, "y": y, "z": z, "color": _mixed(float(value))}
        for (x, y, z), value in zip(points.round(5).tolist(), values, strict=True)
    ]
    view.addModel()
    view.getModel().addAtoms(atoms)
    view.getModel().setStyle({}, {"sphere": {"radius": item.radius, "opacity": 0.8}})


def lobes(view: py3Dmol.view, item: Lobes) -> None:
    """Draws the positive and the negative part of each function, many points to a mesh."""
    values = np.asarray(item.values)
    for sign, color in ((1.0, BLUE), (-1.0, VERMILLION)):
        vertices: list[Array] = []
        faces: list[Any] = []
        for point, row in zip(
            np.asarray(item.positions), np.maximum(sign * values, 0), strict=True
        ):
            mesh = _part(item, point, row)
            if mesh is None:
                continue
            if sum(map(len, vertices)) + len(mesh[0]) > LARGEST_MESH:
                _add(view, vertices, faces, color)
                vertices, faces = [], []
            faces.append(mesh[1] + sum(map(len, vertices)))
            vertices.append(mesh[0])
        if vertices:
            _add(view, vertices, faces, color)


def _part(item: Lobes, point: Array, radii: Array) -> tuple[Array, Any] | None:
    """Vertices and faces of one function of one sign; None where it vanishes."""
    faces = np.asarray(item.faces)
    kept = faces[(radii[faces] > 1e-3).any(axis=1)]
    if not len(kept):
        return None
    used, index = np.unique(kept, return_inverse=True)
    directions = np.asarray(item.directions)
    return point + radii[used, None] * directions[used], np.reshape(index, kept.shape)


def mesh(view: py3Dmol.view, item: Mesh) -> None:
    """Draws the surface, in pieces where it has more corners than the browser counts."""
    corners, normals = np.asarray(item.positions), np.asarray(item.normals)
    faces = np.asarray(item.faces)
    for part in np.array_split(faces, max(1, -(-3 * len(faces) // LARGEST_MESH))):
        if len(part):
            used, index = np.unique(part, return_inverse=True)
            _add(view, [corners[used]], [index.ravel()], item.color, item.opacity, normals[used])


def _add(
    view: py3Dmol.view,
    vertices: Sequence[Array],
    faces: Sequence[Any],
    color: str,
    opacity: float = 0.85,
    normals: Array | None = None,
) -> None:
    """One mesh; without normals the browser takes the mean of each corner's triangles."""
    view.addCustom(
        {
            "vertexArr": _named(np.concatenate(vertices)),
            "faceArr": np.concatenate(faces).reshape(-1).tolist(),
            "normalArr": [] if normals is None else _named(normals),
            "color": color,
            "opacity": opacity,
        }
    )


def _named(points: Array) -> list[dict[str, float]]:
    return [{"x": x, "y": y, "z": z} for x, y, z in points.round(4).tolist()]
