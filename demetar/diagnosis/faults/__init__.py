"""Faults of symmetry that can be switched on in a small model, one file each with its real report.

    faults.names()                       # the words of the faults
    faults.load("vector-bias")           # a Fault: word, sentence, report, fingerprint, make()
    faults.sound()                       # the small model without a fault, a function Graph -> Output
    faults.make("vector-bias", "parity") # the same with faults in it

The same words give the same function, so that taking a fault back gives the digits there were before.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import pkgutil
from collections.abc import Callable
from typing import Any

from demetar.core.graph import Graph
from demetar.core.output import Output
from demetar.core.registry import unknown
from demetar.diagnosis.causes import cause
from demetar.diagnosis.faults._small import Hooks, Small

Function = Callable[[Graph], Output]


@dataclasses.dataclass(frozen=True)
class Fault:
    """A fault that can be switched on. `fingerprint`: marks of evidence that it has to leave, or not.

    `report` says where it happened and `source` links there, both empty where it is common knowledge.
    """

    word: str
    sentence: str
    report: str
    source: str
    fingerprint: dict[str, bool]
    switch: Callable[..., Hooks]

    def make(self, **settings: Any) -> Function:
        """The small model with this fault in it, a new function."""
        return Small(self.switch(**settings))


def names() -> list[str]:
    """The words of the faults, in alphabetical order."""
    found = (m.name for m in pkgutil.iter_modules(__path__))
    return sorted(name.replace("_", "-") for name in found if not name.startswith("_"))


def load(word: str) -> Fault:
    """The fault of that word; InputError with the closest one on a miss."""
    known = names()
    if word not in known:
        raise unknown("a fault", known, word)
    m = importlib.import_module(f"{__name__}.{word.replace('-', '_')}")
    return Fault(word, cause(word).sentence, m.REPORT, m.SOURCE, m.FINGERPRINT, m.switch)


@functools.cache
def make(*words: str) -> Function:
    """The small model with these faults in it, in that order; the same function for the same words."""
    hooks: dict[str, Any] = {}
    for word in words:
        for place, hook in load(word).switch().items():
            hooks[place] = _after(hooks[place], hook, place) if place in hooks else hook
    return Small(hooks)


def _after(first: Any, second: Any, place: str) -> Any:
    if place == "product":  # the second stands for the whole product
        return second
    if place == "call":
        return lambda f, graph: second(lambda g: first(f, g), graph)
    return lambda inside, value, *rest: second(inside, first(inside, value, *rest), *rest)


def sound() -> Function:
    """The small model without a fault."""
    return make()
