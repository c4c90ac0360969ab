"""Why Δ_EQ is what it is, of a run or of the small model with faults in it. No Streamlit.

One diagnosis at a time on this server: it keeps two cores busy for up to half a minute. What has been found
is kept, so that an equal question is answered at once.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

from app.backend import molecules, nbody
from demetar import diagnose, from_atoms
from demetar.core.errors import InputError
from demetar.diagnosis import causes, faults
from demetar.diagnosis.faults import Fault
from demetar.runs.run import Run

SECONDS = 30.0
KEPT = 64
Progress = Callable[[float, str], bool]
_one = threading.Lock()
_known: OrderedDict[Hashable, Found] = OrderedDict()


@dataclass(frozen=True)
class Found:
    """A diagnosis as plain values; `other` says the runner-up's sentence."""

    cause: str
    sentence: str
    mends: str
    runner_up: str | None
    other: str
    evidence: list[dict[str, Any]]
    evaluations: int
    seconds: float
    left_out: tuple[str, ...]
    document: dict[str, Any]
    report: str


def switches() -> dict[str, Fault]:
    """The faults that can be switched on in the small model, by their words."""
    return {word: faults.load(word) for word in faults.names()}


def known(key: Hashable) -> Found | None:
    """What was found for this question before."""
    return _known.get(key)


def of_run(
    key: Hashable, run: Run, source: Any, progress: Progress, seconds: float = SECONDS
) -> Found:
    """The diagnosis of a run at a molecule or a scene, kept under `key`."""
    atoms = isinstance(source, molecules.Source)
    graph = (
        from_atoms(molecules.molecule(source), run.config.get("connect"))
        if atoms
        else nbody.to_graph(nbody.start(source))
    )
    return _found(key, run, graph, progress, seconds)


def of_small(
    key: Hashable, words: tuple[str, ...], source: Any, progress: Progress, seconds: float = SECONDS
) -> Found:
    """The diagnosis of the small model with these faults, or of the sound one."""
    graph = from_atoms(molecules.molecule(source))
    return _found(key, faults.make(*words), graph, progress, seconds)


def _found(key: Hashable, f: Any, graph: Any, progress: Progress, seconds: float) -> Found:
    if key in _known:
        return _known[key]
    if not _one.acquire(timeout=1.0):
        raise InputError(
            "Expected no other diagnosis at the same time, got one that runs for another visitor; ask "
            "again in half a minute."
        )
    try:
        d = diagnose(f, graph, seconds=seconds, progress=progress)
    finally:
        _one.release()
    other = causes.cause(d.runner_up).sentence if d.runner_up else ""
    document = d.document()
    _known[key] = Found(
        d.cause,
        d.sentence,
        d.mends,
        d.runner_up,
        other,
        document["evidence"],
        d.evaluations,
        d.seconds,
        d.left_out,
        document,
        d.report(),
    )
    while len(_known) > KEPT:
        _known.popitem(last=False)
    return _known[key]
