"""What can be said of charged bodies while the hand moves: both ways, the true path, the roll-outs.

Host numpy in, plain lists out; no Streamlit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.backend import nbody, rotations
from app.backend.measuring import bodies, metrics, rollout
from app.backend.measuring.moving import rounded
from app.backend.measuring.square import layer_rows
from app.backend.molecules import Element, Quaternion, act
from demetar.runs.run import Run


@dataclass(frozen=True)
class View:
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

    def answer(self, q: Quaternion, layers: bool) -> Iterator[tuple[Any, ...]]:
        """("square", a row a run, the truth) and then ("verdict", a row a run), each when it is asked for.

        Displacements are rows [n 3] of g·x and its true path places [frames n 3] about the centre of g·x,
        to five digits; the residual apart, since it would be lost in them. In a roll-out rows have places
        [steps+1 n 3] and Δ_EQ after each step too.
        """
        element = self.element._replace(rotation=rotations.quaternion(*rotations.kept(q)))
        found = [bodies.measured(run, self.begin, element, self.dtype) for run in self.runs]
        rows = [self._row(i, element, m, layers) for i, m in enumerate(found)]
        yield "square", rows, self._truth(element)
        verdicts = [
            bodies.judged(run, self.begin, element, m)
            for run, m in zip(self.runs, found, strict=True)
        ]
        yield "verdict", [{"word": v.word, "sentence": v.sentence} for v in verdicts]

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
