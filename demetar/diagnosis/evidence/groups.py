"""Which groups break, each alone: shifts, rotations, the inversion, renumberings, an order of edges.

Everything is asked of the system itself and of a crooked copy of it, so that no symmetry of its own hides
an error; what breaks at the system and not at the copy comes from ties, poles or another special place.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from demetar.core.errors import InputError
from demetar.core.graph import Graph, connect
from demetar.diagnosis.asked import Asked
from demetar.diagnosis.moves import Ruler, carried, crooked, element, orientations
from demetar.diagnosis.record import Evidence
from demetar.symmetry.elements import Elements
from demetar.symmetry.neighbours import shuffled

# Δ in float64 above which a symmetry is broken. Measured on sound models: at most 2e-12 (DimeNet++).
BROKEN = 3e-10
FAR = 1000.0


def swap(n: int, i: int, j: int) -> np.ndarray:
    """The permutation that exchanges two of n particles."""
    order = np.arange(n)
    order[[i, j]] = j, i
    return order


def elements_of(n: int, x: np.ndarray, seed: int = 0) -> dict[str, list[Elements]]:
    """Group elements by what they belong to."""
    rng = np.random.default_rng(seed)
    u = rng.normal(size=(2, 3))
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    turns = orientations(8, seed)
    length = max(float(np.abs(x).max()), 1.0)
    pairs = [(i, j) for i in range(1, n) for j in range(i + 1, n)]
    some = [pairs[k] for k in rng.permutation(len(pairs))[:6]]
    firsts = rng.permutation(np.arange(1, n))[:5]
    return {
        "T": [element(shift=s * v) for s, v in ((length, u[0]), (10.0, u[1]))],
        "T-far": [element(shift=FAR * u[0])],
        "T-along-111": [element(shift=s * np.ones(3)) for s in (1.0, 7.0)],
        "SO": [turns[i] for i in range(8)],
        "C_i": [element(-np.eye(3))],  # alone: with a rotation it would break where rotations do
        "S_n": [element(permutation=rng.permutation(n)) for _ in range(4)] if n > 1 else [],
        "first": [element(permutation=swap(n, 0, int(i))) for i in firsts],
        "others": [element(permutation=swap(n, i, j)) for i, j in some],
    }


def worst(
    asked: Asked, ruler: Ruler, graph: Graph, elements: Iterable[Elements]
) -> dict[str, float]:
    """The largest Δ_EQ of each output over the elements, in float64, edges carried along."""
    base = asked.one(graph)
    found = dict.fromkeys(asked.kinds, 0.0)
    for g in elements:
        delta = ruler.delta(g, base, asked.one(carried(g, graph)))
        found = {k: max(found[k], delta[k]) for k in found}
    return found


def groups(asked: Asked, ruler: Ruler) -> Evidence:
    """Marks: breaks-T, -T-along-111, -SO, -C_i, -S_n (of the crooked copy), special, first-atom, …

    What the ruler's grain explains counts as nothing.
    """
    here, copy = asked.graph, crooked(asked)
    n = len(here.species)
    chosen = elements_of(n, asked.positions)
    if ruler.coarsest:  # what is rounded has fewer digits, the farther it is
        chosen["T"] = chosen["T"][:1]
    numbers = {k: worst(asked, ruler, copy, g) for k, g in chosen.items()}
    turned = worst(asked, ruler, carried(chosen["SO"][0], copy), chosen["C_i"])
    numbers["C_i"] = {k: max(v, turned[k]) for k, v in numbers["C_i"].items()}
    marks = {
        f"breaks-{k}": _largest(numbers[k]) > BROKEN for k in ("T", "T-along-111", "SO", "C_i")
    }
    marks["within-steps"] = ruler.swallowed > BROKEN
    marks["far-worse"] = not marks["breaks-T"] and _largest(numbers["T-far"]) > BROKEN
    renumbered = max(_largest(numbers[k]) for k in ("S_n", "first", "others"))
    marks["breaks-S_n"] = renumbered > BROKEN
    marks["only-first-atom"] = (
        marks["breaks-S_n"] and bool(chosen["others"]) and _largest(numbers["others"]) <= BROKEN
    )
    order = _edge_order(asked, ruler, copy)
    marks["edge-order"] = order > BROKEN
    special = {
        k: worst(asked, ruler, here, chosen[k]) for k in ("SO", "S_n", "C_i", "first", "others")
    }
    marks["special"] = any(
        _largest(v) > 100 * max(_largest(numbers[k]), BROKEN) for k, v in special.items()
    )
    marks["special-S_n"] = not marks["breaks-S_n"] and any(
        _largest(special[k]) > BROKEN for k in ("S_n", "first", "others")
    )
    if marks["breaks-S_n"] and not marks["only-first-atom"]:
        small = _of_few(asked, ruler, copy)
        if small is not None:
            marks["only-large"], numbers["few particles"] = small <= BROKEN, {"largest": small}
    values = [k for k, v in asked.kinds.items() if v.per == "graph" and v.irreps == "1x0e"]
    marks["values-hold"] = bool(values) and all(
        numbers[g][k] <= BROKEN for g in chosen for k in values
    )
    numbers["edges in another order"] = {"largest": order}
    numbers |= {f"{k}, system as it is": v for k, v in special.items()}
    marks["float64-finite"] = np.isfinite([_largest(numbers[k]) for k in chosen]).all().item()
    sentence = _sentence(numbers, marks)
    if ruler.coarsest:
        sentence += f" What rounding inside explains, {ruler.coarsest:.0e} a step, is left out."
    return Evidence("groups", sentence, marks, numbers)


def _largest(delta: dict[str, float]) -> float:
    return max(delta.values(), default=0.0)


def _edge_order(asked: Asked, ruler: Ruler, graph: Graph) -> float:
    if not len(graph.senders):
        return 0.0
    base, rng = asked.one(graph), np.random.default_rng(4)
    return max(
        _largest(ruler.delta(element(), base, asked.one(shuffled(graph, rng)))) for _ in range(2)
    )


def _of_few(asked: Asked, ruler: Ruler, graph: Graph) -> float | None:
    """The largest Δ under renumberings of three particles alone; None where they cannot be asked for."""
    found, rng = [], np.random.default_rng(6)
    n = len(graph.species)
    if n < 4:
        return None
    for _ in range(2):
        try:
            part = few(asked, graph, np.sort(rng.permutation(n)[:3]))
            found += [
                _largest(worst(asked, ruler, part, [element(permutation=np.array(p))]))
                for p in ((1, 0, 2), (2, 1, 0), (0, 2, 1))
            ]
        except (InputError, ValueError):
            return None
    return max(found)


def few(asked: Asked, graph: Graph, kept: np.ndarray) -> Graph:
    """The system of some particles alone, all pairs or the run's own rule."""
    parts = {
        k: None if getattr(graph, k) is None else np.asarray(getattr(graph, k))[kept]
        for k in ("velocities", "charges", "masses")
    }
    first = graph.replace(
        positions=np.asarray(graph.positions)[kept],
        species=np.asarray(graph.species)[kept],
        edge_attributes=None,
        **parts,
    )
    return asked.rule(first) if asked.rule else connect(first, None)


def _sentence(numbers: dict[str, dict[str, float]], marks: dict[str, bool]) -> str:
    names = {"T": "T(3)", "SO": "SO(3)", "C_i": "C_i", "S_n": "S_n"}
    parts = []
    for key, name in names.items():
        value = _largest(numbers[key])
        if key == "S_n":
            value = max(value, _largest(numbers["first"]), _largest(numbers["others"]))
        parts.append(f"{name} {'breaks' if marks[f'breaks-{key}'] else 'holds'} ({value:.0e})")
    text = "In float64, " + ", ".join(parts) + "."
    if marks["only-first-atom"]:
        text += " Only exchanges with the first atom break it."
    if marks.get("only-large"):
        text += " Three particles alone keep S_n."
    if marks["edge-order"]:
        text += " The order of the edges changes the answer."
    if marks["special"]:
        text += " The system as it stands breaks what its crooked copy keeps."
    return text
