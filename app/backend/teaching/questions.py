"""Questions whose answers are computed when they are asked for: choose first, then see the number.

No answer is written down here: each `find` measures, and the option that the measurement picks is right.
No Streamlit.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from app.backend import molecules, nbody, rotations, spherical
from app.backend.measuring import square
from demetar.core.graph import from_atoms
from demetar.diagnosis import faults
from demetar.runs.run import Run
from demetar.symmetry import equivariance
from demetar.symmetry.elements import Elements

TURNING, PLAIN = "egnn-qm9-homo", "set_transformer-qm9-homo"
MOLECULE = "ethanol"
G = rotations.quaternion((1.0, 1.0, 1.0), 60.0)
IDENTITY = (0.0, 0.0, 0.0, 1.0)
SMALL = 1e-9  # of Δ_EQ in float64, where rounding leaves 10⁻¹⁵ and a fault 10⁻³ or more
Load = Callable[[str], Run]
Numbers = dict[str, float]


@dataclass(frozen=True)
class Answer:
    """Which option is right, what was measured (a name and its number), and why in one sentence."""

    right: int
    measured: Numbers
    why: str


@dataclass(frozen=True)
class Question:
    """A question with its options; `find` computes the answer, of the two runs if it `asks_runs`."""

    key: str
    text: str
    options: tuple[str, ...]
    find: Callable[[Load], Answer]
    asks_runs: bool = False


def _judged(load: Load, name: str, element: molecules.Element) -> square.Judgement:
    return square.judged(load(name), molecules.molecule(molecules.Source(MOLECULE)), element)


def _which_turns(load: Load) -> Answer:
    found = {n: _judged(load, n, molecules.Element(G)) for n in (TURNING, PLAIN)}
    turns = [n for n, j in found.items() if j.word["gradient"] == "rounding"]
    right = {(TURNING,): 0, (PLAIN,): 1, (TURNING, PLAIN): 2}.get(tuple(turns), 3)
    return Answer(
        right,
        {f"Δ_EQ of {n}": j.coarse["gradient"] for n, j in found.items()},
        "EGNN's arrows come from differences of positions, which turn along; the Set Transformer reads "
        "coordinates as plain numbers.",
    )


def _finer(name: str, why: str, load: Load) -> Answer:
    """What computing in float64 does to Δ: 0 it falls by the ratio of the precisions, 1 it stays."""
    found = _judged(load, name, molecules.Element(G))
    coarse, fine = found.coarse["gradient"], found.fine["gradient"]
    right = 2 if fine == 0 else 0 if fine < coarse / 1e6 else 1
    return Answer(right, {"Δ_EQ in float32": coarse, "Δ_EQ in float64": fine}, why)


def _moved(name: str, element: molecules.Element, why: str, load: Load) -> Answer:
    """Whether this element changes what the run answers: 0 yes, 1 no."""
    found = _judged(load, name, element)
    right = int(found.word["gradient"] == "rounding")
    numbers = {"Δ_EQ in float32": found.coarse["gradient"], "in float64": found.fine["gradient"]}
    return Answer(right, numbers, why)


def _mirrored(what: str, why: str, _: Load) -> Answer:
    """How a vector made of a scene's places and velocities goes through the inversion: 0 flips, 1 stays."""
    begin = nbody.start(nbody.Source("nbody-5-clean"))

    def made(x: np.ndarray, v: np.ndarray) -> np.ndarray:
        if what == "dipole":
            return begin.charges @ (x - x.mean(0))
        return (begin.masses[:, None] * np.cross(x - x.mean(0), v)).sum(0)

    before = made(begin.positions, begin.velocities)
    after = made(-begin.positions, -begin.velocities)
    ratio = float(before @ after / (before @ before))
    right = 0 if ratio < -0.999 else 1 if ratio > 0.999 else 2
    sign = {0: "1o", 1: "1e"}.get(right, "1o")  # the parity whose matrix does the same
    by_matrix = float(spherical.wigner(sign, -np.eye(3))[0, 0])
    return Answer(right, {"after over before": ratio, f"D(−1) of {sign}": by_matrix}, why)


def _delta_of_fault(word: str, elements: Elements) -> np.ndarray:
    """The largest Δ_EQ [elements] over all outputs of the small model with that fault, in float64."""
    graph = from_atoms(molecules.molecule(molecules.Source(MOLECULE)))
    measured = equivariance.measure(
        faults.make(word), graph, elements=elements, dtype="float64", rebuild=False, layers=False
    )
    return np.stack([np.asarray(d) for d in measured.delta.values()]).max(0)


def _elements(matrices: Sequence[np.ndarray]) -> Elements:
    stacked = np.stack(matrices)
    return Elements(stacked, np.zeros((len(stacked), 3)))


def _blind_axis(_: Load) -> Answer:
    axes = {"x": (1.0, 0, 0), "z": (0, 0, 1.0), "(1 1 1)": (1.0, 1.0, 1.0)}
    turns = [Rotation.from_quat(rotations.quaternion(a, 120.0)).as_matrix() for a in axes.values()]
    found = dict(zip(axes, _delta_of_fault("vector-bias", _elements(turns)), strict=True))
    blind = [i for i, d in enumerate(found.values()) if d < SMALL]
    return Answer(
        blind[0] if len(blind) == 1 else 3,
        {f"Δ_EQ about {name}": float(d) for name, d in found.items()},
        "The bias is the same in x, y and z, so it points along (1 1 1), and turning about that axis leaves "
        "it where it is.",
    )


def _who_sees_parity(_: Load) -> Answer:
    graph = from_atoms(molecules.molecule(molecules.Source(MOLECULE)))
    size = len(graph.species)
    matrices = np.stack([Rotation.from_quat(G).as_matrix(), -np.eye(3), np.eye(3)])
    order = np.tile(np.arange(size), (3, 1))
    order[2] = order[2][::-1]
    found = _delta_of_fault("parity", Elements(matrices, np.zeros((3, 3)), order))
    seen = [i for i, d in enumerate(found) if d > SMALL]
    names = ("a turn", "the inversion", "renumbering")
    return Answer(
        seen[0] if len(seen) == 1 else 3,
        {f"Δ_EQ under {n}": float(d) for n, d in zip(names, found, strict=True)},
        "A triple product of vectors keeps its value under every turn and changes its sign in a mirror.",
    )


def _law(_: Load) -> Answer:
    begin = nbody.start(nbody.Source("nbody-5-collision"))
    found = {
        law: nbody.twin(begin, molecules.Element(G), law).delta for law in ("published", "clean")
    }
    broken = [law for law, d in found.items() if d > 1e-6]  # chaos lets rounding grow a little
    right = {(): 3, ("published",): 0, ("clean",): 1}.get(tuple(broken), 2)
    return Answer(
        right,
        {f"Δ_EQ of the {law} law": d for law, d in found.items()},
        "The published simulator holds each component of a force to ±100, a cube that does not turn with "
        "the start.",
    )


def _order_of_turns(_: Load) -> Answer:
    first, second = (rotations.quaternion(a, 90.0) for a in ((1.0, 0, 0), (0, 0, 1.0)))
    one, other = rotations.after(second, first), rotations.after(first, second)
    between = (Rotation.from_quat(one) * Rotation.from_quat(other).inv()).magnitude()
    degrees = float(np.degrees(between))
    right = int(np.argmin([abs(degrees - angle) for angle in (0, 90, 120, 180)]))
    return Answer(
        right,
        {"degrees between both": degrees},
        "Rotations in space do not commute: what comes first turns the axis of what comes next.",
    )


FALLS = ("It falls a million times or more", "It stays as large", "It becomes exactly zero")
CHANGES = ("Yes, the answer changes", "No, only rounding is left")
FLIPS = ("It changes its sign", "It stays", "Neither")
BOTH = ("EGNN", "Set Transformer", "Both", "Neither")
_PLAIN_WHY = (
    "It learned from numbers, not from rounding: more digits only show the same error more exactly."
)
_TURNING_WHY = (
    "What was left was rounding alone, and rounding shrinks with the digits that are kept."
)
_ORDER_WHY = "A sum over atoms and an attention between all pairs ask nobody for a number."
_SHIFT_WHY = (
    "It reads coordinates as they are, so it sees where the molecule is as well as how it lies."
)
_INVERT_WHY = (
    "Nothing in it tells (x, y, z) from a vector, so a mirrored molecule is another input."
)
_DIPOLE_WHY = "A dipole is charge times place, and every place changes its sign: a vector, odd, 1o."
_SPIN_WHY = (
    "Angular momentum is a cross product of place and velocity; both signs change, and cancel: 1e."
)
P = functools.partial
ALL = (
    Question(
        "which-turns",
        "Ethanol is turned by 60°. Whose arrows turn along?",
        BOTH,
        _which_turns,
        True,
    ),
    Question(
        "turning-float64",
        "EGNN's Δ_EQ is small. What happens to it if everything is computed in float64?",
        FALLS,
        P(_finer, TURNING, _TURNING_WHY),
        True,
    ),
    Question(
        "plain-float64",
        "The Set Transformer's Δ_EQ is large. And its, in float64?",
        FALLS,
        P(_finer, PLAIN, _PLAIN_WHY),
        True,
    ),
    Question(
        "renumber",
        "The atoms get other numbers. Does the Set Transformer's answer change, beyond "
        "the numbers themselves?",
        CHANGES,
        P(_moved, PLAIN, molecules.Element(IDENTITY, renumber=0), _ORDER_WHY),
        True,
    ),
    Question(
        "shift",
        "The molecule is moved by (2 −1 1.5) Å and not turned. Do the Set Transformer's "
        "arrows change?",
        CHANGES,
        P(_moved, PLAIN, molecules.Element(IDENTITY, shift=True), _SHIFT_WHY),
        True,
    ),
    Question(
        "invert",
        "The molecule is inverted, x → −x. Does the Set Transformer's answer change, beyond "
        "the sign of its arrows?",
        CHANGES,
        P(_moved, PLAIN, molecules.Element(IDENTITY, invert=True), _INVERT_WHY),
        True,
    ),
    Question(
        "dipole",
        "Five charged bodies are inverted, x → −x. What does their dipole do?",
        FLIPS,
        P(_mirrored, "dipole", _DIPOLE_WHY),
    ),
    Question(
        "angular-momentum",
        "And their angular momentum?",
        FLIPS,
        P(_mirrored, "angular momentum", _SPIN_WHY),
    ),
    Question(
        "blind-axis",
        "A layer adds the same bias to x, y and z of every vector. About which of these "
        "axes does a turn by 120° not show it?",
        ("x", "z", "(1 1 1)", "None or several"),
        _blind_axis,
    ),
    Question(
        "parity",
        "A model takes a triple product of vectors for a plain number. What finds it out?",
        ("A turn", "The inversion", "Renumbering the atoms", "None or several of these"),
        _who_sees_parity,
    ),
    Question(
        "law",
        "Five bodies come close to each other. Under which law of force does turning the start "
        "not simply turn the true answer?",
        ("The published benchmark's", "The clean, softened one", "Both", "Neither"),
        _law,
    ),
    Question(
        "two-turns",
        "A quarter turn about x, then one about z; or the other way round. By how many "
        "degrees do the results differ?",
        ("0°", "90°", "120°", "180°"),
        _order_of_turns,
    ),
)
BY_KEY = {question.key: question for question in ALL}
_one = threading.Lock()
_known: dict[tuple, Answer] = {}


def answer(key: str, load: Load, stamp: Any = None) -> Answer:
    """The answer to a question, computed once for all visitors; anew when `stamp` of the runs changes."""
    at = (key, stamp)
    if at not in _known:
        with _one:
            if at not in _known:
                _known[at] = BY_KEY[key].find(load)
    return _known[at]
