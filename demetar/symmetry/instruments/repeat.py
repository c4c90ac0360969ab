"""Whether a function answers the same question twice in the same way.

Random choices inside a model (a local frame drawn anew at each call, equiformer_v2 issue 17) show for
every group element, the identity too; state that a call leaves behind shows only after another call. A
compiled measure sees neither: what is drawn while jax traces is drawn once. So this calls the
function itself.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float

from demetar.core.graph import Graph
from demetar.core.output import Output
from demetar.symmetry.neighbours import unpadded
from demetar.symmetry.scales import lengths


@dataclasses.dataclass(frozen=True)
class Repeatability:
    """Largest relative change of each output: at once `again`, and `after` a call for another system."""

    again: dict[str, float]
    after: dict[str, float]

    @property
    def exact(self) -> bool:
        """Whether nothing changed at all."""
        return not any([*self.again.values(), *self.after.values()])


def repeatability(
    f: Callable[[Graph], Output], graph: Graph, other: Graph | None = None, times: int = 3
) -> Repeatability:
    """How much the answers of f(graph) to repeated calls differ; `other` is asked in between.

    By default `other` is the same system, stretched by a tenth. A Run is called as it is used; a plain
    function is not compiled.
    """
    graph = unpadded(graph)
    if other is None:
        other = graph.replace(positions=1.1 * np.asarray(graph.positions, np.float64))
    first = _answer(f, graph)
    again = [_answer(f, graph) for _ in range(times)]
    f(other)
    return Repeatability(_change(first, again), _change(again[-1], [_answer(f, graph)]))


def _answer(f: Any, graph: Graph) -> dict[str, Float[np.ndarray, "_rows _dim"]]:
    return {k: np.asarray(v.array, np.float64) for k, v in f(graph).values.items()}


def _change(first: dict, answers: list[dict]) -> dict[str, float]:
    def one(name: str) -> float:
        base = first[name]
        apart = lengths(np.stack([a[name] - base for a in answers]))
        size = np.sqrt(np.square(base).sum())
        return float(np.max(apart / max(size, np.finfo(float).tiny)))

    return {name: one(name) for name in first}
