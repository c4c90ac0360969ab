"""How a system and its rows turn on the host, how far two answers are apart, and in which unit."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from demetar.core.graph import Graph
from demetar.core.output import Kind
from demetar.diagnosis.answers import Rows
from demetar.diagnosis.asked import Asked
from demetar.symmetry.elements import Elements, from_matrix, rotations
from demetar.symmetry.irreps import parse_irreps, wigner
from demetar.symmetry.neighbours import moved

STILL = np.zeros(3)
VANISHING = 1e-12  # beside the largest output
# Times the steps of an output: what rounding makes of a turn, a shift by 10 or another order.
# Measured on functions in float32: at most 2.7 times; after a shift by 1,000, which costs positions
# in float32 their digits, 30 to 130 times.
ROUNDING = 10.0


def element(
    matrix: np.ndarray | None = None,
    shift: np.ndarray = STILL,
    permutation: np.ndarray | None = None,
) -> Elements:
    """One group element without a leading axis."""
    return Elements(np.eye(3) if matrix is None else matrix, np.asarray(shift, float), permutation)


def about(axis: np.ndarray, angle: float) -> Float[np.ndarray, "3 3"]:
    """The rotation by an angle (radians) about an axis through the origin, by Rodrigues' formula."""
    x, y, z = np.asarray(axis, float) / np.linalg.norm(axis)
    k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * (k @ k)


def canonical(graph: Graph) -> Graph:
    """The same graph with its edges in the order of receiver and sender, as graphs are built."""
    order = np.lexsort((graph.senders, graph.receivers))
    attributes = graph.edge_attributes
    return graph.replace(
        senders=np.asarray(graph.senders)[order],
        receivers=np.asarray(graph.receivers)[order],
        edge_mask=np.asarray(graph.edge_mask)[order],
        edge_attributes=None if attributes is None else np.asarray(attributes)[order],
    )


def carried(g: Elements, graph: Graph) -> Graph:
    """g·x with the edges carried along; a cell turns with it."""
    after = moved(g, graph)
    if graph.cell is not None:
        after = after.replace(cell=np.asarray(graph.cell, np.float64) @ np.asarray(g.matrix).T)
    return after if g.permutation is None else canonical(after)


@functools.cache
def _wigner(irrep: str):
    return jax.jit(lambda matrix: wigner(irrep, matrix))


def representation(irreps: str, matrix: np.ndarray) -> Float[np.ndarray, "dim dim"]:
    """D(g) [dim, dim] of e3nn's irreps, float64."""
    sign = np.sign(np.linalg.det(matrix))
    blocks = []
    for mul, irrep in parse_irreps(irreps):
        degree, odd = int(irrep[:-1]), irrep.endswith("o")
        if degree < 2:
            base = np.eye(1) if degree == 0 else sign * matrix
            block = base * sign if odd else base
        else:
            with jax.enable_x64(True):
                block = np.asarray(_wigner(irrep)(jnp.asarray(matrix, jnp.float64)))
        blocks += [block] * mul
    size = sum(len(b) for b in blocks)
    whole, start = np.zeros((size, size)), 0
    for block in blocks:
        whole[start : start + len(block), start : start + len(block)] = block
        start += len(block)
    return whole


def turned(kind: Kind, rows: np.ndarray, g: Elements) -> Float[np.ndarray, "rows dim"]:
    """D(g) of rows [rows, dim], as the kind says."""
    after = rows @ representation(kind.irreps, np.asarray(g.matrix)).T
    after = after + g.shift if kind.affine else after
    return after[g.permutation] if kind.per == "node" and g.permutation is not None else after


def rms(rows: np.ndarray) -> float:
    """Root mean square of all entries."""
    return float(np.sqrt(np.mean(np.square(rows)))) if rows.size else 0.0


def crooked(asked: Asked, seed: int = 0, size: float = 0.08, graph: Graph | None = None) -> Graph:
    """The system without a symmetry of its own: each particle moved by about `size` of a bond's length.

    Edges stay, so that a compiled function can be asked again. `graph`: another one of this system.
    """
    rng = np.random.default_rng((seed, 17))
    graph = asked.graph if graph is None else graph
    x = np.asarray(graph.positions, np.float64)
    after = graph.replace(positions=x + size * spacing(x) * rng.standard_normal(x.shape))
    if after.velocities is not None:
        v = np.asarray(after.velocities, np.float64)
        typical = max(rms(v), 1e-3)
        after = after.replace(velocities=v + size * typical * rng.standard_normal(v.shape))
    return after


def spacing(x: np.ndarray) -> float:
    """The median distance to the nearest particle, 1 for a single one."""
    if len(x) < 2:
        return 1.0
    apart = np.linalg.norm(x[:, None] - x[None], axis=-1) + 1e9 * np.eye(len(x))
    return float(max(np.median(apart.min(1)), 1e-6))


class Ruler:
    """How far answers are apart, in units of what each output usually does near this system.

    A difference of particles' rows is counted by root mean square. The unit of an invariant is its
    spread over crooked copies of the system, of places their displacement, of others their size.
    `grain` has the height of the steps of outputs that are rounded inside, in these units: what they
    explain counts as nothing, so that faults far above them are seen in float32 as well.
    """

    def __init__(self, asked: Asked, copies: int = 5, around: Graph | None = None) -> None:
        here = asked.graph if around is None else around
        graphs = [here, *(crooked(asked, seed, 0.12, here) for seed in range(1, copies))]
        found = [asked.first if around is None else asked.one(here), *asked.many(graphs[1:])]
        self.kinds = asked.kinds
        self.grain: dict[str, float] = {}
        self.swallowed = 0.0  # the largest difference that the grain explained
        self.unit = {k: _unit(kind, k, graphs, found) for k, kind in asked.kinds.items()}
        self.size = {k: _size([rows[k] for rows in found]) for k in asked.kinds}
        largest = max(self.size.values())
        for k, size in self.size.items():
            if size < VANISHING * max(
                largest, 1e-3
            ):  # zero but for rounding: it has no unit of its own
                self.unit[k] = max(largest, 1e-3)

    def apart(self, name: str, a: np.ndarray, b: np.ndarray) -> float:
        """Root mean square of the difference over the unit; infinite where one is no number."""
        if a.shape != b.shape or not (np.isfinite(a).all() and np.isfinite(b).all()):
            return float("inf")
        found = rms(a - b) / self.unit[name]
        if found > self.explained(name):
            return found
        self.swallowed = max(self.swallowed, found)
        return 0.0

    def explained(self, name: str) -> float:
        """What the rounding inside explains of a difference of this output; 0 where there is none."""
        return ROUNDING * self.grain.get(name, 0.0)

    @property
    def coarsest(self) -> float:
        """The largest grain."""
        return max(self.grain.values(), default=0.0)

    def delta(self, g: Elements, base: Rows, after: Rows) -> dict[str, float]:
        """Δ_EQ of each output: D(g) f(x) from f(g·x)."""
        return {
            k: self.apart(k, turned(kind, base[k], g), after[k]) for k, kind in self.kinds.items()
        }


def _size(rows: list[np.ndarray]) -> float:
    return max((rms(r) for r in rows if np.isfinite(r).all()), default=0.0)


def _unit(kind: Kind, name: str, graphs: list[Graph], found: list[Rows]) -> float:
    rows = np.stack([f[name] for f in found])
    rows = rows[np.isfinite(rows).all((1, 2))]
    tiny = np.finfo(float).tiny
    if not len(rows):
        return 1.0
    whole = max(rms(rows), tiny)
    if kind.affine:
        places = np.stack([np.asarray(g.positions) for g in graphs])
        if kind.per == "node" and rows.shape == places.shape:
            return max(rms(rows - places), 1e-3 * rms(places - places.mean(1, keepdims=True)), tiny)
        return max(rms(rows - rows.mean(0)), 1e-3 * whole)
    if all(int(ir[:-1]) == 0 for _, ir in parse_irreps(kind.irreps)):
        return max(rms(rows - rows.mean(0)), 1e-9 * whole)
    return whole


def orientations(count: int, seed: int = 0) -> Elements:
    """Random rotations."""
    return from_matrix(rotations(count, seed))
