"""Blocks of a matrix as irreps: the change is orthogonal, turns as declared, and knows transposition."""

import jax
import numpy as np
import pytest
from scipy.linalg import block_diag
from scipy.spatial.transform import Rotation

from demetar.core.kinds import BLOCK
from demetar.models.nn.irreps import blocks
from demetar.symmetry.action import rotate_rows

M = -Rotation.from_rotvec([0.9, 0.5, -0.6]).as_matrix()
B = np.random.default_rng(0).normal(size=(4, 5, 5))


def test_coupling_is_orthogonal_and_comes_back() -> None:
    np.testing.assert_allclose(blocks.coupling() @ blocks.coupling().T, np.eye(25), atol=1e-13)
    np.testing.assert_allclose(blocks.uncouple(blocks.couple(B)), B, atol=1e-13)
    assert len(blocks.degrees()) == 25


@pytest.mark.parametrize("kind", [BLOCK, BLOCK.replace("1e", "1o"), BLOCK.replace("2e", "2o")])
def test_coupled_numbers_turn_as_declared(kind: str) -> None:
    d = block_diag(1, 1, M)
    with jax.enable_x64(True):
        turned = np.asarray(rotate_rows(kind, np.asarray(M), blocks.couple(B)))
    error = np.abs(turned - blocks.couple(d @ B @ d.T)).max()
    assert error < 1e-13 if kind == BLOCK else error > 0.1


def test_transposed() -> None:
    np.testing.assert_allclose(
        blocks.couple(B) @ blocks.transposing().T, blocks.couple(B.swapaxes(1, 2)), atol=1e-13
    )


def test_hydrogen_has_one_orbital() -> None:
    assert blocks.present(1).sum() == 1
    assert blocks.present(8).sum() == blocks.ORBITALS == 5
