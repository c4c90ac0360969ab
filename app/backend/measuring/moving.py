"""What can be said while the hand moves: both ways around the square at one rotation, part by part.

Host numpy in, plain lists out; no Streamlit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import ase
import numpy as np

from app.backend import rotations
from app.backend.measuring import metrics, square
from app.backend.molecules import Element, Quaternion
from demetar.runs.run import Run


@dataclass(frozen=True)
class View:
    """What one visitor looks at: runs at a molecule in a precision; `element` has all but the rotation."""

    runs: tuple[Run, ...]
    atoms: ase.Atoms
    dtype: str
    element: Element

    def answer(self, q: Quaternion, layers: bool) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """("square", a row a run) and then ("verdict", a row a run), each computed when it is asked for.

        `layers`: the hand has let go. Then rows tell the layers too, and what is measured is kept for the
        page, which asks for the same at once.

        Vectors are rows [n 3] of the moved molecule, Å and the run's units; f(g·x) to five digits, the
        residual apart, since it would be lost in them.
        """
        q = rotations.quaternion(*rotations.kept(q))
        element = self.element._replace(rotation=q)
        measured = square.measured if layers else square.measured_now
        found = [measured(run, self.atoms, element, self.dtype) for run in self.runs]
        sides = [square.sides(run, m) for run, m in zip(self.runs, found, strict=True)]
        yield "square", [_row(s, m if layers else None) for s, m in zip(sides, found, strict=True)]
        verdicts = [
            square.judged(run, self.atoms, element, self.dtype)
            if layers
            else square.judged_by(run, self.atoms, m)
            for run, m in zip(self.runs, found, strict=True)
        ]
        yield "verdict", [{"word": v.word, "sentence": v.sentence} for v in verdicts]


def _row(sides: square.Sides, m: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "delta": sides.delta,
        "metrics": metrics.of(sides.left["gradient"], sides.right["gradient"]),
        "right": rounded(sides.right["gradient"], 5),
        "residual": rounded(sides.left["gradient"] - sides.right["gradient"], 3),
        "value": float(sides.right["value"]),
        "apart": sides.absolute["value"],
    }
    if m is not None:
        row["layers"] = [d for *_, d in square.layer_rows(m)]
    return row


def rounded(rows: np.ndarray, digits: int) -> list[float]:
    """The numbers in reading order, to so many significant digits of the largest."""
    flat = np.asarray(rows, float).ravel()
    top = float(np.abs(flat).max(initial=0.0))
    if not np.isfinite(top) or top == 0:
        return np.nan_to_num(flat, posinf=0, neginf=0).tolist()
    return np.round(flat, digits - 1 - int(np.floor(np.log10(top)))).tolist()
