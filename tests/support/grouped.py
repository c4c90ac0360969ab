"""What contracts of groups share."""

import numpy as np

from demetar.core import registry
from demetar.symmetry import groups
from demetar.symmetry.elements import Elements

FILES = registry.names("groups")


NAMES = groups.names()


REAL = np.array([True] * 5 + [False] * 3)


# Matrices of a kind are also of each kind to its right.
KINDS = {
    "identity": {"identity", "±identity", "rotation", "orthogonal", "similarity"},
    "±identity": {"±identity", "orthogonal", "similarity"},
    "rotation": {"rotation", "orthogonal", "similarity"},
    "orthogonal": {"orthogonal", "similarity"},
    "similarity": {"similarity"},
}


EXPECTED = {  # kind of the matrices, whether shifts, whether permutations, dimension
    "ci": ("±identity", False, False, 0),
    "e3": ("orthogonal", True, False, 6),
    "o3": ("orthogonal", False, False, 3),
    "oh": ("orthogonal", False, False, 0),
    "se3": ("rotation", True, False, 6),
    "sim3": ("similarity", True, False, 7),
    "sn": ("identity", False, True, 0),
    "so3": ("rotation", False, False, 3),
    "t3": ("identity", True, False, 3),
}


def expected(file: str) -> tuple[str, bool, bool, int]:
    assert file in EXPECTED, f"say in EXPECTED what the elements of {file} look like"
    return EXPECTED[file]


def samples(name: str, count: int = 16, seed: int = 0) -> Elements:
    return groups.load(name).sample(np.random.default_rng(seed), count, REAL)


def kind(matrix: np.ndarray) -> str:
    """The narrowest kind that holds all the matrices [s, 3, 3]; raises if there is none."""
    square = np.swapaxes(matrix, 1, 2) @ matrix
    factor = square[:, 0, 0, None, None]
    np.testing.assert_allclose(square, factor * np.eye(3), atol=1e-13)
    if not np.allclose(factor, 1, atol=1e-13):
        return "similarity"
    if np.allclose(matrix, np.eye(3), atol=1e-13):
        return "identity"
    if np.allclose(matrix, matrix[:, :1, :1] * np.eye(3), atol=1e-13):
        return "±identity"
    return "rotation" if (np.linalg.det(matrix) > 0).all() else "orthogonal"
