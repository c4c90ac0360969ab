"""Standardised targets: what is taken off comes back, and nothing that a rotation would notice."""

import numpy as np
import pytest

from demetar.core.errors import InputError
from demetar.data import standardise
from demetar.data.systems import Systems

SIZES = np.array([3, 2, 4])
SPECIES = np.array([8, 1, 1, 6, 8, 6, 1, 1, 1], np.uint8)
ENERGY = {1: -13.5, 6: -1000.25, 8: -2000.5}


def systems(values: np.ndarray, forces: np.ndarray | None = None) -> Systems:
    return Systems(SIZES, np.zeros((9, 3)), values, "meV", SPECIES, forces=forces)


def composition() -> np.ndarray:
    owner = np.repeat(np.arange(3), SIZES)
    return np.array([sum(ENERGY[z] for z in SPECIES[owner == i]) for i in range(3)])[:, None]


def test_invariants_are_standardised_by_mean_and_mean_absolute_deviation() -> None:
    norm = standardise.fit(systems(np.array([[1.0], [3.0], [8.0]])), "scalar")
    assert (norm.mean, norm.scale) == (4.0, pytest.approx(8 / 3))
    assert standardise.fit(systems(np.ones((9, 3))), "positions") == standardise.Norm(0.0, 1.0)


@pytest.mark.parametrize("output", ["scalar", "node_scalar", "vector", "tensor"])
def test_equal_targets_do_not_divide_by_zero(output: str) -> None:
    rows = 9 if output == "node_scalar" else 3
    columns = {"vector": 3, "tensor": 6}.get(output, 1)
    norm = standardise.fit(systems(np.zeros((rows, columns))), output)
    assert np.isfinite(1 / norm.scale)


@pytest.mark.parametrize("kind", ["free", "fit"])
def test_references_take_the_composition_off(kind: str) -> None:
    small = np.array([[0.25], [-0.5], [0.25]])
    data = systems(composition() + (0 if kind == "fit" else small))
    norm = standardise.fit(data, "scalar", kind, ENERGY)
    back = standardise.reference_energies(data, norm.references)
    if kind == "free":
        np.testing.assert_allclose(data.targets - back, small, atol=1e-9)
        assert norm.mean == pytest.approx(0, abs=1e-9)
    else:
        np.testing.assert_allclose(back, data.targets, rtol=1e-9)


@pytest.mark.parametrize(
    ("output", "kind", "free"),
    [("positions", "fit", None), ("vector", "fit", None), ("scalar", "free", None)],
)
def test_references_need_atoms_and_an_energy(output: str, kind: str, free: dict | None) -> None:
    rows = 9 if output == "positions" else 3
    data = systems(np.ones((rows, 1 if output == "scalar" else 3)))
    with pytest.raises(InputError, match="references"):
        standardise.fit(data, output, kind, free)


def test_energies_and_forces_are_divided_by_one_number() -> None:
    forces = np.random.default_rng(0).normal(size=(9, 3)) * 40
    data = systems(composition(), forces.astype(np.float32))
    norm = standardise.fit(data, "scalar", "fit")
    assert norm.scale == pytest.approx(np.sqrt(np.mean(forces**2)), rel=1e-6)
    mine = standardise.standardised(data, norm, "scalar")
    np.testing.assert_allclose(mine.forces, forces / norm.scale, rtol=1e-5)
    assert mine.targets.dtype == mine.forces.dtype == np.float32


def test_large_energies_keep_their_digits() -> None:
    """0.01 meV on 1e8 meV, which float32 alone cannot hold."""
    fine = np.array([[0.01], [-0.02], [0.01]])
    data = systems(1e8 + fine)
    norm = standardise.fit(data, "scalar")
    mine = standardise.standardised(data, norm, "scalar")
    np.testing.assert_allclose(mine.targets * norm.scale, fine, rtol=1e-4)


def test_directions_are_never_shifted() -> None:
    rng = np.random.default_rng(0)
    vectors, tensors = rng.normal(size=(3, 3)) + 5, rng.normal(size=(3, 6)) + 5
    norm = standardise.fit(systems(vectors), "vector")
    assert norm.mean == 0
    np.testing.assert_allclose(
        standardise.standardised(systems(vectors), norm, "vector").targets * norm.scale,
        vectors,
        rtol=1e-6,
    )
    norm = standardise.fit(systems(tensors), "tensor")
    mine = standardise.standardised(systems(tensors), norm, "tensor").targets * norm.scale
    np.testing.assert_allclose(mine[:, 1:], tensors[:, 1:], rtol=1e-5)
    assert mine[:, 0].mean() == pytest.approx(0, abs=1e-5)
