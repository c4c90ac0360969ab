"""What a diagnosis is made of: pieces of evidence with their marks, and the whole that is handed back."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True)
class Evidence:
    """One measurement: a sentence, statements that hold or not (`marks`), and the numbers behind them."""

    name: str
    sentence: str
    marks: dict[str, bool]
    numbers: dict[str, Any]
    evaluations: int = 0
    seconds: float = 0.0

    def document(self) -> dict[str, Any]:
        """The same as JSON types; a number that is not finite becomes a string."""
        return {
            "name": self.name,
            "sentence": self.sentence,
            "marks": plain(self.marks),
            "numbers": plain(self.numbers),
            "evaluations": self.evaluations,
            "seconds": round(self.seconds, 3),
        }


@dataclasses.dataclass(frozen=True)
class Diagnosis:
    """Why Δ is what it is: one word of `demetar.diagnosis.causes`, a sentence, and what decided it.

    `runner_up` is the next best cause, or None; the sentence says what excludes it.
    """

    cause: str
    sentence: str
    evidence: tuple[Evidence, ...]
    evaluations: int
    seconds: float
    runner_up: str | None = None
    mends: str = ""
    left_out: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """The same as one JSON document."""
        return {
            "cause": self.cause,
            "sentence": self.sentence,
            "evidence": [e.document() for e in self.evidence],
            "evaluations": self.evaluations,
            "seconds": round(self.seconds, 3),
            "runner_up": self.runner_up,
        }

    def report(self) -> str:
        """The same as text in Markdown, evidence in the order in which it was taken."""
        lines = [f"# {self.cause}", "", self.sentence, ""]
        if self.mends:
            lines += [f"What mends it: {self.mends}", ""]
        lines += [
            f"{self.evaluations} evaluations in {self.seconds:.1f} s.",
            "",
            "| evidence | what was found |",
            "|---|---|",
        ]
        lines += [f"| {e.name} | {e.sentence.replace('|', '∣')} |" for e in self.evidence]
        if self.left_out:
            lines += ["", f"Left out for lack of time: {', '.join(self.left_out)}."]
        return "\n".join(lines)


def plain(value: Any) -> Any:
    """Numbers, arrays, dicts and lists as JSON types."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    return value
