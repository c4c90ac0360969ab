"""Ways to say how far two sets of vectors are apart, in NumPy; relative L2 itself is the library's Δ_EQ."""

from __future__ import annotations

import numpy as np

NAMES = {
    "l2": "relative L2",
    "largest": "largest component",
    "mae": "MAE and cosine",
    "spread": "rotational standard deviation",
}


def of(left: np.ndarray, right: np.ndarray) -> dict[str, float]:
    """Three ways at one g, of D(g) f(x) and f(g·x) [n 3].

    `largest`: the largest component of the difference over the largest of D(g) f(x); `mae`: the mean
    absolute difference of a component, in the unit of f; `cosine`: of the angle between both as vectors in
    3n dimensions (1 where both vanish).
    """
    apart = left - right
    top = float(np.abs(left).max(initial=0.0))
    lengths = float(np.linalg.norm(left) * np.linalg.norm(right))
    largest = float(np.abs(apart).max(initial=0.0))
    return {
        "largest": largest / max(top, np.finfo(float).tiny) if largest else 0.0,
        "mae": float(np.abs(apart).mean()) if apart.size else 0.0,
        "cosine": float((left * right).sum() / lengths) if lengths else 1.0,
    }


def spread(turned_back: np.ndarray) -> float:
    """Rotational standard deviation of g⁻¹ f(g·x) [elements n 3], relative to the length of its mean.

    √(mean over g of ‖g⁻¹ f(g·x) − mean‖²) / ‖mean‖: 0 where f turns with its input.
    """
    mean = turned_back.mean(0)
    deviation = float(np.sqrt(np.square(turned_back - mean).sum((1, 2)).mean()))
    return deviation / max(float(np.linalg.norm(mean)), np.finfo(float).tiny) if deviation else 0.0
