"""What can be said while the hand moves: both ways around the square at one rotation, part by part.

Host numpy in, plain lists out; no Streamlit.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import ase
import numpy as np

from app.backend import rotations
from app.backend.measuring import metrics, square
from app.backend.molecules import Element, Quaternion
from demetar.core.graph import Graph, from_atoms
from demetar.runs.run import Run
from demetar.symmetry.equivariance import Measurement
from demetar.symmetry.instruments import verdict


class Seen(NamedTuple):
    """What was measured of a view's runs at g; `kept` where the page will ask for the same."""

    view: Any
    element: Element
    found: tuple[Measurement, ...]
    kept: bool


Asked = tuple[Any, Quaternion, bool]  # a view, a rotation, whether layers are wanted


class Comparable:
    """What tells views from one another: those that are `alike` are answered together in less time."""

    runs: tuple[Run, ...]
    dtype: str
    element: Element

    @property
    def graph(self) -> Any:
        """The structure as runs read it."""
        raise NotImplementedError

    @cached_property
    def content(self) -> Hashable:
        """What tells this structure from another."""
        return square.content(self.graph)

    @cached_property
    def alike(self) -> Hashable:
        """Equal for views of the same structure, runs and precision, renumbered or not."""
        return type(self), self.runs, self.content, self.dtype, self.element.renumber is None


@dataclass(frozen=True)
class View(Comparable):
    """What one visitor looks at: runs at a molecule in a precision; `element` has all but the rotation.

    Vectors of answers are rows [n 3] of the moved molecule, Å and the run's units; f(g·x) to five digits,
    the residual apart, since it would be lost in them.
    """

    runs: tuple[Run, ...]
    atoms: ase.Atoms
    dtype: str
    element: Element

    @cached_property
    def graph(self) -> Graph:
        """The molecule as runs read it."""
        return from_atoms(self.atoms)

    @staticmethod
    def squares(asked: Sequence[Asked]) -> list[tuple[tuple[Any, ...], Seen]]:
        """To each of some questions of views that are `alike` ("square", a row a run), and what was seen.

        With layers wanted the hand has let go: then rows tell them too, what is measured is kept for the
        page, which asks for the same at once, and the question comes alone.
        """
        return [
            (
                (
                    "square",
                    [_row(run, m, s.kept) for run, m in zip(s.view.runs, s.found, strict=True)],
                ),
                s,
            )
            for s in seen(
                asked, lambda view, run, g: square.measured(run, view.atoms, g, view.dtype)
            )
        ]

    @staticmethod
    def verdicts(seen: Sequence[Seen]) -> list[tuple[Any, ...]]:
        """("verdict", a row a run) for each, of views that are `alike`."""
        if seen[0].kept:
            ((view, g, *_),) = seen
            return [told(square.judged(run, view.atoms, g, view.dtype) for run in view.runs)]
        return judgements(seen, lambda run, m: square.outputs(run, m)[0])

    def answer(self, q: Quaternion, layers: bool) -> Iterator[tuple[Any, ...]]:
        """The parts of an answer to one question, each computed when it is asked for."""
        ((part, seen),) = self.squares([(self, q, layers)])
        yield part
        yield from self.verdicts([seen])


def seen(asked: Sequence[Asked], keep: Callable[[Any, Run, Element], Measurement]) -> list[Seen]:
    """What is measured for questions of views that are alike; `keep` measures for one with layers."""
    turns = [rotations.quaternion(*rotations.kept(q)) for _, q, _ in asked]
    elements = [a[0].element._replace(rotation=q) for a, q in zip(asked, turns, strict=True)]
    first, _, layers = asked[0]
    if layers:
        (element,) = elements
        return [Seen(first, element, tuple(keep(first, r, element) for r in first.runs), True)]
    found = [
        square.passed(run, first.graph, first.content, elements, first.dtype) for run in first.runs
    ]
    by_view = zip(asked, elements, zip(*found, strict=True), strict=True)
    return [Seen(view, element, of, False) for (view, *_), element, of in by_view]


def judgements(
    seen: Sequence[Seen], names: Callable[[Run, Measurement], Mapping[str, str]]
) -> list[tuple[Any, ...]]:
    """Verdicts on what was seen of views that are alike; `names`: the outputs of a run that are judged."""
    view, elements = seen[0].view, [s.element for s in seen]
    second = verdict.SECOND[view.dtype]
    again = [square.passed(run, view.graph, view.content, elements, second) for run in view.runs]
    return [
        told(
            square.judge_by(names(run, m), m, fine[k])
            for run, m, fine in zip(view.runs, s.found, again, strict=True)
        )
        for k, s in enumerate(seen)
    ]


def told(verdicts: Iterable[square.Judgement]) -> tuple[str, list[dict[str, Any]]]:
    """Verdicts as a part of an answer."""
    return "verdict", [{"word": v.word, "sentence": v.sentence} for v in verdicts]


def _row(run: Run, m: Measurement, layers: bool) -> dict[str, Any]:
    sides = square.sides(run, m)
    row: dict[str, Any] = {
        "delta": sides.delta,
        "metrics": metrics.of(sides.left["gradient"], sides.right["gradient"]),
        "right": rounded(sides.right["gradient"], 5),
        "residual": rounded(sides.left["gradient"] - sides.right["gradient"], 3),
        "value": float(sides.right["value"]),
        "apart": sides.absolute["value"],
    }
    if layers:
        row["layers"] = [d for *_, d in square.layer_rows(m)]
    return row


def rounded(rows: np.ndarray, digits: int) -> list[float]:
    """The numbers in reading order, to so many significant digits of the largest."""
    flat = np.asarray(rows, float).ravel()
    top = float(np.abs(flat).max(initial=0.0))
    if not np.isfinite(top) or top == 0:
        return np.nan_to_num(flat, posinf=0, neginf=0).tolist()
    return np.round(flat, digits - 1 - int(np.floor(np.log10(top)))).tolist()
