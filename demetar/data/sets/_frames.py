"""Frames of one molecule with energies and forces, and how they become training data."""

from __future__ import annotations

import dataclasses

import numpy as np
from ase import units

from demetar.core.errors import InputError
from demetar.data.sets._about import check_size
from demetar.data.systems import Systems

EV = 1000.0  # meV
KCAL_PER_MOL = (
    float(units.kcal / units.mol) * EV
)  # 43.36410390 meV, by ASE's constants (CODATA 2014)


@dataclasses.dataclass(frozen=True)
class Frames:
    """Frames of one molecule; energies in meV, forces in meV/Å.

    species [n]: atomic numbers. positions [S, n, 3]: Å, float64. energies [S]: total energies,
    float64. forces [S, n, 3]: −dE/dx, float64.
    """

    species: np.ndarray
    positions: np.ndarray
    energies: np.ndarray
    forces: np.ndarray

    def __len__(self) -> int:
        return len(self.positions)

    def __getitem__(self, rows: slice | np.ndarray) -> Frames:
        return Frames(
            self.species, *(a[rows] for a in (self.positions, self.energies, self.forces))
        )

    def systems(self) -> Systems:
        """The frames for training: the energy as target, forces beside it.

        Positions are about each frame's centroid: a molecule that drifted away (rMD17's benzene is
        200 Å out) would lose digits in float32. Labels do not change under that shift.
        """
        count, n = self.positions.shape[:2]
        centred = self.positions - self.positions.mean(axis=1, keepdims=True)
        return Systems(
            sizes=np.full(count, n),
            positions=centred.reshape(-1, 3).astype(np.float32),
            species=np.tile(self.species, count),
            targets=self.energies[:, None],
            unit="meV",
            forces=self.forces.reshape(-1, 3).astype(np.float32),
        )


def first(rows: np.ndarray, size: int | None, what: str) -> np.ndarray:
    """The first `size` (default all) rows; InputError when there are not so many."""
    check_size(size, len(rows), f"systems of the {what}")
    return rows[:size]


def require(kind: str, value: str, allowed: tuple[str, ...], data_set: str) -> None:
    """Raises InputError unless `value` is one of the `allowed` ones."""
    if value not in allowed:
        raise InputError(
            f"Expected a {kind} of {data_set} among {', '.join(allowed)}, got {value!r}; choose one."
        )


def baselines(train: Frames, test: Frames) -> dict[str, float]:
    """Test MAE of the mean training energy (meV), and of forces of zero (meV/Å)."""
    return {
        "mean energy": float(np.abs(test.energies - train.energies.mean()).mean()),
        "zero forces (meV/Å)": float(np.abs(test.forces).mean()),
    }
