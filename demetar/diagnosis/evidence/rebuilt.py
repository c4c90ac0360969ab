"""The graph moved against the graph built again by the function's own rule."""

from __future__ import annotations

import numpy as np

from demetar.diagnosis.asked import Asked
from demetar.diagnosis.evidence.groups import BROKEN, elements_of
from demetar.diagnosis.moves import Ruler, canonical, carried, crooked
from demetar.diagnosis.record import Evidence


def rebuilt(asked: Asked, ruler: Ruler) -> Evidence:
    """Marks: edges-change, rebuilt-breaks (where the moved graph does not)."""
    if asked.rule is None:
        return Evidence(
            "graph built again", "The function has no rule of edges of its own.", {}, {}
        )
    moved = again = 0.0
    changed = 0
    for graph in (asked.graph, asked.rule(crooked(asked))):
        base = asked.one(graph)
        chosen = elements_of(len(graph.species), asked.positions, seed=2)
        for g in [*chosen["SO"][:3], *chosen["S_n"][:2]]:
            there = carried(g, graph)
            fresh = canonical(asked.rule(there))
            changed += _changed(there, fresh)
            moved = max(moved, *ruler.delta(g, base, asked.one(there)).values())
            again = max(again, *ruler.delta(g, base, asked.one(fresh)).values())
    marks = {"edges-change": changed > 0, "rebuilt-breaks": again > BROKEN >= moved}
    sentence = (
        f"Δ is {moved:.0e} with the edges carried along and {again:.0e} with them drawn again"
    )
    sentence += f"; {changed} edges came or went." if changed else "; the edges are the same."
    numbers = {"moved": moved, "rebuilt": again, "edges changed": changed}
    return Evidence("graph built again", sentence, marks, numbers)


def _changed(a, b) -> int:
    n = len(a.species)
    before, after = (np.asarray(g.receivers, np.int64) * n + np.asarray(g.senders) for g in (a, b))
    return len(np.setxor1d(before, after))
