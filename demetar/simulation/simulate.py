"""Moving bodies under a pair force: many systems at once, in float64 on the CPU.

Five laws, in scene units, dt = 0.001. Between bodies at distance r along the unit vector u:

`published`  F = q_i q_j u / r^2, the benchmark of Satorras, Hoogeboom, Welling, "E(n) Equivariant
             Graph Neural Networks" (ICML 2021). Each Cartesian component of the force on a body is
             held to +-100, which depends on the axes: the law is not rotation-equivariant.
`clean`      the same force, softened: u r / (r^2 + 0.1^2)^(3/2), without a limit. It is the gradient
             of a potential, conserves momentum and turns with the scene. A limit on the norm would
             turn with it too, but would act on the sum of the forces on one body: with a kink,
             against Newton's third law, and conserving neither momentum nor energy.
`fuchs`      `published` in a box: a body that leaves [-5, 5]^3 is reflected, so the law commutes with
             neither translations nor rotations. The program of Fuchs, Worrall, Fischer, Welling,
             "SE(3)-Transformers" (NeurIPS 2020), after Kipf et al., "Neural Relational Inference"
             (ICML 2018).
`springs`    F = -0.1 r u between the pairs that a spring joins, in the same box and under the same
             limit: the spring law of Kipf et al. in three dimensions, as the programs of Satorras et
             al. and of Fuchs et al. have it.
`gravity`    F = -m_i m_j u r / (r^2 + 0.1^2)^(3/2): Brandstetter et al., "Geometric and Physical
             Quantities improve E(3) Equivariant Message Passing" (ICLR 2022).

All are stepped by semi-implicit Euler (a kick, then a drift), gravity by the leapfrog of its program
(half a kick, a drift, half a kick).
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Integer
from numpy.typing import ArrayLike

from demetar.core.arrays import Array
from demetar.core.errors import InputError
from demetar.core.remarks import following
from demetar.simulation.laws import SIMULATING, SPRING, TIME_STEP, Law, law

_Places = Float[Array, "3 n systems"]  # or velocities, forces: systems last
_UNROLLED = 8
_BLOCK = 1024
_BLOCK_LARGE = 64


def _size(
    square: Float[Array, "*#pairs"], weight: Float[Array, "*#pairs"], softening: float, source: str
) -> Float[Array, "..."]:
    """Force over displacement for squared distances and the pairs' weights (repulsion positive)."""
    if source == "springs":
        return -SPRING * weight
    square = square + softening * softening
    return (weight if source == "charges" else -weight) / (square * jnp.sqrt(square))


def _forces_pairwise(
    x: _Places, weights: Float[Array, "n n systems"], softening: float, source: str
) -> _Places:
    # One array per coordinate and pair: XLA makes a single vectorised loop over systems of it,
    # five to ten times faster than the broadcast below, but four times slower to compile.
    n = x.shape[1]
    force = [[0.0] * n for _ in range(3)]
    for i in range(n):
        for j in range(i + 1, n):
            d = [x[k, i] - x[k, j] for k in range(3)]
            size = _size(d[0] * d[0] + d[1] * d[1] + d[2] * d[2], weights[i, j], softening, source)
            for k in range(3):
                force[k][i] += size * d[k]
                force[k][j] -= size * d[k]
    return jnp.array([jnp.array(row) for row in force])


def _forces_cyclic(
    x: _Places, strengths: Float[Array, "n systems"], softening: float, source: str
) -> _Places:
    # Every pair once, as i and i + shift for half of all shifts: long arrays without a matrix of
    # pairs, fifty times faster than the broadcast for a hundred bodies of many systems.
    n = x.shape[1]
    twice, strength_twice = jnp.concatenate([x, x], 1), jnp.concatenate([strengths, strengths])

    def one(
        shift: Integer[Array, ""], sums: tuple[_Places, Float[Array, "3 2*n systems"]]
    ) -> tuple[_Places, Float[Array, "3 2*n systems"]]:
        ahead, behind = sums
        d = x - jax.lax.dynamic_slice_in_dim(twice, shift, n, 1)
        square = d[0] * d[0] + d[1] * d[1] + d[2] * d[2]
        weight = strengths * jax.lax.dynamic_slice_in_dim(strength_twice, shift, n, 0)
        once = jnp.where(2 * shift == n, 0.5, 1.0)  # the pairs of half a turn come twice
        pull = _size(square, once * weight, softening, source) * d
        moved = jax.lax.dynamic_slice_in_dim(behind, shift, n, 1) + pull
        return ahead + pull, jax.lax.dynamic_update_slice_in_dim(behind, moved, shift, 1)

    sums = jnp.zeros_like(x), jnp.zeros_like(twice)
    ahead, behind = jax.lax.fori_loop(1, n // 2 + 1, one, sums)
    return ahead - (behind[:, :n] + behind[:, n:])


def _forces_broadcast(
    x: _Places, weights: Float[Array, "n n systems"], softening: float, source: str
) -> _Places:
    difference = x[:, :, None] - x[:, None, :]
    itself = jnp.eye(x.shape[1], dtype=bool)[..., None]
    square = jnp.where(itself, 1.0, (difference**2).sum(0))
    size = _size(square, weights, softening, source)
    return (size * difference).sum(2)


def _reflect(x: _Places, v: _Places, box: float) -> tuple[_Places, _Places]:
    over, under = x > box, x < -box
    v = jnp.where(over, -jnp.abs(v), jnp.where(under, jnp.abs(v), v))
    return jnp.where(over, 2 * box - x, jnp.where(under, -2 * box - x, x)), v


def _force_function(x: _Places, strengths: Float[Array, "*n systems"], law: Law) -> Callable:
    """The fastest way to the forces for arrays of this shape."""
    function, n = _forces_broadcast, x.shape[1]
    if n > _UNROLLED and law.source != "springs":
        function = _forces_cyclic
    elif n <= _UNROLLED and x.shape[2] >= 16:
        function = _forces_pairwise
    if law.source != "springs" and function is not _forces_cyclic:
        strengths = strengths[:, None] * strengths[None]
    return lambda x: function(x, strengths, law.softening, law.source)


@partial(jax.jit, static_argnames=("law", "count"))
def _run(
    x: _Places,
    v: _Places,
    strengths: Float[Array, "*n systems"],
    masses: Float[Array, "n systems"],
    increments: Integer[Array, " frames"],
    law: Law,
    count: bool,
) -> tuple[
    Float[Array, "frames 3 n systems"],
    Float[Array, "frames 3 n systems"],
    Float[Array, "frames systems"],
]:
    """Positions, velocities [frames, 3, n, S] after each further number of steps in `increments`.

    `strengths` are charges or masses [n, S] or springs [n, n, S]. Third [frames, S]: with `count`
    the number of steps so far in which the limit acted, else zeros.
    """
    forces = _force_function(x, strengths, law)

    def acceleration(x: _Places) -> _Places:
        force = forces(x)
        limited = force if law.limit == np.inf else jnp.clip(force, -law.limit, law.limit)
        return limited / masses

    def drift(x: _Places, v: _Places) -> tuple[_Places, _Places]:
        x = x + TIME_STEP * v
        return (x, v) if law.box == np.inf else _reflect(x, v, law.box)

    def euler(
        _: Integer[Array, ""], state: tuple[_Places, _Places, Float[Array, " systems"]]
    ) -> tuple[_Places, _Places, Float[Array, " systems"]]:
        x, v, hits = state
        kick = acceleration(x)
        if count:
            hits = hits + (jnp.abs(kick * masses).max((0, 1)) >= law.limit)
        return *drift(x, v + TIME_STEP * kick), hits

    def leapfrog(
        _: Integer[Array, ""], state: tuple[_Places, _Places, _Places]
    ) -> tuple[_Places, _Places, _Places]:
        x, v, kick = state
        x, v = drift(x, v + TIME_STEP / 2 * kick)
        kick = acceleration(x)
        return x, v + TIME_STEP / 2 * kick, kick

    def frame(
        state: tuple[_Places, _Places, Float[Array, "... systems"]], increment: Integer[Array, ""]
    ) -> tuple:
        state = jax.lax.fori_loop(0, increment, leapfrog if law.leapfrog else euler, state)
        return state, (state[0], state[1], none if law.leapfrog else state[2])

    none = jnp.zeros(x.shape[2])
    third = acceleration(x) if law.leapfrog else none
    return jax.lax.scan(frame, (x, v, third), increments)[1]


def _strengths(
    variant: str,
    shape: tuple[int, int],
    charges: ArrayLike | None,
    masses: ArrayLike | None,
    springs: ArrayLike | None,
) -> Float[np.ndarray, "systems n ..."]:
    source = law(variant).source
    found = {"charges": charges, "masses": masses, "springs": springs}[source]
    expected = (*shape, shape[1]) if source == "springs" else shape
    if found is None or np.shape(found) != expected:
        raise InputError(
            f"Expected {source} of shape {list(expected)} for the law {variant!r}, got "
            f"{'none' if found is None else list(np.shape(found))}; give them."
        )
    return np.asarray(found, np.float64)


def simulate(
    positions: Float[np.ndarray, "systems n 3"],
    velocities: Float[np.ndarray, "systems n 3"],
    charges: ArrayLike | None,
    steps: Sequence[int],
    variant: str = "clean",
    masses: ArrayLike | None = None,
    springs: ArrayLike | None = None,
) -> tuple[Float[np.ndarray, "frames systems n 3"], Float[np.ndarray, "frames systems n 3"]]:
    """Positions and velocities [frames, S, n, 3] (float64) after each number of steps in `steps`.

    Takes positions and velocities [S, n, 3], charges and masses [S, n] (masses default to 1) in
    scene units, springs [S, n, n] (1 where a pair is joined); the law needs what makes its force.
    `steps` ascends. A frame can be continued as a start; but for gravity, a step is a kick and a
    drift, so the velocity of a frame is the one that led to its position.
    """
    x, v, _ = _blocks(positions, velocities, charges, steps, variant, masses, springs, False)
    return x, v


def limited_steps(
    positions: Float[np.ndarray, "systems n 3"],
    velocities: Float[np.ndarray, "systems n 3"],
    charges: Float[np.ndarray, "systems n"],
    steps: int,
    variant: str,
) -> Integer[np.ndarray, " systems"]:
    """In how many of the first `steps` steps the force limit acted on each of the systems [S]."""
    counted = _blocks(positions, velocities, charges, (steps,), variant, None, None, True)[2]
    return counted[0].astype(np.int64)


def _blocks(
    positions: Float[np.ndarray, "systems n 3"],
    velocities: Float[np.ndarray, "systems n 3"],
    charges: ArrayLike | None,
    steps: Sequence[int],
    variant: str,
    masses: ArrayLike | None,
    springs: ArrayLike | None,
    count: bool,
) -> tuple[
    Float[np.ndarray, "frames systems n 3"],
    Float[np.ndarray, "frames systems n 3"],
    Float[np.ndarray, "frames systems"],
]:
    """The results of `_run`, systems first, computed in blocks of systems by two threads."""
    increments = np.diff(np.asarray([0, *steps], dtype=np.int64))
    if (increments < 0).any():
        raise InputError(
            f"Expected steps to record that ascend from 0, got {list(steps)}; sort them."
        )
    number, n = np.shape(positions)[:2]
    masses = np.ones((number, n)) if masses is None else masses
    strengths = _strengths(variant, (number, n), charges, masses, springs)
    largest = _BLOCK if n <= _UNROLLED else _BLOCK_LARGE
    block = min(largest, 1 << max(number - 1, 0).bit_length())
    # Systems last, so that one instruction works on several of them.
    arrays = [np.asarray(a, np.float64).T for a in (positions, velocities, strengths, masses)]

    tell = following()

    def part(start: int):
        rows = np.minimum(np.arange(start, start + block), number - 1)
        with jax.enable_x64(True), jax.default_device(jax.devices("cpu")[0]):
            out = _run(*(a[..., rows] for a in arrays), increments, law(variant), count)
            return [np.asarray(a)[..., : number - start] for a in out]

    with ThreadPoolExecutor(2) as pool:
        parts = []
        for done in pool.map(part, range(0, number, block)):
            parts.append(done)
            tell(SIMULATING, min(len(parts) * block, number), number)
    x, v, hits = (np.concatenate(a, axis=-1) for a in zip(*parts, strict=True))
    x, v = (np.ascontiguousarray(a.transpose(0, 3, 2, 1)) for a in (x, v))
    return x, v, hits
