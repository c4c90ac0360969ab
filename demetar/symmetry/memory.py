"""How much memory a measurement may hold at once, known before it runs.

XLA says what a compiled program holds while it runs; that is compared with a budget, 1.5 GB unless an
argument or $DEMETAR_MEMORY (GB) says otherwise. A program beyond it is compiled for fewer elements at
once, and refused where one is still too many: 500 atoms with all pairs took 18 GB.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import jax

from demetar.core.errors import InputError
from demetar.core.graph import Graph
from demetar.symmetry import stored
from demetar.symmetry.comparison import SAMPLE_RUNGS

DEFAULT = 1.5  # GB
KEPT = 1024  # answers about programs
_EDGE = (
    2 * (4 + 4 + 1) + 4 * 8
)  # bytes of an edge on the host: a graph's and the stack's, its bond type
_NODE = 4 * 3 * 8  # bytes of a node in both ways around the square


class BeyondBudget(InputError):
    """A system that cannot be measured within the budget."""


def budget(given: float | None = None) -> float:
    """The budget in bytes; InputError unless it is a number above 0."""
    value = os.environ.get("DEMETAR_MEMORY", DEFAULT) if given is None else given
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = 0.0
    if not 0 < number < float("inf"):
        raise InputError(
            f"Expected a memory budget in GB above 0, got {value!r}; set DEMETAR_MEMORY or the "
            f"argument to a number such as {DEFAULT}."
        )
    return number * 1e9


def elements_at_once(count: int, edges: int, nodes: int, limit: float) -> int:
    """How many group elements are handed to one call, so that what belongs to them stays small."""
    most = limit / 16 / max(edges * _EDGE + nodes * _NODE, 1)
    if count <= most:
        return count
    return max((rung for rung in SAMPLE_RUNGS if rung <= most), default=1)


_known: dict[tuple, float] = {}  # asking XLA takes as long as a small model


def needed(function: Any, *arguments: Any) -> float:
    """Bytes that a jitted function holds while it runs on these arguments; it compiles it once."""
    key = (function, stored.sizes(arguments))
    if key not in _known:
        if len(_known) >= KEPT:
            _known.clear()
        _known[key] = _held(function, *arguments)
    return _known[key]


def _held(function: Any, *arguments: Any) -> float:
    found = function.lower(*arguments).compile().memory_analysis()
    if found is None:  # a backend that does not say
        return 0.0
    return float(
        found.temp_size_in_bytes + found.output_size_in_bytes + found.argument_size_in_bytes
    )


def fitting(
    function: Any,
    arguments: Callable[[int], tuple],
    most: int,
    limit: float,
    graph: Graph,
    dtype: str,
) -> int:
    """How many elements, at most so many, a jitted function of `arguments(number)` takes at once.

    Raises InputError where one is too many.
    """
    count = most
    while (held := needed(function, *arguments(count))) > limit and count > 1:
        count = max(1, min(count - 1, int(count * limit / held)))
    refuse(held, limit, graph, dtype)
    return count


def threads(function: Any, arguments: tuple, limit: float) -> int:
    """How many threads may call a jitted function by turns: a CPU's cores, as far as the budget holds them.

    Of small matrices XLA spreads few over cores by itself. Measured on two cores, one thread and two: 256
    rotations of ethanol through Equiformer 2.7 and 1.95 s, through SE(3)-Transformer 0.95 and 0.52.
    """
    if jax.default_backend() != "cpu":
        return 1
    mine = getattr(os, "sched_getaffinity", None)  # Linux: the cores that the process may use
    cores = len(mine(0)) if mine else os.cpu_count() or 1
    return max(1, min(cores, int(limit / max(needed(function, *arguments), 1))))


def refuse(held: float, limit: float, graph: Graph, dtype: str) -> None:
    """Raises InputError, which names the budget, where what one element needs is beyond it."""
    if held > limit:
        raise BeyondBudget(
            f"Expected a system that is measured within the memory budget of {limit / 1e9:g} GB, got "
            f"{len(graph.species)} particles with {len(graph.senders)} edges, which need "
            f"{held / 1e9:.2g} GB in {dtype}; "
            "choose a smaller system or a run that joins fewer pairs, or raise DEMETAR_MEMORY."
        )
