"""Asks a calculator for answers, counts them, and stops when a budget is spent."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import ase
import numpy as np
from ase.calculators.calculator import PropertyNotImplementedError
from jaxtyping import Float

from demetar.core.errors import InputError

OPTIONAL = ("stress", "dipole", "charges")


class Spent(Exception):
    """The budget of evaluations or seconds is spent; what was found until then stands."""


class Refused(Exception):
    """The calculator raised on one structure; the check that asked cannot be made."""


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a calculator says about one structure, float64; None where it has no such property.

    Units are ASE's: eV, eV/Å, eV/Å³, e Å, e. Stress as a full matrix.
    """

    energy: float
    forces: Float[np.ndarray, "atoms 3"] | None = None
    stress: Float[np.ndarray, "3 3"] | None = None
    dipole: Float[np.ndarray, " 3"] | None = None
    charges: Float[np.ndarray, " atoms"] | None = None

    @property
    def finite(self) -> bool:
        """Whether energy and forces are numbers."""
        return bool(
            np.isfinite(self.energy) and (self.forces is None or np.isfinite(self.forces).all())
        )


@dataclasses.dataclass
class Probe:
    """A calculator with its factory, if there is one, and a budget.

    `single` tells that energy and forces came as numbers of single precision. `before` is a structure
    that is asked for before every other, so that what a calculator keeps belongs to neither.
    """

    calculator: Any
    factory: Callable[[], Any] | None = None
    most: int = 10**9
    seconds: float = 1e9
    optional: tuple[str, ...] = ()
    evaluations: int = 0
    refusals: list[str] = dataclasses.field(default_factory=list)
    started: float = dataclasses.field(default_factory=time.monotonic)
    has_forces: bool = True
    single: bool = False
    thrifty: bool = False  # so slow that only the most telling questions can be asked
    tell: Callable[[int, int], None] | None = None
    before: ase.Atoms | None = (
        None  # asked before each question, where a calculator keeps old answers
    )

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started

    def left(self) -> float:
        """The share of the budget that is left, of evaluations or seconds, whichever is scarcer."""
        return min(1 - self.evaluations / self.most, 1 - self.elapsed / self.seconds)

    def __call__(self, atoms: ase.Atoms, calculator: Any = None) -> Answer:
        """The answer for these atoms, asked as any user of ASE asks: raises Spent, Refused."""
        if self.left() <= 0:
            raise Spent
        self.evaluations += 1
        if self.tell is not None:
            self.tell(min(self.evaluations, self.most), self.most)
        asked = atoms.copy()
        asked.set_constraint()
        asked.calc = self.calculator if calculator is None else calculator
        try:
            if self.before is not None:
                other = self.before.copy()
                other.calc = asked.calc
                energy_of(other)
            forces = asked.get_forces() if self.has_forces else None
            return Answer(energy_of(asked), _array(forces), *self._others(asked))
        except Exception as error:
            text = f"{type(error).__name__}: {error}"
            self.refusals.append(f"{asked.get_chemical_formula()}: {text}"[:300])
            raise Refused(text) from error

    def _others(self, asked: ase.Atoms) -> list[Any]:
        found = []
        for name in OPTIONAL:
            value = None
            if name in self.optional and not (name == "stress" and not asked.pbc.all()):
                value = _others_of(asked, name)
            found.append(value)
        return found

    def _refused(self, name: str, error: Exception) -> None:
        """Notes a property that is declared and cannot be had; one that is not there is no news."""
        declared = name in getattr(self.calculator, "implemented_properties", ())
        if declared and not isinstance(error, PropertyNotImplementedError):
            self.refusals.append(f"{name}: {type(error).__name__}: {error}"[:300])

    def fresh(self) -> Any:
        """Another instance that has seen nothing, or None where there is no factory."""
        return None if self.factory is None else self.factory()

    def explore(self, atoms: ase.Atoms) -> Answer:
        """The first answer, from which is learnt what the calculator can be asked for.

        Raises InputError if it cannot even tell the energy.
        """
        asked = atoms.copy()
        asked.set_constraint()
        asked.calc = self.calculator
        try:
            asked.get_forces()
        except Exception as error:  # whatever it raises; the report says so
            self.has_forces = False
            self._refused("forces", error)
        try:
            raw = asked.get_potential_energy()
        except Exception as error:
            raise InputError(
                f"Expected an energy of {atoms.get_chemical_formula()}, got {type(error).__name__}: "
                f"{str(error)[:200]}; give a structure that this calculator can do."
            ) from error
        forces = asked.get_forces() if self.has_forces else np.asarray(raw)
        self.single = bool(np.all(np.float32(forces) == forces)) and bool(np.any(forces))
        known = []
        for name in OPTIONAL:
            try:
                if name in getattr(self.calculator, "implemented_properties", OPTIONAL):
                    if _others_of(asked, name) is not None:
                        known.append(name)
            except Exception as error:  # whatever it raises; the report says so
                self._refused(name, error)
        self.optional = tuple(known)
        self.evaluations += 1
        return Answer(
            float(np.squeeze(raw)),
            _array(forces) if self.has_forces else None,
            *self._others(asked),
        )


def energy_of(asked: ase.Atoms) -> float:
    """The energy whose derivative the forces are (eV); asks the attached calculator."""
    consistent = "free_energy" in getattr(asked.calc, "implemented_properties", ())
    energy = asked.get_potential_energy(force_consistent=consistent)
    return float(np.squeeze(np.asarray(energy, np.float64)))


def _array(value: Any) -> Any:
    return None if value is None else np.array(value, np.float64)


def _others_of(asked: ase.Atoms, name: str) -> Any:
    if name == "stress":
        return _array(asked.get_stress(voigt=False)) if asked.pbc.all() else None
    if name == "dipole":
        return _array(asked.get_dipole_moment())
    return _array(asked.get_charges())


def moved(
    atoms: ase.Atoms,
    matrix: Float[np.ndarray, "3 3"] | None = None,
    shift: Any = None,
    order: Any = None,
) -> ase.Atoms:
    """The atoms renumbered (new i is old order[i]), turned by a matrix with their cell, shifted (Å)."""
    new = atoms[list(order)] if order is not None else atoms.copy()
    new.set_constraint()
    if matrix is not None:
        new.positions = new.positions @ np.asarray(matrix).T
        if atoms.pbc.any():
            new.set_cell(np.asarray(atoms.cell) @ np.asarray(matrix).T, scale_atoms=False)
    if shift is not None:
        new.positions = new.positions + np.asarray(shift, float)
    return new


def displaced(atoms: ase.Atoms, change: Float[np.ndarray, "atoms 3"]) -> ase.Atoms:
    """The atoms with their positions changed (Å)."""
    new = atoms.copy()
    new.set_constraint()
    new.positions = atoms.positions + change
    return new


def isolated(atoms: ase.Atoms, like: ase.Atoms) -> ase.Atoms:
    """The atoms without a cell; in a box of 40 Å where the audited structure is periodic."""
    new = atoms.copy()
    new.set_constraint()
    if like.pbc.any():
        new.pbc, new.cell = True, None
        new.set_cell(np.diag([40.0, 41.0, 42.0]))
        new.positions += 20 - new.positions.mean(0)
    return new
