"""Faults of other forms than the seeded ones: each was once given a wrong word."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule

from demetar.diagnosis.audit import audit
from demetar.diagnosis.audit.seeded import Potential
from demetar.diagnosis.audit.seeded.potential import invariant

WATER = molecule("H2O")
SALT = bulk("NaCl", "rocksalt", a=5.64, cubic=True)
Results = dict[str, Any]


class Field(Potential):
    """A field along no special direction acts on the vectors."""

    field = np.array([0.02, 0.07, -0.05])

    def site(self, rho: Any, v: Any) -> tuple[Any, Any, Any]:  # pyright: ignore
        energy, of_rho, of_v = invariant(rho, v)
        of_v = of_v.copy()
        of_v[:, 0] -= self.field
        return energy - v[:, 0] @ self.field, of_rho, of_v


class AlongZ(Field):
    """The same along z."""

    field = np.array([0, 0, 0.1])


class OneGain(Potential):
    """x counts a little more than y and z."""

    def site(self, rho: Any, v: Any) -> tuple[Any, Any, Any]:  # pyright: ignore
        energy, of_rho, of_v = invariant(rho, v)
        of_v = of_v.copy()
        of_v[:, 0, 0] += 2e-4 * v[:, 0, 0]
        return energy + 1e-4 * v[:, 0, 0] ** 2, of_rho, of_v


class Skewed(Potential):
    """A product of x and y: gains along (1, 1, 0) and (1, −1, 0)."""

    def site(self, rho: Any, v: Any) -> tuple[Any, Any, Any]:  # pyright: ignore
        energy, of_rho, of_v = invariant(rho, v)
        of_v = of_v.copy()
        of_v[:, 0, :2] += 1e-2 * v[:, 0, 1::-1]
        return energy + 1e-2 * v[:, 0, 0] * v[:, 0, 1], of_rho, of_v


class Nearest(Potential):
    """The force of each atom leans to its nearest neighbour: of two at one distance to the first."""

    def finish(self, atoms: Any, results: Results) -> Results:
        d = atoms.get_all_distances() + 1e9 * np.eye(len(atoms))
        way = atoms.positions[d.argmin(1)] - atoms.positions
        extra = 0.05 * np.exp(-(way**2).sum(1))
        forces = results["forces"].copy()
        np.add.at(forces, d.argmin(1), 2 * extra[:, None] * way)
        forces -= 2 * extra[:, None] * way
        energy = results["energy"] + extra.sum()
        return {**results, "energy": energy, "free_energy": energy, "forces": forces}


class Numbered(Potential):
    """Charges that follow the number of the atom; nothing else does."""

    def finish(self, atoms: Any, results: Results) -> Results:
        return {**results, "charges": results["charges"] + 0.01 * np.arange(len(atoms))}


class FixedStress(Potential):
    """A constant in one component of the stress."""

    def finish(self, atoms: Any, results: Results) -> Results:
        if "stress" not in results:
            return results
        return {**results, "stress": results["stress"] + np.array([0, 0, 1e-3, 0, 0, 0])}


@pytest.mark.parametrize(
    "made, atoms, word",
    [
        (Field, WATER, "untransformed-input"),
        (Field, SALT, "untransformed-input"),
        (AlongZ, WATER, "untransformed-input"),
        (OneGain, WATER, "per-axis-gain"),
        (Skewed, WATER, "per-axis-gain"),
        (Nearest, WATER, "neighbour-limit"),
        (Numbered, WATER, "atom-order"),
        (FixedStress, SALT, "laboratory-frame"),
    ],
    ids=lambda x: getattr(x, "__name__", None),
)
def test_the_word_is_found(made: Any, atoms: Atoms, word: str) -> None:
    found = audit(made, atoms)
    assert found.cause == word, found.sentence
