"""The commuting square of charged bodies: where a run says they end, both ways, with verdict and curve.

All host numpy in scene units. No Streamlit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.backend import nbody
from app.backend.measuring import metrics
from app.backend.measuring.square import (
    Curve,
    Judgement,
    attention_of,
    judge,
    layer_rows,
    with_padding,
)
from app.backend.molecules import ANGLES, Element, Vector, isometries, order_of
from app.backend.rotations import quaternion
from demetar.runs.run import Run
from demetar.symmetry import equivariance
from demetar.symmetry.equivariance import Measurement

OUTPUT = "positions"  # the one that is drawn; runs on states give velocities too


@dataclass(frozen=True)
class Ends:
    """Both ways around the square for one run and g: places [n 3] after the horizon, Δ_EQ.

    `first` is f(x), `left` is g·f(x), `right` is f(g·x); `begun` are the places of g·x; `apart` is the mean
    distance between the two ends of a body.
    """

    first: np.ndarray
    left: np.ndarray
    right: np.ndarray
    begun: np.ndarray
    delta: dict[str, float]
    apart: float

    @property
    def ways(self) -> tuple[np.ndarray, np.ndarray]:
        """The displacements [n 3] of g·x that both ways predict: what Δ_EQ compares."""
        return self.left - self.begun, self.right - self.begun


@dataclass(frozen=True)
class Square(Ends):
    """The ends, what the model claims, (name, kind, Δ) of every layer, and attention.

    `attention`: (layer, weights [receiver sender heads]) at x.
    """

    claims: str
    layers: list[tuple[str, str, float]]
    attention: list[tuple[str, np.ndarray]]


def measured(run: Run, begin: nbody.Start, element: Element, dtype: str) -> Measurement:
    """The run at one g, with its layers; InputError if it can't read the scene."""
    graph = nbody.to_graph(begin)
    g = with_padding(isometries(element, (0.0, 0.0, 1.0), len(begin.positions))[:1], graph)
    return equivariance.measure(run, graph, dtype=dtype, elements=g, rebuild=False)


def ends(begin: nbody.Start, element: Element, m: Measurement) -> Ends:
    """Both ways around the square of a measurement's first element."""
    left, right = (
        np.asarray(side[OUTPUT][0], np.float64)
        for side in (m.predict_then_move, m.move_then_predict)
    )
    return Ends(
        first=np.asarray(m.prediction[OUTPUT], np.float64),
        left=left,
        right=right,
        begun=nbody.moved(begin, element).positions,
        delta={OUTPUT: float(m.delta[OUTPUT][0])},
        apart=float(np.linalg.norm(left - right, axis=1).mean()),
    )


def square(run: Run, begin: nbody.Start, element: Element, dtype: str) -> Square:
    """Everything that the page shows of one run at one g."""
    m = measured(run, begin, element, dtype)
    found = ends(begin, element, m)
    return Square(
        **vars(found),
        claims=run.symmetry,
        layers=layer_rows(m),
        attention=attention_of(m.trace, len(begin.positions)),
    )


def judged(
    run: Run, begin: nbody.Start, element: Element, first: Measurement | str = "float32"
) -> Judgement:
    """Whether rounding explains Δ at this g: measured again in a second precision."""
    if isinstance(first, str):
        first = measured(run, begin, element, first)
    return judge(run, nbody.to_graph(begin), {OUTPUT: OUTPUT}, first)


@dataclass(frozen=True)
class Simulated:
    """Δ_EQ of a force law's own ends, by law: at g, at each of ANGLES about an axis; where the limit acts.

    `limited`: of the 1,000 steps from x, in how many the law held a component of a force.
    """

    at: dict[str, float]
    along: dict[str, list[float]]
    limited: dict[str, int]

    def worst(self, law: str) -> float:
        """The largest Δ_EQ that was seen of a law."""
        return max(self.at[law], *self.along[law])


LAWS = ("published", "clean")


def simulated(begin: nbody.Start, element: Element, axis: Vector) -> Simulated:
    """What the force laws themselves do to the square."""
    turns = [element._replace(rotation=quaternion(axis, angle)) for angle in ANGLES]
    deltas = {law: [nbody.twin(begin, g, law).delta for g in (element, *turns)] for law in LAWS}
    return Simulated(
        {law: found[0] for law, found in deltas.items()},
        {law: found[1:] for law, found in deltas.items()},
        {law: nbody.limited(begin, law) for law in LAWS},
    )


def curve(run: Run, begin: nbody.Start, element: Element, axis: Vector, dtype: str) -> Curve:
    """Δ at each of ANGLES about the axis, and at g itself."""
    graph, n = nbody.to_graph(begin), len(begin.positions)
    elements = isometries(element, axis, n)
    m = equivariance.measure(
        run, graph, dtype=dtype, elements=with_padding(elements, graph), rebuild=False
    )  # with layers, as in the square: what is compiled for that serves here
    places = begin.positions[order_of(element, n)]
    begun = np.einsum("gij,nj->gni", elements.matrix, places) + elements.shift[:, None]
    left, right = (
        np.asarray(s[OUTPUT]) - begun for s in (m.predict_then_move, m.move_then_predict)
    )
    others = [metrics.of(*pair) for pair in zip(left[1:], right[1:], strict=True)]
    deltas = m.delta[OUTPUT].astype(float).tolist()
    found = {"l2": deltas[1:], **{k: [row[k] for row in others] for k in ("largest", "mae")}}
    return Curve({k: {OUTPUT: v} for k, v in found.items()}, {OUTPUT: deltas[0]})
