"""Molecules for the pages: the commuting square of a run at a group element, its layers, attention.

All host numpy; lengths in Å; rotations come as unit quaternions (x, y, z, w). No Streamlit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import ase
import numpy as np
from scipy.spatial.transform import Rotation

from app.backend import metrics, spherical
from demetar.core.errors import InputError
from demetar.core.graph import Graph, from_atoms, without_cell
from demetar.core.output import Layer
from demetar.core.padding import pad
from demetar.core.remarks import heard, remark
from demetar.data import samples
from demetar.data.readers import structures
from demetar.data.readers.lines import MAX_FRAMES
from demetar.runs.run import Run
from demetar.symmetry import action, equivariance
from demetar.symmetry.elements import Elements
from demetar.symmetry.equivariance import Measurement
from demetar.symmetry.instruments import verdict

ANGLES = tuple(float(a) for a in np.linspace(0, 180, 15))  # degrees, beside the one that is set
SHIFT = (2.0, -1.0, 1.5)  # Å
Quaternion = tuple[float, float, float, float]
Vector = tuple[float, float, float]


class Source(NamedTuple):
    """Where a molecule comes from: a name of the gallery, or a file's name and bytes, and its frame."""

    name: str
    data: bytes | None = None
    frame: int = 0


class Element(NamedTuple):
    """A group element: a rotation, then perhaps the inversion, a shift, a renumbering by seed."""

    rotation: Quaternion
    invert: bool = False
    shift: bool = False
    renumber: int | None = None


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
    broken: str | None
    layers: list[tuple[str, str, float]]
    attention: list[tuple[str, np.ndarray]]
    features: list[tuple[str, str, np.ndarray]]


@dataclass(frozen=True)
class Judgement:
    """Rounding or structure, by a second precision: a word by output and the library's sentence.

    A word is "rounding", "structure", "mixed", or "still" where g moves nothing. `coarse` and `fine` are Δ
    in both precisions, `second` the name of the other one.
    """

    word: dict[str, str]
    coarse: dict[str, float]
    fine: dict[str, float]
    second: str
    sentence: str


@dataclass(frozen=True)
class Curve:
    """Δ of the outputs at each of ANGLES about an axis, by metric, and `rebuilt` Δ_EQ at g itself.

    `by_metric`: {"l2": {"value", "gradient"}, "largest": {"gradient"}, "mae": {"gradient"}}.
    """

    by_metric: dict[str, dict[str, list[float]]]
    rebuilt: dict[str, float]


def gallery() -> list[str]:
    """The names of the molecules that come with Demetar."""
    return samples.names("molecules")


@lru_cache(4)
def _structures(data: bytes, name: str) -> tuple[list[ase.Atoms], tuple[str, ...]]:
    """The structures of a file that can be chosen, and what has to be said of them."""
    with heard() as said:
        found = structures.first_atoms(data, name, MAX_FRAMES + 1)
        if len(found) > MAX_FRAMES:
            remark(f"The file has more structures; the first {MAX_FRAMES} can be chosen.")
        found = [without_cell(atoms) for atoms in found[:MAX_FRAMES]]
    return found, tuple(said)


def remarks(source: Source) -> tuple[str, ...]:
    """What has to be said of a file: what of it was left out; nothing of the gallery's molecules."""
    return () if source.data is None else _structures(source.data, source.name)[1]


def frames(source: Source) -> int:
    """How many structures the source holds; InputError if none that can be read."""
    return 1 if source.data is None else len(_structures(source.data, source.name)[0])


def molecule(source: Source) -> ase.Atoms:
    """The molecule about its centroid; InputError if the file holds none that can be read."""
    if source.data is not None:
        found, _ = _structures(source.data, source.name)
        if not 0 <= source.frame < len(found):
            raise InputError(
                f"Expected a frame from 1 to {len(found)}, got {source.frame + 1}; choose another."
            )
        atoms = found[source.frame].copy()
    else:
        found = samples.load(source.name)
        if not isinstance(found, ase.Atoms):
            raise InputError(
                f"Expected a molecule, got {source.name}, an N-body scene; open it there."
            )
        atoms = found
    atoms.positions -= atoms.positions.mean(0)
    return atoms


def bonds(atoms: ase.Atoms) -> list[tuple[int, int, int]]:
    """Perceived bonds (i, j, order 1 to 3); aromatic ones count as single for drawing."""
    graph = from_atoms(atoms, cutoff="bonds")
    orders = np.array([1, 2, 3, 1])
    kinds = np.asarray(graph.edge_attributes).argmax(1)
    found = zip(graph.senders, graph.receivers, kinds, strict=True)
    return [(int(s), int(r), int(orders[k])) for s, r, k in found if s < r]


def isometries(element: Element, axis: Vector, atoms: int) -> Elements:
    """The element itself, then its like at each of ANGLES about the axis; float64."""
    unit = np.asarray(axis, float) / np.linalg.norm(axis)
    turns = [Rotation.from_quat(element.rotation)]
    turns += [Rotation.from_rotvec(np.radians(a) * unit) for a in ANGLES]
    matrix = np.stack([t.as_matrix() for t in turns]) * (-1 if element.invert else 1)
    shift = np.tile(SHIFT if element.shift else (0.0, 0.0, 0.0), (len(turns), 1))
    order = None
    if element.renumber is not None:
        order = np.random.default_rng(element.renumber).permutation(atoms)
    return Elements(matrix, shift, None if order is None else np.tile(order, (len(turns), 1)))


def matrix(element: Element) -> np.ndarray:
    """The matrix [3 3] by which an element turns, mirrored where it has the inversion."""
    return isometries(element, (0, 0, 1), 1).matrix[0]


def turning(element: Element, irrep: str) -> np.ndarray:
    """The matrix D(g) [2l+1 2l+1] by which features of the irrep turn under the element."""
    return spherical.wigner(irrep, matrix(element))


def order_of(element: Element, atoms: int) -> np.ndarray:
    """Which old atom [n] each atom of g·x is."""
    found = isometries(element, (0, 0, 1), atoms).permutation
    return np.arange(atoms) if found is None else found[0]


def act(element: Element, positions: np.ndarray) -> np.ndarray:
    """Positions [n 3] of g·x."""
    g = isometries(element, (0, 0, 1), len(positions))
    return positions[order_of(element, len(positions))] @ g.matrix[0].T + g.shift[0]


def _outputs(run: Run, m: Measurement) -> tuple[dict[str, str], dict[str, int]]:
    """The library's names of "value" and "gradient", and their signs."""
    target = str(run.config["target"])
    names = {"value": target, "gradient": f"{target}_gradient"}
    if "forces" in m.prediction:  # a run on labelled forces gives them in place of ∂f/∂x
        return {**names, "gradient": "forces"}, {"value": 1, "gradient": -1}
    return names, {"value": 1, "gradient": 1}


def measured(run: Run, atoms: ase.Atoms, element: Element, dtype: str) -> Measurement:
    """The run at one g, with its layers; InputError if it can't read the atoms."""
    graph = from_atoms(atoms)
    g = _with_padding(isometries(element, (0.0, 0.0, 1.0), len(atoms))[:1], graph)
    return equivariance.measure(run, graph, dtype=dtype, elements=g, rebuild=False)


def sides(run: Run, m: Measurement) -> Sides:
    """Both ways around the square of a measurement's first element."""
    names, sign = _outputs(run, m)
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
        broken=m.first_broken_layer(),
        layers=layer_rows(m),
        attention=_attention(m.trace, len(atoms)),
        features=[
            (layer.name, feature.irrep, np.asarray(feature.values, np.float32)[: len(atoms)])
            for layer in m.trace
            for feature in layer.features
            if feature.per == "node"
        ],
    )


def judged(
    run: Run, atoms: ase.Atoms, element: Element, first: Measurement | str = "float32"
) -> Judgement:
    """Whether rounding explains Δ at this g: measured again in a second precision.

    `first`: what was measured already, or in which precision to begin.
    """
    if isinstance(first, str):
        first = measured(run, atoms, element, first)
    second = verdict.SECOND[first.dtype]
    graph = from_atoms(atoms)
    again = equivariance.measure(
        run, graph, dtype=second, elements=first.elements, rebuild=False, layers=False
    )
    found = verdict.compare(first, again)
    names, _ = _outputs(run, first)
    moving = bool(first.elements.moving()[0])
    return Judgement(
        word={k: found.findings[n].word if moving else "still" for k, n in names.items()},
        coarse={k: found.findings[n].coarse for k, n in names.items()},
        fine={k: found.findings[n].fine for k, n in names.items()},
        second=second,
        sentence=found.sentence if moving else "This g moves nothing, so nothing can differ.",
    )


def curve(run: Run, atoms: ase.Atoms, element: Element, axis: Vector, dtype: str) -> Curve:
    """Δ at each of ANGLES about the axis, and at g itself with the graph built again."""
    graph = from_atoms(atoms)
    g = _with_padding(isometries(element, axis, len(atoms)), graph)
    m = equivariance.measure(run, graph, dtype=dtype, elements=g, layers=False)
    names, _ = _outputs(run, m)
    vectors = names["gradient"]
    pairs = zip(m.predict_then_move[vectors][1:], m.move_then_predict[vectors][1:], strict=True)
    others = [metrics.of(left, right) for left, right in pairs]
    by_metric = {
        "l2": {k: m.delta[n][1:].astype(float).tolist() for k, n in names.items()},
        "largest": {"gradient": [row["largest"] for row in others]},
        "mae": {"gradient": [row["mae"] for row in others]},
    }
    return Curve(by_metric, {k: float(m.rebuilt[n][0]) for k, n in names.items()})


def _with_padding(g: Elements, graph: Graph) -> Elements:
    """The same elements with a permutation that leaves the padded nodes where they are."""
    if g.permutation is None:
        return g
    size = len(pad(graph).species)
    tail = np.tile(np.arange(len(graph.species), size), (len(g), 1))
    return Elements(g.matrix, g.shift, np.concatenate([g.permutation, tail], axis=1))


def _attention(trace: tuple[Layer, ...], atoms: int) -> list[tuple[str, np.ndarray]]:
    found = []
    for layer in trace:
        if layer.attention is not None and layer.attention.per == "node":
            size = int(layer.attention.receivers.max()) + 1
            matrix = np.asarray(action.attention_matrix(layer.attention, max(size, atoms)))
            found.append((layer.name, matrix[:atoms, :atoms]))
    return found
