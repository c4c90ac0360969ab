"""How far two answers are apart, the same for all lessons."""

from __future__ import annotations

import numpy as np


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """‖one − other‖ / ‖other‖ over all entries; the absolute length where `other` vanishes."""
    one, other = np.asarray(one, np.float64), np.asarray(other, np.float64)
    size = float(np.linalg.norm(other))
    return float(np.linalg.norm(one - other)) / (size if size > 0 else 1.0)
