"""Random starts of moving bodies, drawn in the order in which the published programs draw them.

Each function consumes a NumPy legacy generator as its program does, also for the noise that the
program adds with size zero, so that the systems of a seed are the program's own.
"""

import numpy as np
from jaxtyping import Float


def _reflected(
    x: Float[np.ndarray, "systems 3 n"], v: Float[np.ndarray, "systems 3 n"]
) -> tuple[Float[np.ndarray, "systems n 3"], Float[np.ndarray, "systems n 3"]]:
    """Systems [S, 3, n] after reflection at the walls of a box of half width 5, as [S, n, 3]."""
    over, under = x > 5.0, x < -5.0
    v = np.where(over, -np.abs(v), np.where(under, np.abs(v), v))
    x = np.where(over, 10.0 - x, np.where(under, -10.0 - x, x))
    return np.ascontiguousarray(x.mT), np.ascontiguousarray(v.mT)


def _speed(direction: Float[np.ndarray, "systems 3 n"]) -> Float[np.ndarray, "systems 3 n"]:
    """Velocities [S, 3, n] of speed 0.5."""
    return direction * 0.5 / np.sqrt((direction**2).sum(axis=1, keepdims=True))


def charged(
    count: int, n_bodies: int, rng: np.random.RandomState, recorded_frames: int = 49
) -> tuple[
    Float[np.ndarray, "{count} {n_bodies} 3"],
    Float[np.ndarray, "{count} {n_bodies} 3"],
    Float[np.ndarray, "{count} {n_bodies}"],
]:
    """Positions, velocities [count, n, 3] float64 and charges [count, n] of +-1.

    In the order of the programs of Satorras et al. and Fuchs et al.: charges, positions (standard
    normal, scaled by (n/5)^(1/3), reflected at the walls of a box of half width 5), velocity
    directions (speed 0.5), then the 2 x frames x 3 x n numbers of the noise.
    """
    sign, place, direction = [], [], []
    for _ in range(count):
        sign.append(rng.random_sample(n_bodies))
        place.append(rng.standard_normal((3, n_bodies)))
        direction.append(rng.standard_normal((3, n_bodies)))
        rng.standard_normal(2 * recorded_frames * 3 * n_bodies)
    charges = np.where(np.array(sign) < 0.5, -1.0, 1.0)
    x = np.array(place) * (n_bodies / 5.0) ** (1 / 3)
    return *_reflected(x, _speed(np.array(direction))), charges


def sprung(
    count: int, n_bodies: int, rng: np.random.RandomState, recorded_frames: int = 49
) -> tuple[
    Float[np.ndarray, "{count} {n_bodies} 3"],
    Float[np.ndarray, "{count} {n_bodies} 3"],
    Float[np.ndarray, "{count} {n_bodies} {n_bodies}"],
]:
    """Positions, velocities [count, n, 3] float64 and springs [count, n, n] of 0 or 1, symmetric.

    Each pair is joined with probability 1/2. In the order of the program of Kipf et al.: springs,
    positions (normal, deviation 0.5), velocity directions (speed 0.5), the noise.
    """
    joined, place, direction = [], [], []
    for _ in range(count):
        joined.append(rng.random_sample((n_bodies, n_bodies)))
        place.append(rng.standard_normal((3, n_bodies)))
        direction.append(rng.standard_normal((3, n_bodies)))
        rng.standard_normal(2 * recorded_frames * 3 * n_bodies)
    lower = np.tril(np.array(joined) >= 0.5, -1).astype(np.float64)
    return *_reflected(0.5 * np.array(place), _speed(np.array(direction))), lower + lower.mT


def gravitating(
    count: int, n_bodies: int, rng: np.random.RandomState, recorded_frames: int = 50
) -> tuple[
    Float[np.ndarray, "{count} {n_bodies} 3"],
    Float[np.ndarray, "{count} {n_bodies} 3"],
    Float[np.ndarray, "{count} {n_bodies}"],
]:
    """Positions, velocities [count, n, 3] float64 and masses [count, n], all of them 1.

    In the order of the program of Brandstetter et al.: positions and velocities (standard normal,
    the velocities' mean taken off), then the 3 x frames x n x 3 numbers of the noise.
    """
    place, velocity = [], []
    for _ in range(count):
        place.append(rng.standard_normal((n_bodies, 3)))
        velocity.append(rng.standard_normal((n_bodies, 3)))
        rng.standard_normal(3 * recorded_frames * n_bodies * 3)
    x, v = np.array(place), np.array(velocity)
    return x, v - v.mean(axis=1, keepdims=True), np.ones((count, n_bodies))
