"""The small model with an output of every type: each is what it says, also against formulas by hand."""

import ase.build
import numpy as np
import pytest

from demetar.core.errors import InputError
from demetar.core.graph import from_arrays, from_atoms
from demetar.diagnosis.typed import typed
from demetar.symmetry import equivariance

ATOMS = ase.build.molecule("CH3OH")
RNG = np.random.default_rng(1)
V = RNG.normal(0, 0.01, (len(ATOMS), 3))


def graph(atoms=ATOMS, velocities=V):
    return from_arrays(
        atoms.positions, atoms.numbers, velocities=velocities, masses=atoms.get_masses()
    )


def test_every_type_turns_as_declared():
    m = equivariance.measure(typed(), graph(), "E(3)", samples=4, dtype="float64", layers=False)
    assert {k: v.irreps for k, v in m.kinds.items()} == {
        "energy": "1x0e",
        "forces": "1x1o",
        "dipole": "1x1o",
        "angular momentum": "1x1e",
        "polarizability": "1x0e+1x2e",
    }
    assert max(d.max() for d in (*m.delta.values(), *m.rebuilt.values())) < 1e-12


def test_angular_momentum_is_about_the_centre_of_mass():
    found = np.asarray(typed()(graph())["angular momentum"])
    arms = ATOMS.positions - ATOMS.get_center_of_mass()
    expected = (ATOMS.get_masses()[:, None] * np.cross(arms, V)).sum(0)
    np.testing.assert_allclose(found, expected[None], rtol=1e-5)


def test_two_atoms_have_a_tensor_along_their_line():
    pair = ase.Atoms("CO", [[0, 0, 0], [0, 1.2, 0]])
    row = np.asarray(typed()(graph(pair, np.zeros((2, 3))))["polarizability"])[0]
    assert abs(row[3]) > 1e-3  # y² − (x² + z²)/2, along y
    assert np.abs(row[[1, 2, 4]]).max() < 1e-6
    assert row[5] == pytest.approx(0, abs=1e-6)


def test_without_masses_or_velocities_it_is_a_sentence():
    with pytest.raises(InputError, match="masses and velocities"):
        typed()(from_atoms(ATOMS))
