"""N-body scenes for the pages: starts, true paths of a start and its rotation, predictions, errors.

All host numpy in scene units; rotations come as unit quaternions (x, y, z, w). No Streamlit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.spatial.transform import Rotation

from demetar.core.errors import InputError
from demetar.core.graph import Graph, from_arrays
from demetar.core.registry import unknown
from demetar.data import samples
from demetar.data.readers.scenes import read_scene
from demetar.runs.run import Run
from demetar.simulation import laws
from demetar.simulation import scene as scenes
from demetar.simulation.protocols import HORIZON, INPUT_STEP, TARGET_STEP
from demetar.symmetry import equivariance
from demetar.symmetry.elements import from_matrix
from demetar.symmetry.scales import FLOOR

STEPS = TARGET_STEP - INPUT_STEP
EVERY = 10
CHARGES = ("drawn", "alternating", "alike")
GENERATED = "generated"
ANGLES = tuple(range(0, 181, 5))  # degrees
Quaternion = tuple[float, float, float, float]


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


def turned(begin: Start, g: Quaternion) -> Start:
    """The start rotated about the origin."""
    matrix = Rotation.from_quat(g).as_matrix()
    return Start(
        begin.positions @ matrix.T,
        begin.velocities @ matrix.T,
        begin.charges,
        begin.masses,
        begin.law,
    )


def path(begin: Start, law: str) -> np.ndarray:
    """The true path [101, n, 3] of a start over the horizon of 1,000 steps, under the force law."""
    found = scenes.trajectory(
        begin.positions, begin.velocities, begin.charges, STEPS, EVERY, law, begin.masses
    )
    return found.positions


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
    """The true paths [101, n, 3] of a start and of its rotation, and how far they are apart.

    `delta` compares the rotated end of the first with the end of the second: zero for a law that
    knows no direction, but for rounding.
    """

    straight: np.ndarray
    rotated: np.ndarray
    delta: float


def twin(begin: Start, g: Quaternion, law: str) -> Twin:
    """What the simulator makes of a start and of the rotated start."""
    straight, rotated = path(begin, law), path(turned(begin, g), law)
    matrix = Rotation.from_quat(g).as_matrix()
    return Twin(straight, rotated, relative(straight[-1] @ matrix.T, rotated[-1], rotated[0]))


@dataclass(frozen=True)
class Square:
    """Both ways around the commuting square for one run: places [n 3] and Δ_EQ."""

    prediction: np.ndarray  # f(x)
    predict_then_rotate: np.ndarray  # g·f(x)
    rotate_then_predict: np.ndarray  # f(g·x)
    delta: float


def to_graph(begin: Start) -> Graph:
    """The start as a run reads it."""
    return from_arrays(
        begin.positions, velocities=begin.velocities, charges=begin.charges, masses=begin.masses
    )


def _measured(run: Run, begin: Start, turns: Rotation, dtype: str) -> equivariance.Measurement:
    elements = from_matrix(turns.as_matrix())
    return equivariance.measure(run, to_graph(begin), elements=elements, dtype=dtype, layers=False)


def square(run: Run, begin: Start, g: Quaternion, dtype: str) -> Square:
    """What a run predicts for a start, along both ways around the square."""
    m = _measured(run, begin, Rotation.from_quat([g]), dtype)
    return Square(
        np.asarray(m.prediction["positions"], np.float64),
        np.asarray(m.predict_then_move["positions"][0], np.float64),
        np.asarray(m.move_then_predict["positions"][0], np.float64),
        float(m.delta["positions"][0]),
    )


def curve(run: Run, begin: Start, axis: tuple[float, float, float], dtype: str) -> list[float]:
    """Δ_EQ of a run at each of ANGLES about an axis (a unit vector)."""
    turns = Rotation.from_rotvec(np.radians(ANGLES)[:, None] * np.asarray(axis))
    return [float(d) for d in _measured(run, begin, turns, dtype).delta["positions"]]


def warm(
    run: Run, begin: Start, g: Quaternion, axis: tuple[float, float, float], dtype: str
) -> None:
    """Compiles what `square` and `curve` need for a start of this size."""
    square(run, begin, g, dtype)
    curve(run, begin, axis, dtype)


def mse(places: np.ndarray, true: np.ndarray) -> float:
    """Mean squared error per coordinate, (scene units)²."""
    return float(np.mean((places - true) ** 2))


def trivial(begin: Start, g: Quaternion, true: Twin) -> dict[str, tuple[float, float, float]]:
    """What costs nothing to predict, staying and going straight on: MSE of x and of g·x, and Δ_EQ."""
    moved, found = turned(begin, g), {}
    matrix = Rotation.from_quat(g).as_matrix()
    for name, time in (("static", 0.0), ("x + v·t", HORIZON)):
        straight, rotated = (s.positions + time * s.velocities for s in (begin, moved))
        found[name] = (
            mse(straight, true.straight[-1]),
            mse(rotated, true.rotated[-1]),
            relative(straight @ matrix.T, rotated, moved.positions),
        )
    return found
