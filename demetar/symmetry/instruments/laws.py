"""Which law an output obeys: its signs under inversion, and the irreps that fit where declared ones do not.

An output of irreps Γ must obey f(R x) = D_Γ(R) f(x). Rows of d numbers can turn in few ways, one for each way
to write d as a sum of odd parts 2l+1, and each part keeps or changes its sign under inversion (e or o;
M. Geiger, T. Smidt, arXiv:2207.09453, section 2). All are tried, so that a type that was declared wrongly is
not only refused: the right one is named.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from demetar.core.graph import Graph
from demetar.symmetry import equivariance
from demetar.symmetry.action import rotate_rows
from demetar.symmetry.elements import Elements, from_matrix, rotations
from demetar.symmetry.irreps import degree, parse_irreps

EXACT = 1e-7  # in float64, of an output's length: rounding leaves 1e-13
NOTHING = (
    1e-12  # a length, in the output's unit, below which there is nothing to tell laws apart by
)
WIDEST = 12  # numbers a row up to which other laws are tried: 2,048 ways of signs and degrees
TURNS = 4
Rows = Float[np.ndarray, "_rows _dim"]


@dataclasses.dataclass(frozen=True)
class Sign:
    """What inversion does to one irrep of an output: declared and measured, +1 or −1.

    `measured` is 0 where neither fits, None where the output vanishes. `share`: of the output's length.
    """

    irrep: str
    declared: int
    measured: int | None
    share: float


@dataclasses.dataclass(frozen=True)
class Law:
    """The law of one output. Errors are the largest over elements, relative to the output's length.

    `turns` and `inversion`: the errors of the declared irreps. `fits`: the irreps that fit exactly, the
    declared ones if they do; None if none does, or if the output vanishes.
    """

    declared: str
    turns: float
    inversion: float
    signs: tuple[Sign, ...]
    fits: str | None
    vanishes: bool

    @property
    def right(self) -> bool:
        """Whether the declared irreps fit exactly."""
        return self.fits == self.declared


def laws(
    f: Any, graph: Graph, declared: Mapping[str, str] | None = None, seed: int = 0
) -> dict[str, Law]:
    """The law of each output of `f` at a system, measured in float64 at four turns and the inversion.

    `declared`: irreps by output that are tried in place of what `f` says, such as {"dipole": "1x1e"}. A
    symmetric system hides laws (its dipole vanishes); move its atoms a little first.
    """
    elements = from_matrix(np.concatenate([rotations(TURNS, seed), -np.eye(3)[None]]))
    m = equivariance.measure(
        f, graph, dtype="float64", elements=elements, layers=False, rebuild=False
    )
    found = {}
    for name, kind in m.kinds.items():
        irreps = (declared or {}).get(name, kind.irreps)
        found[name] = law(irreps, elements, m.prediction[name], m.move_then_predict[name])
    return found


def law(
    declared: str, elements: Elements, before: Rows, after: Float[np.ndarray, "elements _rows _dim"]
) -> Law:
    """The law of rows f(x) and f(g·x), the inversion being the last element, turns before it."""
    size = float(np.linalg.norm(before))
    vanishes = not max(size, *(float(np.linalg.norm(rows)) for rows in after)) > NOTHING
    errors = [
        _apart(turned(declared, g, before), rows, size)
        for g, rows in zip(elements.matrix, after, strict=True)
    ]
    fits = declared if max(errors) < EXACT and not vanishes else None
    if fits is None and not vanishes:
        fits = _fitting(elements.matrix, before, after, size)
    signs = tuple(_signs(declared, before, after[-1], vanishes))
    return Law(declared, max(errors[:-1]), errors[-1], signs, fits, vanishes)


def turned(irreps: str, matrix: Float[np.ndarray, "3 3"], rows: Rows) -> Rows:
    """Rows of these irreps as they are after a group element with this matrix, float64."""
    with jax.enable_x64(True), jax.default_matmul_precision("highest"):
        return np.asarray(_rotated(irreps)(jnp.asarray(matrix), jnp.asarray(rows)))


@functools.lru_cache(64)
def _rotated(irreps: str) -> Any:
    return jax.jit(functools.partial(rotate_rows, irreps))


def _apart(expected: Rows, found: Rows, size: float) -> float:
    """The distance of rows, relative; what is no number is as wrong as can be."""
    distance = float(np.linalg.norm(expected - found))
    return distance / max(size, NOTHING) if np.isfinite(distance) else np.inf


def _blocks(irreps: str) -> Iterator[tuple[str, slice]]:
    start = 0
    for count, irrep in parse_irreps(irreps):
        for _ in range(count):
            end = start + 2 * degree(irrep) + 1
            yield irrep, slice(start, end)
            start = end


def _signs(irreps: str, before: Rows, after: Rows, vanishes: bool) -> Iterator[Sign]:
    size = float(np.linalg.norm(before))
    for irrep, place in _blocks(irreps):
        own = float(np.linalg.norm(before[:, place]))
        measured = None
        if not (vanishes or own < EXACT * size):
            measured = _sign(before[:, place], after[:, place], own)
        share = own / size if size else 0.0
        yield Sign(irrep, 1 if irrep[-1] == "e" else -1, measured, share)


def _sign(before: Rows, after: Rows, size: float) -> int:
    errors = {s: _apart(s * before, after, size) for s in (1, -1)}
    best = min(errors, key=lambda s: errors[s])
    return best if errors[best] < EXACT else 0


def _sums(total: int) -> Iterator[tuple[int, ...]]:
    """Degrees l whose sizes 2l+1 add up to `total`, in every order, the fewest terms first."""
    found: list[tuple[int, ...]] = []

    def grow(rest: int, parts: tuple[int, ...]) -> None:
        if rest == 0:
            found.append(parts)
        for size in range(1, rest + 1, 2):
            grow(rest - size, (*parts, size // 2))

    grow(total, ())
    return iter(sorted(found, key=len))


def _fitting(matrices: Any, before: Rows, after: Any, size: float) -> str | None:
    """The irreps that fit exactly under turns, each with the sign that inversion shows."""
    if before.shape[1] > WIDEST:
        return None
    for degrees in _sums(before.shape[1]):
        turning = "+".join(f"1x{l}e" for l in degrees)
        pairs = zip(matrices[:-1], after, strict=False)
        if not all(_apart(turned(turning, g, before), a, size) < EXACT for g, a in pairs):
            continue
        parts = []
        for sign in _signs(turning, before, after[-1], False):
            if sign.measured == 0:
                return None
            parts.append(f"1x{sign.irrep[:-1]}{'o' if sign.measured == -1 else 'e'}")
        return _merged(parts)
    return None


def _merged(parts: list[str]) -> str:
    """Terms of e3nn's notation with equal neighbours in one: 1x0e+1x0e is 2x0e."""
    found: list[tuple[int, str]] = []
    for part in parts:
        irrep = part.partition("x")[2]
        if found and found[-1][1] == irrep:
            found[-1] = (found[-1][0] + 1, irrep)
        else:
            found.append((1, irrep))
    return "+".join(f"{count}x{irrep}" for count, irrep in found)
