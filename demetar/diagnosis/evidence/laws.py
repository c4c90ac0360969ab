"""Another law that fits exactly: other axes, the other parity, rows in another order, no turning."""

from __future__ import annotations

from itertools import permutations

import numpy as np

from demetar.diagnosis.answers import Rows
from demetar.diagnosis.asked import Asked
from demetar.diagnosis.evidence.groups import elements_of
from demetar.diagnosis.moves import Ruler, carried, crooked, element, orientations, turned
from demetar.diagnosis.record import Evidence

EXACT = 1e-7


def laws(asked: Asked, ruler: Ruler) -> Evidence:
    """Marks: axes-law, transposed-law, still-law, parity-law, rows-elsewhere."""
    graph = crooked(asked)
    base = asked.one(graph)
    vectors = [k for k, v in asked.kinds.items() if v.irreps in ("1x1o", "1x1e")]
    turns = [orientations(3, seed=2)[i] for i in range(3)]
    seen = asked.many([carried(g, graph) for g in turns])

    def fits(names: list[str], matrix) -> float:
        """The largest Δ if vectors turned by matrix(R) in place of R."""
        return max(
            (
                ruler.apart(k, base[k] @ matrix(g.matrix).T + g.shift, after[k])
                for g, after in zip(turns, seen, strict=True)
                for k in names
            ),
            default=np.inf,
        )

    broken = [k for k in vectors if fits([k], lambda r: r) > EXACT]
    numbers: dict[str, float] = {"declared": fits(broken, lambda r: r) if broken else 0.0}
    for order in permutations(range(3)):
        p = np.eye(3)[list(order)]
        if order != (0, 1, 2):
            name = "".join("xyz"[i] for i in order)
            numbers[name] = fits(broken, lambda r, p=p: p @ r @ p.T)
    numbers["transposed"] = fits(broken, lambda r: r.T)
    numbers["not turned"] = fits(broken, lambda r: np.eye(3))
    axes = {k: v for k, v in numbers.items() if k not in ("declared", "transposed", "not turned")}
    marks = {
        "axes-law": bool(broken) and min(axes.values()) < EXACT,
        "transposed-law": bool(broken) and numbers["transposed"] < EXACT,
        "still-law": bool(broken) and numbers["not turned"] < EXACT,
    }
    numbers["other parity"] = other = _other_parity(asked, ruler, base, graph)
    marks["parity-law"] = other < EXACT
    marks["rows-elsewhere"] = _elsewhere(asked, ruler, base, graph)
    return Evidence("other laws", _sentence(marks, axes), marks, numbers)


def _other_parity(asked: Asked, ruler: Ruler, base: Rows, graph) -> float:
    g = element(-np.eye(3))
    after = asked.one(carried(g, graph))
    wrong = [k for k, d in ruler.delta(g, base, after).items() if d > EXACT]
    opposite = [ruler.apart(k, -turned(asked.kinds[k], base[k], g), after[k]) for k in wrong]
    return max(opposite, default=np.inf)


def _elsewhere(asked: Asked, ruler: Ruler, base: Rows, graph) -> bool:
    """Whether rows by particle come out right and in other places, under some group or beside a value."""
    names = [k for k, v in asked.kinds.items() if v.per == "node"]
    n = len(graph.species)
    if not names or n < 2:
        return False
    chosen = elements_of(n, asked.positions)
    found = []
    for g in [*chosen["S_n"][:2], *chosen["SO"][:2]]:
        after = asked.one(carried(g, graph))
        for k in names:
            expected = turned(asked.kinds[k], base[k], g)
            limit = (EXACT + ruler.explained(k)) * ruler.unit[k]
            if ruler.apart(k, expected, after[k]) > EXACT:
                found.append(_same_rows(expected, after[k], limit))
    return bool(found) and all(found)


def _same_rows(a: np.ndarray, b: np.ndarray, limit: float) -> bool:
    """Whether each row of one stands in the other, some in another place, and they are not all alike."""
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return False
    apart = np.abs(a[:, None] - b[None]).max(-1)
    nearest = apart.argmin(1)
    moved = len(set(nearest)) == len(a) and bool((nearest != np.arange(len(a))).any())
    return moved and bool((apart.min(1) <= 10 * limit).all())


def _sentence(marks: dict[str, bool], axes: dict[str, float]) -> str:
    texts = {
        "axes-law": f"Vectors fit exactly as {min(axes, key=lambda k: axes[k])}." if axes else "",
        "transposed-law": "Vectors fit exactly with the transposed matrix.",
        "still-law": "Vectors that should turn stay as they are.",
        "parity-law": "The opposite parity fits exactly.",
        "rows-elsewhere": "The right rows stand in other places.",
    }
    return " ".join(text for mark, text in texts.items() if marks[mark]) or "No other law fits."
