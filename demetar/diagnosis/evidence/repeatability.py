"""Whether the same call gives the same answer, at once and after calls for other systems."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np

from demetar.core.errors import InputError
from demetar.core.graph import Graph, connect
from demetar.core.output import Output, Value
from demetar.diagnosis.answers import called
from demetar.diagnosis.asked import Asked
from demetar.diagnosis.moves import spacing
from demetar.diagnosis.record import Evidence
from demetar.symmetry.instruments.repeat import repeatability as repeated

LIMIT = 2e-6  # relative; sums in another order of threads differ by less, in float32 too
TIMES = 3
STEADY = 1e-8  # relative, of a walk there and back, where the same call repeats
SIZES = (1.3, 2.5, 5.0)  # of the system, so that pairs leave the reach of most cutoffs
STEP, MOST, REACH = 0.25, 24, 7.0  # of a walk, in units of the spacing; to twice the size at least


def repeatability(asked: Asked) -> Evidence:
    """Marks: differs-at-once, differs-after-another (also: one answer for every system)."""

    def f(graph: Graph) -> Output:
        with asked.counted():
            rows = asked.checked(called(asked.f, graph), graph)
        return Output({k: Value(v, asked.kinds[k]) for k, v in rows.items()})

    # As a user calls it, so not the compiled function: what is drawn while JAX traces is drawn once.
    graph, x = asked.given, np.asarray(asked.given.positions, np.float64)
    with asked.precision("float64"):
        others = [graph.replace(positions=y) for y in (1.1 * x, x[:, [1, 2, 0]])]
        found = [
            repeated(f, graph, other, TIMES if i == 0 else 1) for i, other in enumerate(others)
        ]
        again = max(v for r in found for v in r.again.values())
        after = max(v for r in found for v in r.after.values())
        after = max(after, _listed(f, graph))
        walked = _walked(f, graph) if after <= LIMIT and again <= LIMIT else 0.0
        first = f(graph)
        same = all(
            np.array_equal(f(other)[k], first[k]) for other in others for k in first.values
        ) and any(first.values[k].kind.irreps == "1x1o" and first[k].any() for k in first.values)
        same = same or _coarse_key(f, graph, first)
        settles = again > LIMIT and _settles(f, graph)
    again, after, walked = (float(x) if np.isfinite(x) else 0.0 for x in (again, after, walked))
    walked = walked if walked > 30 * again else 0.0
    marks = {
        "differs-at-once": again > LIMIT and not settles,
        "differs-after-another": ((after > LIMIT or walked > STEADY) and again <= LIMIT)
        or same
        or settles,
    }
    after = max(after, walked)
    sentence = f"The same call repeated differs by {again:.0e}, after another call by {after:.0e}."
    if same:
        sentence = "Other systems get one and the same answer, to the last digit."
    if settles:
        sentence = (
            "The same call, repeated, settles step by step: something is carried from call to call."
        )
    return Evidence("repeatability", sentence, marks, {"again": again, "after": after})


def _coarse_key(f: Callable[[Graph], Output], graph: Graph, first: Output) -> bool:
    """Whether systems a thousandth of the spacing away get this one's answer, three numbers or more."""
    numbers = np.concatenate([np.ravel(first[k]) for k in first.values])
    wider = f(graph.replace(positions=1.1 * np.asarray(graph.positions, np.float64)))
    if np.count_nonzero(numbers) < 3 or all(
        np.array_equal(wider[k], first[k]) for k in first.values
    ):
        return False  # a function of the elements alone answers alike, too
    x, rng = np.asarray(graph.positions, np.float64), np.random.default_rng(16)
    near = [
        graph.replace(positions=x + 1e-3 * spacing(x) * rng.normal(size=x.shape)) for _ in range(2)
    ]
    return all(np.array_equal(f(g)[k], first[k]) for g in near for k in first.values)


def _settles(f: Callable[[Graph], Output], graph: Graph) -> bool:
    """Whether answers to one repeated call come ever closer, as of a running mean; chance would not."""
    rows = [f(graph) for _ in range(8)]
    names = list(rows[0].values)
    steps = [
        max(float(np.abs(b[k] - a[k]).max()) for k in names) for a, b in itertools.pairwise(rows)
    ]
    return all(0 < b < a for a, b in itertools.pairwise(steps))


def _listed(f: Callable[[Graph], Output], graph: Graph) -> float:
    """How far an answer after one for as many other particles is from one after another count.

    What is kept for a number of particles, such as a list of neighbours, is then an old one or a new one.
    """
    n = len(graph.species)
    if n < 3:
        return 0.0
    x = np.asarray(graph.positions, np.float64)[::-1]
    mine = connect(graph, None)
    parts = {
        k: None if getattr(graph, k) is None else np.asarray(getattr(graph, k))[::-1]
        for k in ("species", "velocities", "charges", "masses")
    }
    fewer = {k: None if v is None else v[1:] for k, v in parts.items()}
    found = 0.0
    try:
        short = connect(mine.replace(positions=x[1:], **fewer), None)
        for size in SIZES:
            other = connect(mine.replace(positions=size * x, **parts), None)
            f(short)
            fresh = f(other)
            f(short)
            f(graph)
            old = f(other)
            found = max(found, *(_relative(old[k], fresh[k]) for k in fresh.values))
    except (InputError, ValueError):  # it takes no other number of particles
        pass
    return found


def _walked(f: Callable[[Graph], Output], graph: Graph) -> float:
    """How far the answers on a walk to a wider system are from those on the way back, in small steps.

    A list of neighbours that is renewed after a large move alone, and has no skin for it, has on the way
    back not yet what came into reach, and on the way there all.
    """
    x, length = np.asarray(graph.positions, np.float64), spacing(graph.positions)
    arms = x - x.mean(0)
    across = max(float(np.linalg.norm(x[:, None] - x, axis=-1).max()), 1e-6)
    widest = max(2.0, REACH * length / across)
    outer = (widest - 1) * float(np.linalg.norm(arms, axis=1).max())
    steps = int(np.clip(outer / (STEP * length), 8, MOST))
    walk = [graph.replace(positions=x.mean(0) + s * arms) for s in np.linspace(1, widest, steps)]
    there = [f(g) for g in walk]
    back = [f(g) for g in walk[::-1]][::-1]
    return max(_relative(b[k], a[k]) for a, b in zip(there, back, strict=True) for k in a.values)


def _relative(a: np.ndarray, b: np.ndarray) -> float:
    apart, size = float(np.abs(a - b).max()), float(np.abs(b).max())
    return apart / max(size, np.finfo(float).tiny) if np.isfinite(apart + size) else 0.0
