"""What can be said of charged bodies while the hand moves: both ways, the true path, the roll-outs.

Host numpy in, plain lists out; no Streamlit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from app.backend import nbody
from app.backend.measuring import bodies, metrics, moving, rollout
from app.backend.measuring.moving import rounded
from app.backend.measuring.square import layer_rows
from app.backend.molecules import Element, Quaternion, act
from demetar.core.graph import Graph
from demetar.runs.run import Run


@dataclass(frozen=True)
class View(moving.Comparable):
    """What one visitor looks at: runs at a start in a precision, the force law, one step or a roll-out.

    `element` has all of g but the rotation; `straight` is the true path of x; `left`, of a roll-out, is
    f^k(x) [steps+1 n 3] of each run.
    """

    runs: tuple[Run, ...]
    begin: nbody.Start
    dtype: str
    element: Element
    law: str
    straight: np.ndarray
    left: tuple[np.ndarray, ...] = ()

    @cached_property
    def graph(self) -> Graph:
        """The start as runs read it."""
        return nbody.to_graph(self.begin)

    @staticmethod
    def squares(asked: Sequence[moving.Asked]) -> list[tuple[tuple[Any, ...], moving.Seen]]:
        """To each of some questions of views that are `alike` ("square", a row a run, the truth), and more.

        Displacements are rows [n 3] of g·x and its true path places [frames n 3] about the centre of g·x,
        to five digits; the residual apart, since it would be lost in them. In a roll-out rows have places
        [steps+1 n 3] and Δ_EQ after each step too. One with layers comes alone.
        """
        found = moving.seen(asked, lambda v, run, g: bodies.measured(run, v.begin, g, v.dtype))
        return [(("square", s.view._rows(s), s.view._truth(s.element)), s) for s in found]

    @staticmethod
    def verdicts(seen: Sequence[moving.Seen]) -> list[tuple[Any, ...]]:
        """("verdict", a row a run) for each, of views that are `alike`."""
        return moving.judgements(seen, lambda run, m: {bodies.OUTPUT: bodies.OUTPUT})

    def answer(self, q: Quaternion, layers: bool) -> Iterator[tuple[Any, ...]]:
        """The parts of an answer to one question, each computed when it is asked for."""
        ((part, seen),) = self.squares([(self, q, layers)])
        yield part
        yield from self.verdicts([seen])

    def _rows(self, seen: moving.Seen) -> list[dict[str, Any]]:
        return [self._row(i, seen.element, m, seen.kept) for i, m in enumerate(seen.found)]

    def _row(self, i: int, element: Element, m: Any, layers: bool) -> dict[str, Any]:
        ends = bodies.ends(self.begin, element, m)
        left, right = ends.ways
        row: dict[str, Any] = {
            "delta": ends.delta,
            "metrics": metrics.of(left, right),
            "right": rounded(right, 5),
            "residual": rounded(left - right, 3),
            "apart": ends.apart,
        }
        if layers:
            row["layers"] = [d for *_, d in layer_rows(m)]
        if self.left:
            places = rollout.turned(self.runs[i], self.begin, element, self.dtype)
            known = np.stack([act(element, frame) for frame in self.left[i]])
            row["rollout"] = rounded(places - ends.begun.mean(0), 5)
            row["deltas"] = [d if np.isfinite(d) else None for d in rollout.deltas(known, places)]
        return row

    def _truth(self, element: Element) -> dict[str, Any]:
        horizons = rollout.STEPS if self.left else 1
        true = nbody.beside(self.straight, self.begin, element, self.law, horizons)
        return {"path": rounded(true.moved - true.moved[0].mean(0), 5), "delta": true.delta}
