"""What a decision is, and the sentence that says it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from demetar.diagnosis.audit.finding import Finding
from demetar.diagnosis.causes import cause


@dataclasses.dataclass(frozen=True)
class Decision:
    """The word, the evidence that decided, and the next likely word with what excludes it."""

    word: str
    sentence: str
    decided: str
    runner_up: str = ""
    excluded: str = ""


Found = dict[str, Finding]
Rule = Callable[[Found], Decision | None]


def say(
    word: str, finding: Finding, extra: str = "", runner_up: str = "", excluded: str = ""
) -> Decision:
    text = " ".join(part for part in (cause(word).sentence, extra, f"{finding.line()}.") if part)
    return Decision(word, text, finding.name, runner_up, excluded)


def broken(found: Found, name: str) -> Finding | None:
    finding = found.get(name)
    return finding if finding is not None and finding.broken else None


def neighbours(f: Finding, deaf: dict[str, Any], runner_up: str) -> Decision:
    text = (
        f"An atom at {deaf['near']:.2f} Å is not felt while one of its element at {deaf['far']:.2f} Å is "
        f"({deaf['neighbours']} neighbours are)."
    )
    return say("neighbour-limit", f, text, runner_up, "nearer atoms are left out, not certain ones")
