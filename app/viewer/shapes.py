"""Descriptions of what has an extent of its own: coloured balls, spherical functions, surfaces."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import ArrayLike

from app.viewer.checked import BLUE, checked_color, finite
from demetar.core.errors import InputError


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
