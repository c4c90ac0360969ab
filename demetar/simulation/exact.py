"""The published N-body benchmark, rounded as its own program rounds, so that chaos agrees too.

A close encounter multiplies a difference in the last bit of a sum by 1e10 and more. The published
program squares distances as |a|^2 + |b|^2 - 2 a.b, its BLAS forms a.b with fused multiply-adds, and
NumPy's `power` takes the cube of the root. Repeating these roundings gives its trajectories to
float32 rounding in every simulation; any other order gives them in fifteen of sixteen.
NumPy, not JAX: XLA contracts products and sums as it sees fit, which is just what must not happen.
(NumPy's `power` is not rounded alike on every processor, nor was it for the authors.)
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from jaxtyping import Float

from demetar.core.remarks import following
from demetar.simulation.laws import LAWS, SIMULATING, TIME_STEP

_BLOCK = 2000
_TOLD = 50  # steps between two words about how far it is


def _fused(
    a: Float[np.ndarray, "pairs systems"],
    b: Float[np.ndarray, "pairs systems"],
    c: Float[np.ndarray, "pairs systems"],
) -> Float[np.ndarray, "pairs systems"]:
    """a * b + c rounded once: Veltkamp's splitting, Dekker's product and Knuth's sum."""
    product = a * b
    scaled = 134217729.0 * a
    a_high = scaled - (scaled - a)
    a_low = a - a_high
    scaled = 134217729.0 * b
    b_high = scaled - (scaled - b)
    b_low = b - b_high
    error = a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)
    total = product + c
    part = total - product
    return total + ((product - (total - part)) + (c - part) + error)


def _forces(
    x: Float[np.ndarray, "3 n systems"], products: Float[np.ndarray, "pairs systems"], limit: float
) -> Float[np.ndarray, "3 n systems"]:
    """Forces [3, n, S] at positions [3, n, S]; `products` of charges [pairs, S], pairs i < j."""
    n = x.shape[1]
    first, second = np.triu_indices(n, 1)
    squares = x * x
    norms = (squares[0] + squares[1]) + squares[2]
    a, b = x[:, first], x[:, second]
    dot = _fused(a[2], b[2], _fused(a[1], b[1], a[0] * b[0]))
    square = (norms[first] + norms[second]) - 2 * dot
    pull = products / np.power(square, 1.5) * (a - b)
    force = np.zeros_like(x)
    pair = np.zeros((n, n), int)
    pair[first, second] = pair[second, first] = np.arange(len(first))
    for i in range(n):
        for j in range(n):
            if i < j:
                force[:, i] += pull[:, pair[i, j]]
            elif j < i:
                force[:, i] -= pull[:, pair[i, j]]
    return np.clip(force, -limit, limit, out=force)


def _run(
    x: Float[np.ndarray, "systems n 3"],
    v: Float[np.ndarray, "systems n 3"],
    charges: Float[np.ndarray, "systems n"],
    steps: Sequence[int],
    told: Callable[[float], None],
) -> list[tuple[Float[np.ndarray, "systems n 3"], Float[np.ndarray, "systems n 3"]]]:
    first, second = np.triu_indices(charges.shape[1], 1)
    products = np.ascontiguousarray((charges[:, first] * charges[:, second]).T)
    x, v = np.ascontiguousarray(x.T), np.ascontiguousarray(v.T)
    frames = []
    for step in range(1, steps[-1] + 1):
        v += TIME_STEP * _forces(x, products, LAWS["published"].limit)
        x += TIME_STEP * v
        if step % _TOLD == 0:
            told(charges.shape[0] * _TOLD / steps[-1])
        if step in steps:
            frames.append((x.T.copy(), v.T.copy()))
    return frames


def simulate_exact(
    positions: Float[np.ndarray, "systems n 3"],
    velocities: Float[np.ndarray, "systems n 3"],
    charges: Float[np.ndarray, "systems n"],
    steps: Sequence[int],
) -> tuple[Float[np.ndarray, "frames systems n 3"], Float[np.ndarray, "frames systems n 3"]]:
    """Positions and velocities [frames, S, n, 3] of the published law after the steps in `steps`.

    Takes and gives what `demetar.simulation.simulate.simulate` does with variant="published", but slower.
    """

    tell, number, done = following(), len(positions), [0.0]

    def told(systems: float) -> None:
        done[0] += systems  # two threads may lose one: it is words only
        tell(SIMULATING, min(int(done[0]), number), number)

    def part(start: int):
        rows = slice(start, start + _BLOCK)
        return _run(positions[rows], velocities[rows], charges[rows], steps, told)

    with ThreadPoolExecutor(2) as pool:
        parts = list(pool.map(part, range(0, len(positions), _BLOCK)))
    x, v = (
        np.stack([np.concatenate([p[frame][k] for p in parts]) for frame in range(len(steps))])
        for k in (0, 1)
    )
    return x, v
