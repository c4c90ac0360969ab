"""The commuting square of a run at a group element: both ways, verdict, layers, the curve along an axis.

All host numpy; lengths in Å. No Streamlit.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import ase
import numpy as np

from app.backend import molecules
from app.backend.measuring import metrics
from app.backend.measuring.recent import Recent
from app.backend.molecules import Element, Vector, isometries
from demetar.core.graph import ARRAYS, Graph, from_atoms
from demetar.core.output import Layer
from demetar.core.padding import pad
from demetar.runs.run import Run
from demetar.symmetry import equivariance
from demetar.symmetry.elements import Elements
from demetar.symmetry.equivariance import Measurement
from demetar.symmetry.instruments import verdict
from demetar.symmetry.instruments.ready import Ready

_recent = Recent()
_ready = Recent(kept=256_000_000)


@dataclass(frozen=True)
class Sides:
    """Both ways around the square for one run and g; each by "value" [1] and "gradient" [n 3].

    `first` is f(x), `left` is g·f(x), `right` is f(g·x); `delta` is Δ_EQ of each, `absolute` its numerator.
    """

    first: dict[str, np.ndarray]
    left: dict[str, np.ndarray]
    right: dict[str, np.ndarray]
    delta: dict[str, float]
    absolute: dict[str, float]


@dataclass(frozen=True)
class Square(Sides):
    """The sides, and what every layer says.

    `layers` are (name, irrep or "attention" or "message weight", Δ); `attention` is (layer, weights
    [receiver, sender, heads]) and `features` (layer, irrep, values [n 2l+1 channels]) at x.
    """

    unit: str
    target: str
    claims: str
    layers: list[tuple[str, str, float]]
    attention: list[tuple[str, np.ndarray]]
    features: list[tuple[str, str, np.ndarray]]


@dataclass(frozen=True)
class Judgement:
    """Rounding or structure, by a second precision: a word by output and the library's sentence.

    A word is "rounding", "structure", "mixed", "still" where g moves nothing, or "zero" where there is
    nothing to compare: the slope of a model that reads no positions. `coarse` and `fine` are Δ
    in both precisions, `second` the name of the other one; `broken` the first layer that is not rounding.
    """

    word: dict[str, str]
    coarse: dict[str, float]
    fine: dict[str, float]
    second: str
    broken: str | None
    sentence: str


@dataclass(frozen=True)
class Curve:
    """Δ of the outputs at each of ANGLES about an axis, by metric, and `rebuilt` Δ_EQ at g itself.

    `by_metric`: {"l2": {"value", "gradient"}, "largest": {"gradient"}, "mae": {"gradient"}}.
    """

    by_metric: dict[str, dict[str, list[float]]]
    rebuilt: dict[str, float]


def outputs(run: Run, m: Measurement) -> tuple[dict[str, str], dict[str, int]]:
    """The library's names of "value" and "gradient", and their signs."""
    target = str(run.config["target"])
    names = {"value": target, "gradient": f"{target}_gradient"}
    if "forces" in m.prediction:  # a run on labelled forces gives them in place of ∂f/∂x
        return {**names, "gradient": "forces"}, {"value": 1, "gradient": -1}
    return names, {"value": 1, "gradient": 1}


def _asked(what: str, run: Run, atoms: ase.Atoms, element: Element, dtype: str) -> tuple:
    """The key of a question: the run itself, what the atoms are and where."""
    return what, run, atoms.numbers.tobytes(), atoms.positions.tobytes(), element, dtype


def measured(run: Run, atoms: ase.Atoms, element: Element, dtype: str) -> Measurement:
    """The run at one g, with its layers, kept for a moment; InputError if it can't read the atoms."""

    def make() -> Measurement:
        graph = from_atoms(atoms)
        g = with_padding(isometries(element, (0.0, 0.0, 1.0), len(atoms))[:1], graph)
        return equivariance.measure(run, graph, dtype=dtype, elements=g, rebuild=False)

    return _recent.ask(_asked("measured", run, atoms, element, dtype), make)


def content(graph: Graph) -> tuple[bytes | None, ...]:
    """What tells one structure from another."""
    arrays = (getattr(graph, name) for name in ARRAYS)
    return tuple(None if a is None else np.asarray(a).tobytes() for a in arrays)


def passed(
    run: Run, graph: Graph, known: Hashable, elements: Sequence[Element], dtype: str
) -> list[Measurement]:
    """At each of these elements the outputs alone, as the hand passes by: nobody asks for them again.

    Of the elements all or none renumber; `known` is the graph's `content`.
    """
    renumbered = elements[0].renumber is not None
    held = _ready.ask((run, known, dtype, renumbered), lambda: Ready(run, graph, dtype, renumbered))
    return held.measure(molecules.together(elements, len(graph.species)))


def sides(run: Run, m: Measurement) -> Sides:
    """Both ways around the square of a measurement's first element."""
    names, sign = outputs(run, m)
    return Sides(
        first={k: sign[k] * _rows(m.prediction[n], k) for k, n in names.items()},
        left={k: sign[k] * _rows(m.predict_then_move[n][0], k) for k, n in names.items()},
        right={k: sign[k] * _rows(m.move_then_predict[n][0], k) for k, n in names.items()},
        delta={k: float(m.delta[n][0]) for k, n in names.items()},
        absolute={k: float(m.absolute[n][0]) for k, n in names.items()},
    )


def _rows(array: np.ndarray, name: str) -> np.ndarray:
    return np.squeeze(array) if name == "value" else np.asarray(array).reshape(-1, 3)


def layer_rows(m: Measurement) -> list[tuple[str, str, float]]:
    """Δ of every layer: its name, the irrep or kind of weight, the number."""
    rows = []
    for layer in m.layers:
        rows += [(layer.name, kind, float(d[0])) for kind, d in layer.features.items()]
        if layer.attention is not None:
            rows.append((layer.name, layer.weights, float(layer.attention[0])))
    return rows


def square(run: Run, atoms: ase.Atoms, element: Element, dtype: str) -> Square:
    """Everything that the page shows of one run at one g; InputError if the run can't read atoms."""
    m = measured(run, atoms, element, dtype)
    return Square(
        **vars(sides(run, m)),
        unit=str(run.config["unit"]),
        target=str(run.config["target"]),
        claims=run.symmetry,
        layers=layer_rows(m),
        attention=attention_of(m.trace, len(atoms)),
        features=[
            (layer.name, feature.irrep, np.asarray(feature.values, np.float32)[: len(atoms)])
            for layer in m.trace
            for feature in layer.features
            if feature.per == "node"
        ],
    )


def judged(run: Run, atoms: ase.Atoms, element: Element, dtype: str = "float32") -> Judgement:
    """Whether rounding explains Δ at this g: measured again in a second precision; kept for a moment."""

    def make() -> Judgement:
        return judged_by(run, atoms, measured(run, atoms, element, dtype))

    return _recent.ask(_asked("judged", run, atoms, element, dtype), make)


def judged_by(run: Run, atoms: ase.Atoms, first: Measurement) -> Judgement:
    """The same of what was measured already."""
    return judge(run, from_atoms(atoms), outputs(run, first)[0], first)


def judge(run: Run, graph: Graph, names: Mapping[str, str], first: Measurement) -> Judgement:
    """The verdict on a measurement; `names` are the library's names of the outputs that are judged."""
    again = equivariance.measure(
        run,
        graph,
        dtype=verdict.SECOND[first.dtype],
        elements=first.elements,
        rebuild=False,
        layers=bool(first.layers),
    )
    return judge_by(names, first, again)


def judge_by(names: Mapping[str, str], first: Measurement, again: Measurement) -> Judgement:
    """The same with the measurement in the second precision."""
    found, inside = verdict.compare(first, again), bool(first.layers and again.layers)
    moving = bool(first.elements.moving()[0])
    return Judgement(
        word={
            k: "still" if not moving else "zero" if _zero(first, n) else found.findings[n].word
            for k, n in names.items()
        },
        coarse={k: found.findings[n].coarse for k, n in names.items()},
        fine={k: found.findings[n].fine for k, n in names.items()},
        second=again.dtype,
        broken=verdict.first_broken_layer(first, again) if inside else None,
        sentence=found.sentence if moving else "This g moves nothing, so nothing can differ.",
    )


def _zero(found: Measurement, name: str) -> bool:
    ways = (found.prediction, found.predict_then_move, found.move_then_predict)
    return not any(np.any(way[name]) for way in ways)


def curve(run: Run, atoms: ase.Atoms, element: Element, axis: Vector, dtype: str) -> Curve:
    """Δ at each of ANGLES about the axis, and at g itself with the graph built again."""
    still = element._replace(rotation=(0.0, 0.0, 0.0, 1.0))
    key = (*_asked("along", run, atoms, still, dtype), axis)
    found = _recent.ask(key, lambda: Curve(_along(run, atoms, still, axis, dtype), {}))
    graph = from_atoms(atoms)
    g = with_padding(isometries(element, axis, len(atoms))[:1], graph)
    # With layers, as in the square: what is compiled for that serves here.
    m = equivariance.measure(run, graph, dtype=dtype, elements=g)
    names, _ = outputs(run, m)
    return Curve(found.by_metric, {k: float(m.rebuilt[n][0]) for k, n in names.items()})


def _along(
    run: Run, atoms: ase.Atoms, element: Element, axis: Vector, dtype: str
) -> dict[str, dict[str, list[float]]]:
    graph = from_atoms(atoms)
    g = with_padding(isometries(element, axis, len(atoms))[1:], graph)
    m = equivariance.measure(run, graph, dtype=dtype, elements=g, rebuild=False)
    names, _ = outputs(run, m)
    vectors = names["gradient"]
    pairs = zip(m.predict_then_move[vectors], m.move_then_predict[vectors], strict=True)
    others = [metrics.of(left, right) for left, right in pairs]
    return {
        "l2": {k: m.delta[n].astype(float).tolist() for k, n in names.items()},
        "largest": {"gradient": [row["largest"] for row in others]},
        "mae": {"gradient": [row["mae"] for row in others]},
    }


def with_padding(g: Elements, graph: Graph) -> Elements:
    """The same elements with a permutation that leaves the padded nodes where they are."""
    if g.permutation is None:
        return g
    size = len(pad(graph).species)
    tail = np.tile(np.arange(len(graph.species), size), (len(g), 1))
    return Elements(g.matrix, g.shift, np.concatenate([g.permutation, tail], axis=1))


def attention_of(trace: tuple[Layer, ...], atoms: int) -> list[tuple[str, np.ndarray]]:
    """The weights [receiver sender head] of every layer that has any, by its name."""
    found = []
    for layer in trace:
        if layer.attention is not None and layer.attention.per == "node":
            weights, mask = np.asarray(layer.attention.weights), np.asarray(layer.attention.mask)
            matrix = np.zeros((atoms, atoms, weights.shape[1]), weights.dtype)
            pairs = layer.attention.receivers[mask], layer.attention.senders[mask]
            np.add.at(matrix, pairs, weights[mask])
            found.append((layer.name, matrix))
    return found
