"""What a 3D panel can show: plain descriptions, checked when made, free of any drawing library.

Lengths are in Å (or the scene's own unit); quaternions are (x, y, z, w) and turn column vectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from ase.data import atomic_numbers, covalent_radii
from numpy.typing import ArrayLike

from app.viewer import checked
from app.viewer.checked import Array, checked_color, finite
from app.viewer.surfaces import Coloured, Lobes, Mesh
from demetar.core.errors import InputError

BLUE, VERMILLION, GREEN = checked.BLUE, checked.VERMILLION, checked.GREEN
ORANGE, SKY, PURPLE = checked.ORANGE, checked.SKY, checked.PURPLE
GREY, MAX_ATOMS, BALL = checked.GREY, checked.MAX_ATOMS, checked.BALL
MODEL_A, MODEL_B = checked.MODEL_A, checked.MODEL_B
PLUS, MINUS = checked.PLUS, checked.MINUS
SLEEVE, RESIDUAL = checked.SLEEVE, checked.RESIDUAL
arrow_scale, fitting_scale = checked.arrow_scale, checked.fitting_scale
magnifier = checked.magnifier


def find_bonds(species: Sequence[str], positions: Array, slack: float = 1.2) -> list[list[int]]:
    """Pairs [i, j, 1] closer than `slack` times the sum of ASE's covalent radii (single bonds)."""
    radii = covalent_radii[[atomic_numbers[symbol] for symbol in species]]
    pairs: list[list[int]] = []
    for i in range(len(species) - 1):
        distance = np.linalg.norm(positions[i + 1 :] - positions[i], axis=1)
        near = np.flatnonzero(distance < slack * (radii[i + 1 :] + radii[i]))
        pairs.extend([i, int(j) + i + 1, 1] for j in near)
    return pairs


@dataclass
class Atoms:
    """A molecule in balls and sticks: species [n], positions [n 3] Å, bonds (i, j[, order]).

    `bonds=None` finds single bonds by covalent radii. `ghost` draws it translucent. InputError on
    an unknown element, non-finite positions or a bond to a missing atom.
    """

    species: Sequence[str]
    positions: ArrayLike
    bonds: Sequence[Sequence[int]] | None = None
    ghost: bool = False
    label: str = ""

    def __post_init__(self) -> None:
        self.positions = finite("positions", self.positions, (len(self.species), 3))
        for symbol in self.species:
            if symbol not in atomic_numbers or symbol == "X":
                raise InputError(f"Expected chemical symbols, got {symbol!r}; correct it.")
        if self.bonds is None:
            self.bonds = find_bonds(self.species, self.positions)
        size = len(self.species)
        for bond in self.bonds:
            if not all(0 <= index < size for index in bond[:2]):
                raise InputError(
                    f"Expected bonds between the {size} atoms that are there, got one with atom "
                    f"{max(bond[:2])}; correct it."
                )


@dataclass
class Particles:
    """Charged bodies as spheres: green with +, ochre with −, grey without charge.

    positions [n 3]; charges [n] or None; radius in the unit of the positions; `color` overrides
    the colour by charge. `ghost` draws them translucent (a prediction over the truth).
    """

    positions: ArrayLike
    charges: ArrayLike | None = None
    radius: float = 0.18
    color: str | None = None
    ghost: bool = False
    label: str = ""

    def __post_init__(self) -> None:
        self.positions = finite("positions", self.positions, (None, 3))
        if self.charges is not None:
            self.charges = finite("charges", self.charges, (len(self.positions),))
        if self.color is not None:
            checked_color(self.color)


@dataclass
class Arrows:
    """Vectors [n 3] drawn from origins [n 3], `scale` Å of arrow per unit of the vector.

    `magnify` multiplies once more and is printed in the legend (a residual × 10⁶). `dashed` tells
    it from a solid set without colour. `settles` hides the set while the input is being dragged:
    a prediction for the new input is unknown until Python has answered.
    """

    origins: ArrayLike
    vectors: ArrayLike
    color: str = BLUE
    label: str = ""
    unit: str = ""
    scale: float = 1.0
    magnify: float = 1.0
    width: float = 0.07
    dashed: bool = False
    settles: bool = False

    def __post_init__(self) -> None:
        self.origins = finite("origins", self.origins, (None, 3))
        self.vectors = finite("vectors", self.vectors, (len(self.origins), 3))
        finite("scale, magnify and width", [self.scale, self.magnify, self.width], (3,))
        checked_color(self.color)


@dataclass
class Edges:
    """Weighted pairs as rods: receivers[e] looks at senders[e] with weights[e] in 0..1.

    positions [n 3] Å. Weights under `floor` are left out. Where both directions are present each
    half of the rod belongs to the atom at its end.
    """

    positions: ArrayLike
    receivers: Sequence[int]
    senders: Sequence[int]
    weights: ArrayLike
    color: str = PURPLE
    label: str = "attention"
    floor: float = 0.05

    def __post_init__(self) -> None:
        self.positions = finite("positions", self.positions, (None, 3))
        self.weights = finite("weights", self.weights, (len(self.receivers),))
        if len(self.senders) != len(self.receivers):
            raise InputError(
                f"Expected as many senders as receivers, got {len(self.senders)} and "
                f"{len(self.receivers)}; correct them."
            )
        size = len(self.positions)
        if any(not 0 <= int(index) < size for index in [*self.receivers, *self.senders]):
            raise InputError(
                f"Expected edges between the {size} points that are there, got one to another; "
                "correct it."
            )
        checked_color(self.color)


@dataclass
class Track:
    """A path to play in the browser: frames [T n 3], with a trail in `color`.

    `style` is "solid" (full spheres, solid trail), "ghost" (translucent, dashed trail) or "ring"
    (small spheres, dotted trail), so that three tracks differ without colour. A frame is shown for `every`
    frames of the player; without a `trail` nothing is drawn of the path (`Path` does it). `role`: all but
    "left" are hidden while the input is dragged and they are not known.
    """

    frames: ArrayLike
    label: str
    color: str = BLUE
    style: Literal["solid", "ghost", "ring"] = "solid"
    charges: ArrayLike | None = None
    radius: float = 0.16
    every: int = 1
    trail: bool = True
    role: Literal["left", "right", "truth"] = "left"

    def __post_init__(self) -> None:
        self.frames = finite("frames", self.frames, (None, None, 3))
        if self.frames.shape[0] < 1:
            raise InputError("Expected one or more frames to play, got none; give one.")
        if self.charges is not None:
            self.charges = finite("charges", self.charges, (self.frames.shape[1],))
        checked_color(self.color)


@dataclass
class Field:
    """Vectors [n 3] on atoms at origins [n 3], which may change while the hand moves.

    `role` tells what they are: "first" f(x), "left" g·f(x), "right" f(g·x) (hidden while it is not known),
    "residual" (shown on demand, `magnify` times longer). Arrows start at the atoms' surfaces, `radii` [n] Å
    from their centres; `scale` Å a unit, but no arrow longer than `longest` Å; `opacity` and `width` make a
    sleeve of them.
    """

    origins: ArrayLike
    vectors: ArrayLike
    role: Literal["first", "left", "right", "residual"]
    color: str = BLUE
    label: str = ""
    unit: str = ""
    scale: float = 1.0
    magnify: float = 1.0
    width: float = 0.06
    opacity: float = 1.0
    radii: ArrayLike | None = None
    longest: float = 8.0

    def __post_init__(self) -> None:
        self.origins = finite("origins", self.origins, (None, 3))
        self.vectors = finite("vectors", self.vectors, (len(self.origins), 3))
        sizes = [self.scale, self.magnify, self.width, self.opacity]
        finite("scale, magnify, width and opacity", sizes, (4,))
        if self.radii is not None:
            self.radii = finite("radii", self.radii, (len(self.origins),))
        checked_color(self.color)


@dataclass
class Path:
    """The paths of bodies as tubes, frames [T n 3]; "right" and "truth" are hidden while not known."""

    frames: ArrayLike
    role: Literal["first", "left", "right", "truth"]
    color: str = BLUE
    label: str = ""
    width: float = 0.03
    opacity: float = 1.0

    def __post_init__(self) -> None:
        self.frames = finite("frames", self.frames, (None, None, 3))
        finite("width and opacity", [self.width, self.opacity], (2,))
        checked_color(self.color)


Item = Atoms | Particles | Arrows | Edges | Track | Coloured | Lobes | Mesh | Field | Path


@dataclass
class Panel:
    """One titled view. `title` is set in bold, `about` after it; both are shown as plain text.

    `input`: dragging here turns the input, not the camera, and reports the rotation; `rotation`
    is the g that the panel shows now (x, y, z, w), so that its label can follow the drag.
    `follows`: turns along with the input while it is dragged. `view_button`: offers "use this
    view as g". `caption` and `note` stand at the foot, left and right; `help` explains the title.
    """

    title: str
    items: Sequence[Item] = field(default_factory=list)
    about: str = ""
    caption: str = ""
    note: str = ""
    input: bool = False
    follows: bool = False
    view_button: bool = False
    rotation: ArrayLike | None = None
    help: str = ""

    def __post_init__(self) -> None:
        if self.rotation is not None:
            self.rotation = finite("rotation", self.rotation, (4,))
