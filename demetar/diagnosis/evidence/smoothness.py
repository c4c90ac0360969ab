"""Jumps, kinks and ripples along paths on which one particle leaves the others, and along short ones.

On an even grid the fourth difference of a smooth function falls by 4⁴ where the grid is four times finer,
at a jump not at all, at a kink by 4. So each suspicious place is looked at ever closer, until the order
is clear. Ripples are what a polynomial of degree 14 leaves over an eighth of a bond's length.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from demetar.core.graph import Graph, connect
from demetar.diagnosis.asked import Asked
from demetar.diagnosis.evidence.dyadic import dyadic
from demetar.diagnosis.evidence.gradients import forces_of
from demetar.diagnosis.evidence.stairs import COARSE
from demetar.diagnosis.moves import Ruler, crooked, spacing
from demetar.diagnosis.record import Evidence

POINTS, REACH = 110, 6.5  # of a path, and how far it goes, in units of the spacing
LEVELS = 6
SPREAD = 0.03  # of the fourth difference: its median over its largest value, of ripples and steps
JUMP, KINK = 1e-6, 1e-4  # of the output's unit; of its unit over the spacing
# What a polynomial leaves, of an invariant over its range and of forces over their size. Measured on
# sound models: at most 2e-6 and 4e-6; 1.7e-3 of the forces where activations have corners in their
# second derivative (ANI-1x in float64).
RIPPLE, RIPPLE_OF_FORCES = 2e-4, 4e-3
# Of the polynomial: what varies quickly and is smooth has died out by then. Measured of a trained run of
# invariant attention: 9e-3 of the energy beyond degree 4, 2e-3 beyond 8, 8e-5 beyond 14.
DEGREE = 14
STEPPED = 30.0  # times the steps of an output that is rounded inside: its fourth difference by them


@dataclasses.dataclass(frozen=True)
class Spot:
    """A place on a path where an output is not smooth: its order is 0 at a jump and 1 at a kink."""

    output: str
    order: float
    size: float
    tie: bool


def smoothness(asked: Asked, ruler: Ruler, brief: bool = False) -> Evidence:
    """Marks: jump, kink, ties (they lie where two neighbours are equally far), ripples, binary-steps.

    `brief`: only the outermost particle leaves.
    """
    values = [k for k, v in asked.kinds.items() if (v.irreps, v.per) == ("1x0e", "graph")]
    forces = list(forces_of(asked))
    watched = values + forces or list(asked.kinds)
    redraw, length = _redrawn(asked), spacing(asked.positions)
    spots: list[Spot] = []
    for atom in _leavers(asked.positions)[: 1 if brief else 2]:
        spots += _along(asked, ruler, _leaving(asked, atom, redraw, length), watched, length)
    jumps = [s for s in spots if s.order < 0.5 and s.size > JUMP and s.output not in forces]
    kinks = [s for s in spots if s.output in values and 0.5 <= s.order < 1.5 and s.size > KINK]
    kinks += [s for s in spots if s.output in forces and s.order < 0.5 and s.size > 10 * JUMP]
    left = _ripples(asked, ruler, values, forces, length)
    marks = {
        "jump": bool(jumps),
        "kink": bool(kinks) and not jumps,
        "ties": bool(jumps or kinks) and all(s.tie for s in jumps or kinks),
        "ripples": any(v > (RIPPLE_OF_FORCES if k in forces else RIPPLE) for k, v in left.items()),
    }
    coarse = [k for k in values if left[k] > RIPPLE]
    marks["binary-steps"] = bool(coarse) and all(dyadic(asked, k, length) for k in coarse)
    numbers = {
        "jumps": [[s.output, s.size] for s in jumps],
        "kinks": [[s.output, s.size] for s in kinks],
        "ripples": left,
    }
    return Evidence("smoothness", _sentence(marks, jumps, kinks, left), marks, numbers)


def _sentence(marks: dict[str, bool], jumps: list[Spot], kinks: list[Spot], left: dict) -> str:
    parts = []
    if jumps:
        most = max(jumps, key=lambda s: s.size)
        parts.append(f"{most.output} jumps by {most.size:.0e} of its spread")
        parts[-1] += " where two neighbours are equally far" if marks["ties"] else ""
    if marks["kink"]:
        parts.append(f"{kinks[0].output} has a kink or a jump while the value is continuous")
    if marks["ripples"]:
        parts.append(f"there are ripples of {max(left.values()):.0e}")
    return (", ".join(parts) or "no jump, no kink and no ripple was met").capitalize() + "."


def _redrawn(asked: Asked) -> Callable[[Graph], Graph] | None:
    """How edges follow the particles: by a run's rule, by the cutoff that they show, or not at all."""
    graph = asked.graph
    n = len(graph.species)
    if len(graph.senders) >= n * (n - 1):
        return None
    if asked.rule is not None:
        return None if getattr(asked.f, "config", {}).get("connect") == "bonds" else asked.rule
    apart = np.linalg.norm(asked.positions[:, None] - asked.positions[None], axis=-1)
    joined = np.zeros((n, n), bool)
    joined[graph.receivers, graph.senders] = True
    inside, outside = apart[joined], apart[~joined & ~np.eye(n, dtype=bool)]
    if (
        not len(inside)
        or inside.max() >= outside.min()
        or inside.max() < 2 * spacing(asked.positions)
    ):
        return None
    cutoff = float((inside.max() + outside.min()) / 2)
    return lambda g: connect(g, cutoff)


def _leavers(x: np.ndarray) -> list[int]:
    """The outermost particle and one near the middle."""
    away = np.linalg.norm(x - x.mean(0), axis=1)
    order = np.argsort(away)
    return list(dict.fromkeys([int(order[-1]), int(order[len(order) // 2])]))


def _leaving(asked: Asked, atom: int, redraw, length: float) -> Callable[[float], Graph]:
    graph = crooked(asked)
    x = np.asarray(graph.positions, np.float64)
    u = x[atom] - x.mean(0)
    u = u + 0.2 * np.random.default_rng(9).normal(size=3) * max(np.linalg.norm(u), 0.1)
    u = u / np.linalg.norm(u) * length

    def at(s: float) -> Graph:
        y = x.copy()
        y[atom] += s * u
        moved = graph.replace(positions=y)
        return redraw(moved) if redraw else moved

    return at


def _along(
    asked: Asked, ruler: Ruler, at: Callable[[float], Graph], watched: list[str], length: float
) -> list[Spot]:
    grid = np.linspace(-0.15, REACH, POINTS)
    rows = asked.many([at(s) for s in grid])
    spots = []
    for name in watched:
        series = np.stack([r[name].ravel() for r in rows]) / ruler.unit[name]
        if not np.isfinite(series).all():
            continue
        noise = STEPPED * ruler.grain.get(name, 0.0)
        for i in _suspicious(_fourth(series), noise):
            spot = _closer(
                asked, ruler, at, name, grid[i], grid[1] - grid[0], _fourth(series)[i - 2]
            )
            if spot is not None:
                spots.append(spot)
    return spots


def _fourth(series: np.ndarray) -> np.ndarray:
    """Size [points − 4] of the fourth difference of a series [points, entries] at its inner points."""
    return np.abs(np.diff(series, 4, axis=0)).max(1)


def _suspicious(fourth: np.ndarray, noise: float = 0.0) -> list[int]:
    """Points of the grid whose fourth difference stands out of those around it, or is largest."""
    n = len(fourth)
    around = np.array(
        [
            np.median(
                np.concatenate([fourth[max(0, i - 8) : max(0, i - 2)], fourth[i + 3 : i + 9]])
            )
            for i in range(n)
        ]
    )
    peak = np.array([fourth[i] >= fourth[max(0, i - 2) : i + 3].max() for i in range(n)])
    seen = peak & (fourth > max(1e-9, 2 * noise))
    ranked = sorted(np.flatnonzero(seen), key=lambda i: -fourth[i] / max(around[i], 1e-13))[:3]
    return [int(i) + 2 for i in dict.fromkeys(ranked)]


def _closer(
    asked: Asked, ruler: Ruler, at, name: str, middle: float, step: float, first: float
) -> Spot | None:
    """What is left of the fourth difference when the grid is made finer around its largest value."""
    sizes, noise = [first], STEPPED * ruler.grain.get(name, 0.0)
    for level in range(LEVELS):
        grid = middle + np.linspace(-2 * step, 2 * step, 17)
        rows = asked.many([at(s) for s in grid])
        series = np.stack([r[name].ravel() for r in rows]) / ruler.unit[name]
        if not np.isfinite(series).all():
            return None
        fourth = _fourth(series)
        k = int(fourth.argmax())
        middle, step = float(grid[k + 2]), step / 4
        sizes.append(float(fourth[k]))
        if sizes[-1] < 1e-11 or (level >= 1 and sizes[-3] > 40**2 * sizes[-1]):
            return None  # smooth
        if sizes[-1] < noise:  # beyond it the steps alone are seen
            sizes, step = sizes[:-1], 4 * step
            break
    if len(sizes) < 3:
        return None
    last = sizes[-4:]
    order = float(np.log(last[0] / max(last[-1], 1e-300)) / np.log(4.0 ** (len(last) - 1)))
    size = sizes[-1] / 3 if order < 0.5 else sizes[-1] / (2 * step)
    return Spot(name, order, size, _tied(np.asarray(at(middle).positions), min(8 * step, 3e-3)))


def _tied(x: np.ndarray, limit: float) -> bool:
    """Whether some particle has two others at the same distance."""
    apart = np.sort(np.linalg.norm(x[:, None] - x[None], axis=-1), axis=1)[:, 1:]
    return bool((np.diff(apart, axis=1) < max(limit, 1e-6)).any())


def _ripples(
    asked: Asked, ruler: Ruler, values: list[str], forces: list[str], length: float
) -> dict[str, float]:
    """What a polynomial leaves along short straight paths, the median of three."""
    graph, rng = crooked(asked), np.random.default_rng(10)
    x, s = np.asarray(graph.positions, np.float64), np.linspace(-1, 1, 31)
    found: dict[str, list[float]] = {k: [] for k in values + forces}
    for _ in range(3):
        u = rng.normal(size=x.shape)
        u *= 0.06 * length / np.abs(u).max()
        rows = asked.many([graph.replace(positions=x + t * u) for t in s])
        for k, left in found.items():
            series = np.stack([r[k].ravel() for r in rows])
            fit = np.polynomial.chebyshev.chebfit(s, series, DEGREE)
            rest = np.abs(series - np.polynomial.chebyshev.chebval(s, fit).T).max()
            size = np.abs(series).max() if k in forces else np.ptp(series)
            fourth, noise = _fourth(series), 1e-14 * np.abs(series).max()
            if ruler.grain.get(k, 0.0) < COARSE:  # coarser steps may be the ripples themselves
                noise += ruler.explained(k) * ruler.unit[k]
            # A single jump or kink leaves as much, but at one place.
            if rest <= noise or np.median(fourth) < SPREAD * fourth.max():
                rest = 0.0
            left.append(float(rest / max(size, 1e-300)))
    return {k: float(np.median(v)) for k, v in found.items()}
