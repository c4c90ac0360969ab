"""What costs nothing to predict: the numbers that a trained model has to beat."""

import numpy as np

from demetar.datasets.nbody import HORIZON, NBody
from demetar.datasets.qm9 import ELEMENTS, Molecules


def nbody(train: NBody, test: NBody, target: str = "positions") -> dict[str, float]:
    """Test MSE (scene units squared) of the three trivial predictors.

    `static`: x. `x+v*t`: straight on for the horizon. `x+s*v`: straight on for the time s that
    fits the train systems best (least squares; one number). For the target "state" the mean of the
    MSE of positions and that of velocities, which are predicted not to change.
    """

    def mse(prediction: np.ndarray) -> float:
        error = np.mean((prediction - test.target_positions.astype(np.float64)) ** 2)
        return float((error + change) / 2 if target == "state" else error)

    change = np.mean((test.target_velocities - test.velocities.astype(np.float64)) ** 2)
    moved = train.target_positions.astype(np.float64) - train.positions
    velocity = train.velocities.astype(np.float64)
    scale = float((moved * velocity).sum() / (velocity**2).sum())
    x, v = test.positions.astype(np.float64), test.velocities.astype(np.float64)
    return {"static": mse(x), "x+v*t": mse(x + HORIZON * v), "x+s*v": mse(x + scale * v)}


def composition(molecules: Molecules) -> np.ndarray:
    """How many atoms of each of QM9's elements (H, C, N, O, F) a molecule has, and a 1: [S, 6]."""
    owner = np.repeat(np.arange(len(molecules)), molecules.n_atoms)
    counts = [
        np.bincount(owner[molecules.species == z], minlength=len(molecules))
        for z in ELEMENTS.values()
    ]
    return np.stack([*counts, np.ones(len(molecules))], axis=1)


def qm9(train: Molecules, test: Molecules) -> dict[str, float]:
    """Test MAE, in the target's unit, of the train mean and of the best linear fit.

    The fit is on element counts; where each atom has a label, it is the mean of each element.
    """
    if len(train.targets) == len(train):
        name, known, asked = "per-element linear", composition(train), composition(test)
    else:
        name = "per-element mean"
        known, asked = (m.species[:, None] == np.array([*ELEMENTS.values()]) for m in (train, test))
    square = known.T @ known.astype(np.float64)
    weights = np.linalg.lstsq(square, known.T @ train.targets, rcond=None)[0]
    return {
        "mean": float(np.abs(test.targets - train.targets.mean()).mean()),
        name: float(np.abs(test.targets - asked @ weights).mean()),
    }
