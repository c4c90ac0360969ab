"""Charged bodies moving under Coulomb's law: many systems at once, in float64 on the CPU.

The law is F_i = sum_j q_i q_j (x_i - x_j) / (|x_i - x_j|^2 + softening^2)^(3/2), in scene units
(charge, mass and Coulomb's constant are 1), stepped by semi-implicit Euler with dt = 0.001.

Two variants. `published` is the benchmark of Satorras, Hoogeboom, Welling, "E(n) Equivariant
Graph Neural Networks" (ICML 2021): no softening, but each Cartesian component of the force on a
body is held to +-100. That limit depends on the axes, so the benchmark is not rotation-equivariant.
`clean` has no limit and a softening of 0.1: the force is smooth, is the gradient of a potential,
conserves momentum and turns with the scene. A limit on the norm would turn with it too, but would
act on the sum of the forces on one body: with a kink, against Newton's third law, and conserving
neither momentum nor energy.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from demetar.errors import InputError

TIME_STEP = 0.001


class Law(NamedTuple):
    """A force law: softening length (scene units) and the largest force component."""

    softening: float
    limit: float


LAWS = {"published": Law(0.0, 100.0), "clean": Law(0.1, np.inf)}
_UNROLLED = 8
_BLOCK = 1024


def law(variant: str) -> Law:
    """The force law of a variant's name; InputError for another name."""
    if variant not in LAWS:
        raise InputError(
            f"The N-body variant must be one of {', '.join(LAWS)}, not {variant!r}; choose one."
        )
    return LAWS[variant]


def starts(
    count: int, n_bodies: int, rng: np.random.RandomState, recorded_frames: int = 49
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Random starts: positions, velocities [count, n, 3] float64 and charges [count, n] of +-1.

    Consumes `rng` in the order of the published generator: charges, positions (standard normal,
    scaled by (n/5)^(1/3), reflected at the walls of a box of half width 5), velocity directions
    (speed 0.5), then the 2 x frames x 3 x n normal numbers of its noise, whose size is 0.
    """
    sign, place, direction = [], [], []
    for _ in range(count):
        sign.append(rng.random_sample(n_bodies))
        place.append(rng.standard_normal((3, n_bodies)))
        direction.append(rng.standard_normal((3, n_bodies)))
        rng.standard_normal(2 * recorded_frames * 3 * n_bodies)
    charges = np.where(np.array(sign) < 0.5, -1.0, 1.0)
    x, v = np.array(place) * (n_bodies / 5.0) ** (1 / 3), np.array(direction)
    v = v * 0.5 / np.sqrt((v**2).sum(axis=1, keepdims=True))
    over, under = x > 5.0, x < -5.0
    v = np.where(over, -np.abs(v), np.where(under, np.abs(v), v))
    x = np.where(over, 10.0 - x, np.where(under, -10.0 - x, x))
    return np.ascontiguousarray(x.mT), np.ascontiguousarray(v.mT), charges


def _forces_pairwise(x, charge_products, softening, limit):
    # One array per coordinate and pair: XLA makes a single vectorised loop over systems of it,
    # five to ten times faster than the broadcast below, but four times slower to compile.
    n = x.shape[1]
    force = [[0.0] * n for _ in range(3)]
    for i in range(n):
        for j in range(i + 1, n):
            d = [x[k, i] - x[k, j] for k in range(3)]
            square = d[0] * d[0] + d[1] * d[1] + d[2] * d[2] + softening * softening
            size = charge_products[i, j] / (square * jnp.sqrt(square))
            for k in range(3):
                force[k][i] += size * d[k]
                force[k][j] -= size * d[k]
    return jnp.clip(jnp.array([jnp.array(row) for row in force]), -limit, limit)


def _forces_broadcast(x, charge_products, softening, limit):
    difference = x[:, :, None] - x[:, None, :]
    square = (difference**2).sum(0) + softening * softening
    itself = jnp.eye(x.shape[1], dtype=bool)[..., None]
    square = jnp.where(itself, 1.0, square)
    size = charge_products / (square * jnp.sqrt(square))
    return jnp.clip((size * difference).sum(2), -limit, limit)


@jax.jit
def _run(x, v, charges, masses, increments, softening, limit):
    """States [frames, 3, n, S] after each further number of steps in `increments`."""
    many = x.shape[2] >= 16 and x.shape[1] <= _UNROLLED
    forces = _forces_pairwise if many else _forces_broadcast
    products = charges[:, None] * charges[None, :]

    def step(_, state):
        x, v = state
        v = v + TIME_STEP * (forces(x, products, softening, limit) / masses)
        return x + TIME_STEP * v, v

    def frame(state, increment):
        state = jax.lax.fori_loop(0, increment, step, state)
        return state, state

    return jax.lax.scan(frame, (x, v), increments)[1]


def simulate(
    positions: np.ndarray,
    velocities: np.ndarray,
    charges: np.ndarray,
    steps: Sequence[int],
    variant: str = "clean",
    masses: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Positions and velocities [frames, S, n, 3] (float64) after each number of steps in `steps`.

    Takes positions and velocities [S, n, 3], charges and masses [S, n] (masses default to 1) in
    scene units. `steps` ascends; one step is a kick and a drift, so the velocity of a frame is the
    one that led to its position, and a frame can be continued as a start.
    """
    softening, limit = law(variant)
    increments = np.diff(np.asarray([0, *steps], dtype=np.int64))
    if (increments < 0).any():
        raise InputError(f"The steps to record must ascend from 0, not {list(steps)}; sort them.")
    masses = np.ones_like(charges, dtype=np.float64) if masses is None else masses
    count = len(positions)
    block = min(_BLOCK, 1 << max(count - 1, 0).bit_length())
    # Systems last, so that one instruction works on several of them.
    arrays = [np.asarray(a, np.float64).T for a in (positions, velocities, charges, masses)]

    def part(start: int):
        rows = np.minimum(np.arange(start, start + block), count - 1)
        with jax.enable_x64(True), jax.default_device(jax.devices("cpu")[0]):
            x, v, q, m = (a[..., rows] for a in arrays)
            out = _run(x, v, q, m, increments, softening, limit)
            return [np.asarray(a)[..., : count - start] for a in out]

    with ThreadPoolExecutor(2) as pool:
        parts = list(pool.map(part, range(0, count, block)))
    x, v = (np.concatenate(a, axis=-1).transpose(0, 3, 2, 1) for a in zip(*parts, strict=True))
    return np.ascontiguousarray(x), np.ascontiguousarray(v)
