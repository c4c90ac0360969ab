"""Δ_EQ of the small model with faults in it: at the page's g, of each group alone, called twice.

All host numpy; lengths in Å. No Streamlit.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import ase
import numpy as np

from app.backend.measuring.later import Later
from app.backend.molecules import Element, Source, brief, isometries, molecule
from demetar.core.graph import Graph, from_atoms
from demetar.diagnosis import faults
from demetar.diagnosis.evidence.groups import BROKEN
from demetar.diagnosis.verdict import MARKS
from demetar.symmetry import equivariance
from demetar.symmetry.elements import Elements, rotations
from demetar.symmetry.instruments import verdict
from demetar.symmetry.instruments.repeat import repeatability

PRECISIONS = ("float32", "float64")
OUTPUTS = ("energy", "forces", "dipole")
GROUPS = {
    "T": "shifts",
    "SO": "turns",
    "C_i": "inversion",
    "S_n": "renumbering",
    "edges": "order of edges",
}
PLACES = {"T": slice(1, 4), "SO": slice(4, 10), "C_i": slice(10, 11), "S_n": slice(11, 16)}
COUNT = 16  # elements of all groups
answers = Later()


@dataclass(frozen=True)
class Faulty:
    """What is measured of the small model.

    `delta`: Δ_EQ at g by precision and output, `word` and `sentence` what both precisions say together, as
    of a run's verdict, `worst` the word of all outputs. `groups`: the largest Δ_EQ in float64 over some of
    each group alone, at a crooked copy of the molecule, whose own symmetry hides nothing; `again` and
    `after`: the largest relative change of a second call, at once and after another system. `marks`: what
    of a fingerprint this shows.
    """

    delta: dict[str, dict[str, float]]
    word: dict[str, str]
    worst: str
    sentence: str
    groups: dict[str, float]
    again: float
    after: float
    marks: dict[str, bool]


def questions(
    sets: Iterable[tuple[str, ...]], source: Source, element: Element
) -> dict[Any, Callable[[], Faulty]]:
    """What `answers` is asked of the small model with each of these sets of faults."""

    def of(words: tuple[str, ...]) -> Callable[[], Faulty]:
        return lambda: measured(words, molecule(source), element)

    return {(words, brief(source), element): of(words) for words in sets}


def names() -> list[str]:
    """The words of the faults that can be switched on."""
    return faults.names()


def expected(word: str) -> list[tuple[str, str, bool]]:
    """The fingerprint of a fault: its marks, each in words and whether it stands."""
    prints = faults.load(word).fingerprint
    return [(mark, MARKS[mark][0 if stands else 1], stands) for mark, stands in prints.items()]


def measured(words: tuple[str, ...], atoms: ase.Atoms, element: Element) -> Faulty:
    """The small model with these faults; InputError if the molecule is too large to be measured."""
    f, graph = faults.make(*words), from_atoms(atoms)
    n = len(graph.species)
    here = _renumbering(isometries(element, (0.0, 0.0, 1.0), n)[:1], n)
    found = {
        p: equivariance.measure(f, graph, dtype=p, elements=here, layers=False) for p in PRECISIONS
    }
    coarse, fine = (dataclasses.replace(found[p], rebuilt={}) for p in PRECISIONS)
    judged = verdict.compare(coarse, fine)
    moving = bool(here.moving()[0])
    apart = equivariance.measure(
        f, crooked(graph), dtype="float64", elements=of_groups(n), layers=False
    )
    each = {
        k: float(max(d[place].max() for d in apart.delta.values())) for k, place in PLACES.items()
    }
    # A renumbered molecule that is read anew lists its neighbours in another order, too.
    each["S_n"] = max(each["S_n"], *(float(d[PLACES["S_n"]].max()) for d in apart.rebuilt.values()))
    each["edges"] = max(float(d[0]) for d in apart.rebuilt.values())
    calls = repeatability(f, graph)
    again, after = max(calls.again.values()), max(calls.after.values())
    marks = {
        f"breaks-{k}": not each[k] <= BROKEN for k in PLACES
    }  # no number is no symmetry either
    marks |= {"differs-at-once": again > 0, "differs-after-another": after > 0 and not again}
    return Faulty(
        delta={p: {k: float(m.delta[k][0]) for k in OUTPUTS} for p, m in found.items()},
        word={k: judged.findings[k].word if moving else "still" for k in OUTPUTS},
        worst=judged.word if moving else "still",
        sentence=judged.sentence if moving else "This g moves nothing, so nothing can differ.",
        groups=each,
        again=again,
        after=after,
        marks=marks,
    )


def _renumbering(g: Elements, n: int) -> Elements:
    """The same, always with a permutation: one compilation for all that is asked."""
    return g if g.permutation is not None else Elements(g.matrix, g.shift, np.arange(n)[None])


def of_groups(n: int, seed: int = 0) -> Elements:
    """The identity, 3 shifts, 6 turns, the inversion alone, 5 renumberings, as PLACES says."""
    rng = np.random.default_rng(seed)
    matrix, shift = np.tile(np.eye(3), (COUNT, 1, 1)), np.zeros((COUNT, 3))
    order = np.tile(np.arange(n), (COUNT, 1))
    shift[PLACES["T"]] = rng.normal(0, 3, (3, 3))
    matrix[PLACES["SO"]] = rotations(6, seed)
    matrix[PLACES["C_i"]] = -np.eye(3)
    order[PLACES["S_n"]] = rng.permuted(order[PLACES["S_n"]], axis=1)
    return Elements(matrix, shift, order)


def crooked(graph: Graph, size: float = 0.1, seed: int = 0) -> Graph:
    """The molecule with each atom moved by about `size` Å, so that it has no symmetry of its own."""
    noise = np.random.default_rng(seed).normal(0, size, graph.positions.shape)
    return graph.replace(positions=np.asarray(graph.positions, np.float64) + noise)
