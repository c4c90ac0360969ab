"""What all checks of an audit share: the calculator, the structure, its generic neighbour, the limits."""

from __future__ import annotations

import dataclasses
from typing import Any

import ase
import numpy as np
from jaxtyping import Float

from demetar.diagnosis.audit.evidence.noise import Precision
from demetar.diagnosis.audit.probe import Answer, Probe, Refused, moved

RATTLE = 0.06  # Å: breaks every symmetry of a structure and stays near it


@dataclasses.dataclass
class Scene:
    """A structure as given and rattled (`generic`), so that no symmetry hides a fault."""

    probe: Probe
    atoms: ase.Atoms
    generic: ase.Atoms
    base: Answer
    precision: Precision
    seed: int = 0

    @property
    def periodic(self) -> bool:
        """Whether the structure has a cell in any direction."""
        return bool(self.atoms.pbc.any())

    def rng(self, salt: int) -> np.random.Generator:
        """Random numbers of a check, the same in every run."""
        return np.random.default_rng([self.seed, salt])

    def limits(self, atoms: ase.Atoms, reach: float = 0.0) -> tuple[float, float]:
        """What rounding explains in energy and forces where positions reach that much further (Å)."""
        far = float(np.abs(atoms.positions).max()) + reach + 1
        p = self.precision
        return p.energy_limit(far, self.base.energy, len(atoms)), p.force_limit(far)

    def error(
        self,
        before: Answer,
        after: Answer,
        matrix: Float[np.ndarray, "3 3"] | None = None,
        order: Any = None,
    ) -> tuple[float, float]:
        """|E(g·x) − E(x)| and the largest component of F(g·x) − g·F(x)."""
        energy = abs(after.energy - before.energy)
        if before.forces is None or after.forces is None:
            return energy, 0.0
        forces = before.forces if order is None else before.forces[list(order)]
        if matrix is not None:
            forces = forces @ np.asarray(matrix).T
        return energy, float(np.abs(after.forces - forces).max())

    def excess(
        self, before: Answer, after: Answer, atoms: ase.Atoms, reach: float = 0.0, **by: Any
    ) -> float:
        """The error over its limit, the larger of energy and forces; infinite for NaN."""
        if not after.finite:
            return np.inf
        (e, f), (le, lf) = self.error(before, after, **by), self.limits(atoms, reach)
        return max(e / le, f / lf)

    def try_(self, atoms: ase.Atoms) -> Answer | None:
        """The answer, or None where the calculator refuses this structure."""
        try:
            return self.probe(atoms)
        except Refused:
            return None


def rattled(atoms: ase.Atoms, seed: int) -> ase.Atoms:
    """The atoms moved a little, the same way each time; a strained cell where there is one."""
    rng = np.random.default_rng([seed, 7])
    new = moved(atoms)
    if atoms.pbc.all():
        strain = 0.01 * rng.standard_normal((3, 3))
        new.set_cell(atoms.cell @ (np.eye(3) + (strain + strain.T) / 2), scale_atoms=True)
    new.positions = new.positions + RATTLE * np.clip(
        rng.standard_normal(new.positions.shape), -2, 2
    )
    return new


def two(atoms: ase.Atoms, distance: float) -> ase.Atoms:
    """Two copies of a molecule, the second turned a little and `distance` Å away (or farther)."""
    from demetar.symmetry.elements import rotations

    second = moved(atoms, rotations(1, 11)[0])
    second.positions += atoms.positions.mean(0) - second.positions.mean(0)
    second.positions += np.array([distance, 0.1, 0.2])
    return moved(atoms) + second
