"""Batches of group elements and how graphs, values and features transform under them.

An element acts on a system as x_i -> R x_p(i) + t: first the nodes are renumbered by the
permutation p (new node i is old node p[i]), then the matrix R and the shift t move them. Velocities
turn without the shift. R is orthogonal, or a positive multiple of it for similarities.
"""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any, no_type_check

import jax
import numpy as np
from jaxtyping import Bool, Float, Integer

from demetar.core.arrays import Array


@partial(
    jax.tree_util.register_dataclass,
    data_fields=["matrix", "shift", "permutation"],
    meta_fields=[],
)
@no_type_check  # jax builds it anew with shapes, tracers, None in the fields
@dataclasses.dataclass(frozen=True)
class Elements:
    """Group elements: matrix [..., 3, 3], shift [..., 3], permutation [..., nodes] or None."""

    matrix: Float[Array, "*samples 3 3"]
    shift: Float[Array, "*samples 3"]
    permutation: Integer[Array, "*samples nodes"] | None = None

    def __len__(self) -> int:
        return len(self.matrix)

    def __getitem__(self, index: Any) -> Elements:
        permutation = None if self.permutation is None else self.permutation[index]
        return Elements(self.matrix[index], self.shift[index], permutation)

    def moving(self) -> Bool[np.ndarray, "*samples"]:
        """Which elements [...] (bool) are not the identity and so can show anything."""
        away = np.any(self.matrix != np.eye(3), axis=(-2, -1)) | np.any(self.shift != 0, axis=-1)
        if self.permutation is None:
            return away
        return away | np.any(self.permutation != np.arange(self.permutation.shape[-1]), axis=-1)

    def astype(self, dtype: Any) -> Elements:
        """A copy with matrix and shift in `dtype`; sample in float64 and cast to measure."""
        return Elements(
            np.asarray(self.matrix, dtype), np.asarray(self.shift, dtype), self.permutation
        )


def identity(samples: int = 1) -> Elements:
    """The identity, `samples` times, float64 on the host."""
    return Elements(np.tile(np.eye(3), (samples, 1, 1)), np.zeros((samples, 3)))


def from_matrix(matrix: Float[Array, "... 3 3"]) -> Elements:
    """Elements without shift or permutation from matrices [..., 3, 3]."""
    matrix = np.asarray(matrix, np.float64).reshape(-1, 3, 3)
    return Elements(matrix, np.zeros((len(matrix), 3)))


def repeated(elements: Elements, times: int) -> Elements:
    """All elements, and all of them again."""
    return elements[np.tile(np.arange(len(elements)), times)]


def widened(elements: Elements, nodes: int) -> Elements:
    """The same elements with permutations of so many nodes, of which those at the end stay put."""
    if elements.permutation is None:
        return elements
    count = min(elements.permutation.shape[1], nodes)
    tail = np.tile(np.arange(count, nodes), (len(elements), 1))
    permutation = np.concatenate([elements.permutation[:, :count], tail], 1)
    return Elements(elements.matrix, elements.shift, permutation)


def led(elements: Elements, count: int) -> Elements:
    """The elements with the identity before them, `count` times."""
    still, p = identity(count), elements.permutation
    return Elements(
        np.concatenate([still.matrix, elements.matrix]),
        np.concatenate([still.shift, elements.shift]),
        p if p is None else np.concatenate([np.tile(np.arange(p.shape[1]), (count, 1)), p]),
    )


def rotations(count: int, seed: int) -> Float[np.ndarray, "{count} 3 3"]:
    """Uniformly random rotation matrices [count, 3, 3], float64, from unit quaternions."""
    w, x, y, z = np.random.default_rng(seed).standard_normal((4, count))
    norm = np.sqrt(w * w + x * x + y * y + z * z)
    w, x, y, z = w / norm, x / norm, y / norm, z / norm
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.array(rows), -1, 0)
