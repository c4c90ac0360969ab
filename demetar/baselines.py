"""What costs nothing to predict: the numbers that a trained model has to beat."""

import numpy as np

from demetar.datasets.nbody import HORIZON, NBody


def nbody(train: NBody, test: NBody) -> dict[str, float]:
    """Test MSE of positions (scene units squared) of the three trivial predictors.

    `static`: x. `x+v*t`: straight on for the horizon. `x+s*v`: straight on for the time s that
    fits the train systems best (least squares; one number).
    """

    def mse(prediction: np.ndarray) -> float:
        return float(np.mean((prediction - test.target_positions.astype(np.float64)) ** 2))

    moved = train.target_positions.astype(np.float64) - train.positions
    velocity = train.velocities.astype(np.float64)
    scale = float((moved * velocity).sum() / (velocity**2).sum())
    x, v = test.positions.astype(np.float64), test.velocities.astype(np.float64)
    return {"static": mse(x), "x+v*t": mse(x + HORIZON * v), "x+s*v": mse(x + scale * v)}
