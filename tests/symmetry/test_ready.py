"""What is held ready gives the digits of `measure`, whoever else is answered in the same call."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from demetar.core.errors import InputError
from demetar.core.graph import Graph
from demetar.symmetry import elements as isometry
from demetar.symmetry import groups
from demetar.symmetry.elements import Elements
from demetar.symmetry.equivariance import Measurement, measure
from demetar.symmetry.instruments.ready import Ready
from tests.support.measured import each_precision, faulty

NUMBERS = (
    "delta", "classic", "absolute", "scale", "prediction", "predict_then_move", "move_then_predict",
)  # fmt: skip


def drawn(graph: Graph, group: str) -> Elements:
    """Three elements of a group."""
    given = groups.load(group).covering(
        np.random.default_rng(0), 3, np.ones(len(graph.species), bool)
    )
    return isometry.widened(given, len(graph.species))


def differing(held: Any, graph: Graph, g: Elements, dtype: str) -> list[str]:
    """The numbers that are not those of each element measured alone, to the last digit."""
    found: list[Measurement] = held.measure(g, layers=True)
    wrong = []
    for k, one in enumerate(found):
        alone = measure(faulty, graph, dtype=dtype, elements=g[k : k + 1], rebuild=False)
        for name in NUMBERS:
            mine, theirs = getattr(one, name), getattr(alone, name)
            wrong += [f"{k} {name}" for n in theirs if not np.array_equal(mine[n], theirs[n])]
        for a, b in zip(one.layers, alone.layers, strict=True):
            wrong += [f"{k} {a.name}" for n in b.features if a.features[n] != b.features[n]]
    return wrong


@each_precision
@pytest.mark.parametrize("group", ["E(3)", "E(3) x S_n"])
def test_the_digits_are_those_of_each_element_alone(scene: Graph, dtype: str, group: str) -> None:
    g = drawn(scene, group)
    held = Ready(faulty, scene, dtype, g.permutation is not None)
    assert differing(held, scene, g, dtype) == []


class OfItsNeighbour:
    """Faulty: in a call of several each is given what belongs to the next."""

    def __init__(self, held: Ready) -> None:
        self.held = held

    def measure(self, g: Elements, layers: bool) -> list[Measurement]:
        found = self.held.measure(g, layers)
        return [
            dataclasses.replace(m, move_then_predict=found[k - 1].move_then_predict)
            for k, m in enumerate(found)
        ]


def test_answers_that_are_mixed_up_are_seen(scene: Graph) -> None:
    held = OfItsNeighbour(Ready(faulty, scene))
    wrong = differing(held, scene, drawn(scene, "E(3)"), "float32")
    assert set(wrong) == {f"{k} move_then_predict" for k in range(3)}


def test_a_system_beyond_the_budget_is_refused(
    scene: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEMETAR_MEMORY", "1e-6")
    with pytest.raises(InputError, match="memory budget"):
        Ready(faulty, scene)
