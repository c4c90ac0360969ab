"""Bonds seen in a geometry: real ones, long ones, and neighbours that are none."""

import numpy as np
import pytest
from ase.build import molecule

from demetar.core import bonds


@pytest.mark.parametrize(
    ("pair", "length", "bonded"),
    [
        ((6, 6), 1.54, True),
        ((6, 6), 1.75, True),  # the longest in QM9: 1.768 Å
        ((6, 6), 1.87, False),  # across bicyclo[1.1.1]pentane
        ((6, 1), 1.09, True),
        ((6, 1), 1.30, True),  # stretched by a vibration
        ((6, 1), 1.50, False),
        ((1, 1), 1.60, False),  # in water
    ],
)
def test_a_pair_is_bonded_below_its_reach(
    pair: tuple[int, int], length: float, bonded: bool
) -> None:
    species, positions = np.array(pair), np.array([[0.0, 0, 0], [0, 0, length]])
    assert bonds.bonded(species, positions).tolist() == [[False, bonded], [bonded, False]]
    types = bonds.one_hot(species, positions, np.array([0]), np.array([1]))
    assert types.sum() == bonded


@pytest.mark.parametrize(("name", "count"), [("C6H6", 12), ("CH3CH2OH", 8), ("bicyclobutane", 11)])
def test_molecules_have_the_bonds_of_their_formula(name: str, count: int) -> None:
    atoms = molecule(name)
    assert bonds.bonded(atoms.numbers, atoms.positions).sum() == 2 * count
