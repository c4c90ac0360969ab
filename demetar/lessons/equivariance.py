"""Equivariance and invariance: for which f and g is f(g·x) = g·f(x)? A coloured shape in the plane.

f is equivariant if ρ_out(g) f(x) = f(ρ_in(g) x) for every g; invariant is the case ρ_out(g) = 1.
Source: T. Cohen, M. Welling, ICML 2016 (arXiv:1602.07576), section 2; F. Fuchs et al., NeurIPS 2020
(arXiv:2006.10503), equation 4.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.spatial.transform import Rotation

from demetar.lessons._apart import apart

STEP = np.array([1.5, 0.4])  # the shift of f = "shift"
PLACES = np.array([[0.4, 0.2], [1.6, 0.2], [1.6, 0.7], [0.9, 0.7], [0.9, 1.9], [0.4, 1.9]])
COLOURS = np.linspace(0.0, 1.0, len(PLACES))


class Shape(NamedTuple):
    """Corners [n, 2] of a shape, each with a colour [n] from 0 to 1."""

    places: np.ndarray
    colours: np.ndarray


class Motion(NamedTuple):
    """x → R x + t in the plane, by its matrix [2, 2] and its shift [2]."""

    matrix: np.ndarray
    shift: np.ndarray


X = Shape(PLACES, COLOURS)


def motion(group: str, amount: float) -> Motion:
    """An element of "turns" (amount in degrees), "shifts" (degrees / 60 along a line) or "mirrors"."""
    if group == "turns":
        matrix = Rotation.from_euler("z", amount, degrees=True).as_matrix()[:2, :2]
        return Motion(matrix, np.zeros(2))
    if group == "shifts":
        return Motion(np.eye(2), amount / 60 * np.array([-0.8, 0.6]))
    double = np.radians(2 * amount)  # a mirror whose line stands at that angle
    c, s = np.cos(double), np.sin(double)
    return Motion(np.array([[c, s], [s, -c]]), np.zeros(2))


def act(g: Motion, shape: Shape) -> Shape:
    """The shape after g; colours stay with their corners."""
    return Shape(shape.places @ g.matrix.T + g.shift, shape.colours)


def recolour(shape: Shape) -> Shape:
    """Each colour replaced by its opposite; places stay."""
    return Shape(shape.places, 1 - shape.colours)


def recolour_by_height(shape: Shape) -> Shape:
    """Coloured by y between −3 and 3, and so by the frame of whoever looks."""
    return Shape(shape.places, np.clip((shape.places[:, 1] + 3) / 6, 0, 1))


def shift(shape: Shape) -> Shape:
    """Shifted by the same STEP always."""
    return Shape(shape.places + STEP, shape.colours)


def shift_along(shape: Shape) -> Shape:
    """Shifted along the shape's own first side, which turns with it."""
    side = shape.places[1] - shape.places[0]
    return Shape(shape.places + side * np.linalg.norm(STEP) / np.linalg.norm(side), shape.colours)


def norms(shape: Shape) -> np.ndarray:
    """The distance of each corner from the origin [n]: one number, whatever the frame's turn."""
    return np.linalg.norm(shape.places, axis=1)


def largest(shape: Shape) -> np.ndarray:
    """The largest component of each corner [n]: also a norm, but not one that turns leave alone."""
    return np.abs(shape.places).max(axis=1)


Answer = Shape | np.ndarray
FUNCTIONS: dict[str, Callable[[Shape], Answer]] = {
    "recolour": recolour,
    "recolour by height": recolour_by_height,
    "shift": shift,
    "shift along own side": shift_along,
    "norm": norms,
    "largest component": largest,
}
GROUPS = ("turns", "shifts", "mirrors")


def act_on_answer(g: Motion, answer: Answer) -> Answer:
    """ρ_out(g): shapes move, numbers stay."""
    return act(g, answer) if isinstance(answer, Shape) else answer


def _row(answer: Answer) -> np.ndarray:
    if isinstance(answer, Shape):
        return np.concatenate([answer.places.ravel(), answer.colours])
    return answer


def square(function: str, group: str, amount: float) -> dict[str, Any]:
    """The four corners: "x", "g·x", "f(g·x)", "g·f(x)" (shapes, or numbers [n]), and Δ, "apart"."""
    f, g = FUNCTIONS[function], motion(group, amount)
    gx, fx = act(g, X), f(X)
    one, other = f(gx), act_on_answer(g, fx)
    return {
        "x": X,
        "g·x": gx,
        "f(x)": fx,
        "f(g·x)": one,
        "g·f(x)": other,
        "apart": apart(_row(one), _row(other)),
    }


def table(amount: float = 50.0) -> dict[str, dict[str, float]]:
    """Δ of every function under every group: {function: {group: Δ}}."""
    return {
        name: {group: square(name, group, amount)["apart"] for group in GROUPS}
        for name in FUNCTIONS
    }


def numbers() -> dict[str, tuple[float, float]]:
    """Each rule's largest error where it is kept, and its smallest where it is broken."""
    found = table()
    return {
        "recolouring commutes": (
            max(found["recolour"].values()),
            min(found["recolour by height"].values()),
        ),
        "a shift commutes with shifts": (found["shift"]["shifts"], found["shift"]["turns"]),
        "a shift along the shape's own side commutes": (
            max(found["shift along own side"].values()),
            found["shift"]["turns"],
        ),
        "the norm is invariant under turns": (found["norm"]["turns"], found["norm"]["shifts"]),
        "which norm": (found["norm"]["turns"], found["largest component"]["turns"]),
    }
