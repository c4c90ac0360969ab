"""What travels over the channel: JSON either way, read with suspicion, written short.

A question: {"n": number, "view": token, "q": [x, y, z, w], "layers": bool, "judge": bool}. An answer:
{"n", "part", "ms", "models": [...]}; part "square" comes first (arrows and Δ; of bodies "truth" too, the
true path), part "verdict" after it, where no newer question waits or "judge" asks for it; asked with
"judge" it may come after the square of the next question. "ms" counts from the question, waiting included.
What cannot be answered is {"n", "error": word}: "view" (unknown or expired: the page gives another with its
next run), "question" (makes no sense) or "failed".
"""

from __future__ import annotations

import json
import math
from typing import Any, NamedTuple

MAX_BYTES = 1024  # of a question
MAX_RATE = 240  # questions a second that are read, averaged over PATIENCE seconds
PATIENCE = 2.0
MAX_CONNECTIONS = 256  # of all visitors together


class Question(NamedTuple):
    """One question: its number, whose view, which rotation (a unit quaternion), what is wanted."""

    n: int
    view: str
    q: tuple[float, float, float, float]
    layers: bool = False
    judge: bool = False


def read(text: str) -> Question | None:
    """The question in a message; None where it makes no sense."""
    try:
        found = json.loads(text)
        n, view, q = found["n"], found["view"], found["q"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if isinstance(n, bool) or not isinstance(n, int) or not 0 <= n < 2**53:
        return None
    if not isinstance(view, str) or not isinstance(q, list) or len(q) != 4:
        return None
    if not all(isinstance(c, int | float) and not isinstance(c, bool) for c in q):
        return None
    length = math.sqrt(sum(float(c) * float(c) for c in q)) if max(map(abs, q)) < 2 else 0.0
    if not abs(length - 1.0) < 1e-3:
        return None
    x, y, z, w = (float(c) / length for c in q)
    return Question(n, view, (x, y, z, w), found.get("layers") is True, found.get("judge") is True)


def write(
    n: int,
    part: str,
    seconds: float,
    models: list[dict[str, Any]],
    truth: dict[str, Any] | None = None,
) -> str:
    """An answer as text; `truth` is what the models are compared with, where that depends on g."""
    answer = {"n": n, "part": part, "ms": round(1e3 * seconds, 2), "models": models}
    if truth is not None:
        answer["truth"] = truth
    return json.dumps(answer, separators=(",", ":"), allow_nan=False)


def refusal(n: int | None, word: str) -> str:
    """An answer that says why there is none."""
    return json.dumps({"n": n, "error": word})
