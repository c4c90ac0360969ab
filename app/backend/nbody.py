"""N-body scenes for the pages: starts, true paths of a start x and of g·x, errors.

All host numpy in scene units. No Streamlit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from app.backend.molecules import Element, act, order_of
from app.backend.molecules import matrix as matrix_of
from demetar.core.errors import InputError
from demetar.core.graph import Graph, from_arrays
from demetar.core.registry import unknown
from demetar.data import samples
from demetar.data.readers.scenes import read_scene
from demetar.simulation import laws
from demetar.simulation import scene as scenes
from demetar.simulation.protocols import HORIZON, INPUT_STEP, TARGET_STEP
from demetar.simulation.simulate import limited_steps
from demetar.symmetry.scales import FLOOR

STEPS = TARGET_STEP - INPUT_STEP
PER_HORIZON = 25  # frames of a path
EVERY = STEPS // PER_HORIZON
CHARGES = ("drawn", "alternating", "alike")
GENERATED = "generated"


class Source(NamedTuple):
    """Where a start comes from: a shipped scene, `GENERATED` with its numbers, or a file's bytes."""

    name: str
    bodies: int = 5
    charges: str = "drawn"
    seed: int = 0
    data: bytes | None = None


@dataclass(frozen=True)
class Start:
    """Positions, velocities [n 3], charges, masses [n] at the moment from which a run predicts."""

    positions: np.ndarray
    velocities: np.ndarray
    charges: np.ndarray
    masses: np.ndarray
    law: str


def shipped() -> list[str]:
    """The names of the scenes that come with Demetar."""
    return samples.names("scenes")


def start(source: Source) -> Start:
    """The start that the source describes; InputError if it describes none.

    Shipped and generated scenes have run for 3,100 steps, as the inputs of the benchmark have; a
    file's first frame is taken as it is.
    """
    if source.data is not None:
        scene, frame, law = read_scene(source.data, source.name), 0, "clean"
    elif source.name == GENERATED:
        signs = np.resize([1.0, -1.0], source.bodies)
        given = {"drawn": None, "alternating": signs, "alike": np.abs(signs)}
        if source.charges not in given:
            raise unknown("charges", given, source.charges)
        scene, frame, law = (
            scenes.scene(
                source.bodies,
                given[source.charges],
                source.seed,
                steps=INPUT_STEP,
                every=INPUT_STEP,
            ),
            -1,
            "clean",
        )
    else:
        scene = samples.load(source.name)
        if not isinstance(scene, scenes.Scene):
            raise InputError(
                f"Expected an N-body scene, got {source.name}, a molecule; choose one."
            )
        step = round(float(scene.times[1]) / laws.TIME_STEP) if len(scene.times) > 1 else 1
        frame = min(INPUT_STEP // step, len(scene.times) - 1)
        law = str(samples.SCENES[source.name].get("variant", "clean"))
    return Start(scene.positions[frame], scene.velocities[frame], scene.charges, scene.masses, law)


def moved(begin: Start, element: Element) -> Start:
    """g·x of a start: turned about the origin, mirrored, shifted and renumbered as the element says.

    Velocities turn and are mirrored with the places; a shift leaves them alone.
    """
    order, matrix = order_of(element, len(begin.positions)), matrix_of(element)
    return Start(
        act(element, begin.positions),
        begin.velocities[order] @ matrix.T,
        begin.charges[order],
        begin.masses[order],
        begin.law,
    )


def path(begin: Start, law: str, horizons: int = 1) -> np.ndarray:
    """The true path [frames n 3] of a start under the force law, PER_HORIZON frames a horizon after it.

    A horizon are the 1,000 steps over which a run predicts.
    """
    found = scenes.trajectory(
        begin.positions, begin.velocities, begin.charges, horizons * STEPS, EVERY, law, begin.masses
    )
    return found.positions


def limited(begin: Start, law: str) -> int:
    """In how many of the horizon's steps the law's limit on forces acts."""
    x, v, charges = (a[None] for a in (begin.positions, begin.velocities, begin.charges))
    return int(limited_steps(x, v, charges, STEPS, law)[0])


def relative(left: np.ndarray, right: np.ndarray, begun: np.ndarray) -> float:
    """Δ_EQ of places [n 3] that began at g·x: ‖left − right‖ over the displacement ‖left − begun‖.

    As `demetar.measure` has it: a displacement counts at least as 1 % of the extent (∞ without any).
    """
    extent = float(np.linalg.norm(left - left.mean(axis=0)))
    size = max(float(np.linalg.norm(left - begun)), FLOOR * extent)
    error = float(np.linalg.norm(left - right))
    return error / size if size else (0.0 if error == 0 else float("inf"))


@dataclass(frozen=True)
class Twin:
    """The true paths [frames n 3] of x and of g·x, and how far they are apart at the end.

    `delta` compares g·(the end of the first) with the end of the second: zero, but for rounding, under a
    law that knows no direction.
    """

    straight: np.ndarray
    moved: np.ndarray
    delta: float


def twin(begin: Start, element: Element, law: str, horizons: int = 1) -> Twin:
    """What the simulator makes of a start and of the moved start; `delta` after one horizon."""
    return beside(path(begin, law, horizons), begin, element, law, horizons)


def beside(
    straight: np.ndarray, begin: Start, element: Element, law: str, horizons: int = 1
) -> Twin:
    """The twin of a true path of x that is known already."""
    other = path(moved(begin, element), law, horizons)
    end = act(element, straight[PER_HORIZON])
    return Twin(straight, other, relative(end, other[PER_HORIZON], other[0]))


def to_graph(begin: Start) -> Graph:
    """The start as a run reads it."""
    return from_arrays(
        begin.positions, velocities=begin.velocities, charges=begin.charges, masses=begin.masses
    )


def mse(places: np.ndarray, true: np.ndarray) -> float:
    """Mean squared error per coordinate, (scene units)²."""
    return float(np.mean((places - true) ** 2))


def trivial(begin: Start, element: Element, true: Twin) -> dict[str, tuple[float, float, float]]:
    """What costs nothing to predict, staying and going straight on: MSE of x and of g·x, and Δ_EQ."""
    other, found = moved(begin, element), {}
    for name, time in (("static", 0.0), ("x + v·t", HORIZON)):
        straight, after = (s.positions + time * s.velocities for s in (begin, other))
        found[name] = (
            mse(straight, true.straight[PER_HORIZON]),
            mse(after, true.moved[PER_HORIZON]),
            relative(act(element, straight), after, other.positions),
        )
    return found
