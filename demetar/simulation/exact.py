"""The published N-body benchmark, rounded as its own program rounds, so that chaos agrees too.

A close encounter multiplies a difference in the last bit of a sum by 1e10 and more. The published
program squares distances as |a|^2 + |b|^2 - 2 a.b, its BLAS forms a.b with fused multiply-adds, and
NumPy's `power` takes the cube of the root. Repeating these roundings gives its trajectories to
float32 rounding in every simulation; any other order gives them in fifteen of sixteen.
NumPy, not JAX: XLA contracts products and sums as it sees fit, which is just what must not happen.
(NumPy's `power` is not rounded alike on every processor, nor was it for the authors.)
"""

import functools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from jaxtyping import Float

from demetar.core.remarks import following
from demetar.simulation.laws import LAWS, SIMULATING, TIME_STEP

_BLOCK = 500  # systems whose pairs fit into a cache; of 2,000 memory was asked for anew each step
_TOLD = 50  # steps between two words about how far it is


def _halves(
    a: Float[np.ndarray, "pairs systems"],
) -> tuple[Float[np.ndarray, "pairs systems"], Float[np.ndarray, "pairs systems"]]:
    """Veltkamp's splitting: a = high + low, each of half as many bits."""
    high = 134217729.0 * a
    low = high - a
    np.subtract(high, low, out=high)
    return high, np.subtract(a, high, out=low)


def _fused(
    a: Float[np.ndarray, "pairs systems"],
    b: Float[np.ndarray, "pairs systems"],
    c: Float[np.ndarray, "pairs systems"],
) -> Float[np.ndarray, "pairs systems"]:
    """a * b + c rounded once: Veltkamp's splitting, Dekker's product and Knuth's sum.

    With p = a b and t = p + c rounded, u = t - p: t + ((p - (t - u)) + (c - u) + e), where e =
    low low - (((p - high high) - low high) - high low). In place: fresh arrays cost five times as much.
    """
    product = a * b
    (a_high, a_low), (b_high, b_low) = _halves(a), _halves(b)
    rest = a_high * b_high
    np.subtract(product, rest, out=rest)
    rest -= np.multiply(a_low, b_high, out=b_high)
    rest -= np.multiply(a_high, b_low, out=a_high)
    error = np.multiply(a_low, b_low, out=a_low)
    error -= rest
    total = product + c
    part = np.subtract(total, product, out=rest)
    product -= np.subtract(total, part, out=b_high)
    product += np.subtract(c, part, out=part)
    product += error
    total += product
    return total


@functools.cache
def _pairs(n: int) -> tuple[np.ndarray, np.ndarray, tuple[tuple[int, int, int], ...]]:
    """Both ends of each pair i < j, and (i, j, number) in the order in which forces are summed."""
    first, second = np.triu_indices(n, 1)
    number = {(int(i), int(j)): k for k, (i, j) in enumerate(zip(first, second))}
    every = ((i, j) for i in range(n) for j in range(n) if i != j)
    return first, second, tuple((i, j, number[min(i, j), max(i, j)]) for i, j in every)


def _forces(
    x: Float[np.ndarray, "3 n systems"], products: Float[np.ndarray, "pairs systems"], limit: float
) -> Float[np.ndarray, "3 n systems"]:
    """Forces [3, n, S] at positions [3, n, S]; `products` of charges [pairs, S], pairs i < j."""
    first, second, every = _pairs(x.shape[1])
    squares = x * x
    norms = (squares[0] + squares[1]) + squares[2]
    a, b = x[:, first], x[:, second]
    dot = _fused(a[2], b[2], _fused(a[1], b[1], a[0] * b[0]))
    dot *= 2
    square = norms[first] + norms[second]
    square -= dot
    np.power(square, 1.5, out=square)
    pull = np.subtract(a, b, out=a)
    pull *= np.divide(products, square, out=square)
    force = np.zeros_like(x)
    for i, j, number in every:
        add = np.add if i < j else np.subtract
        add(force[:, i], pull[:, number], out=force[:, i])
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
