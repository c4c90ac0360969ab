"""Which irreps couple to which, and by what coefficients."""

import functools
import itertools
from collections.abc import Iterable, Sequence
from math import sqrt

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from demetar.core.arrays import Array
from demetar.symmetry.clebsch_gordan import clebsch_gordan
from demetar.symmetry.irreps import Features, degree

Path = tuple[str, str, str]


def channels(features: Features) -> dict[str, int]:
    """Channels of each irrep."""
    return {irrep: x.shape[-1] for irrep, x in features.items()}


@functools.cache
def paths(left: tuple[str, ...], right: tuple[str, ...], out: tuple[str, ...]) -> tuple[Path, ...]:
    """The couplings (left, right, out) that degrees and parities allow, by output."""
    return tuple(
        (a, b, c)
        for c in out
        for a in left
        for b in right
        if abs(degree(a) - degree(b)) <= degree(c) <= degree(a) + degree(b)
        if (a[-1] == b[-1]) == (c[-1] == "e")
    )


def coupling(path: Path) -> np.ndarray:
    """√(2l+1) times the Clebsch–Gordan coefficients of a path, so that entries keep unit variance."""
    l1, l2, l3 = map(degree, path)
    return sqrt(2 * l3 + 1) * clebsch_gordan(l1, l2, l3)


def weight_count(given: dict[str, int], path_list: Iterable[Path]) -> int:
    """How many weights a row of convolve() takes: the channels of each path's input, together."""
    return sum(given[left] for left, _, _ in path_list)


def split(x: Float[Array, "..."], sizes: Sequence[int], axis: int) -> list[Float[Array, "..."]]:
    """Parts of x of the given sizes along an axis, which they fill.

    Of slices, each gradient would be a padded array of full size, and they would have to be added up.
    """
    assert sum(sizes) == x.shape[axis], f"{sizes} do not fill {x.shape[axis]} rows"
    return jnp.split(x, list(itertools.accumulate(sizes))[:-1], axis)
