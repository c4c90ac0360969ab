"""Whether the same call gives the same answer, at once and after calls for other systems."""

from __future__ import annotations

import numpy as np

from demetar.core.graph import Graph
from demetar.core.output import Output, Value
from demetar.diagnosis.answers import called, rows_of
from demetar.diagnosis.asked import Asked
from demetar.diagnosis.record import Evidence
from demetar.symmetry.instruments.repeat import repeatability as repeated

LIMIT = 1e-5  # relative; sums in another order of threads differ by less, in float32 too
TIMES = 3


def repeatability(asked: Asked) -> Evidence:
    """Marks: differs-at-once, differs-after-another (also: one answer for every system)."""

    def f(graph: Graph) -> Output:
        asked.evaluations += 1
        rows, kinds = rows_of(called(asked.f, graph), graph)
        return Output({k: Value(v, kinds[k]) for k, v in rows.items()})

    # As a user calls it, so not the compiled function: what is drawn while JAX traces is drawn once.
    graph, x = asked.given, np.asarray(asked.given.positions, np.float64)
    with asked.precision("float64"):
        others = [graph.replace(positions=y) for y in (1.1 * x, x[:, [1, 2, 0]])]
        found = [
            repeated(f, graph, other, TIMES if i == 0 else 1) for i, other in enumerate(others)
        ]
        again = max(v for r in found for v in r.again.values())
        after = max(v for r in found for v in r.after.values())
        first = f(graph)
        same = all(
            np.array_equal(f(other)[k], first[k]) for other in others for k in first.values
        ) and any(first.values[k].kind.irreps == "1x1o" and first[k].any() for k in first.values)
    again, after = (float(x) if np.isfinite(x) else 0.0 for x in (again, after))
    marks = {
        "differs-at-once": again > LIMIT,
        "differs-after-another": (after > LIMIT and again <= LIMIT) or same,
    }
    sentence = f"The same call repeated differs by {again:.0e}, after another call by {after:.0e}."
    if same:
        sentence = "Every system asked for gets one and the same answer, to the last digit."
    return Evidence("repeatability", sentence, marks, {"again": again, "after": after})
