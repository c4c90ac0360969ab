"""DEMETAr: what its edges let it see."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from demetar import models
from demetar.core.graph import from_arrays
from demetar.models.nn.init import enlarged, initialise, probe

SMALL = {"inputs": "atoms", "output": "scalar", "width": 16}


@pytest.mark.parametrize("joined", ["bonds", 8.0])
def test_an_angle_is_read_from_all_pairs_and_not_from_bonds(joined: str | float) -> None:
    """Two oxygens about H2, in line with it and across: bonds and distances to the centre stay."""
    model = models.create("demetar", **SMALL)
    params = enlarged(initialise(model, probe(SMALL)))

    def energy(degrees: float) -> float:
        along = np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees)), 0.0])
        ends = 0.37 * np.eye(3)[0], 3.0 * along
        places = np.array([sign * end for end in ends for sign in (1, -1)])
        graph = from_arrays(places, np.array([1, 1, 8, 8]), cutoff=joined)
        with jax.enable_x64(True):
            return float(np.asarray(model.apply({"params": params}, graph)["scalar"])[0, 0])

    change = abs(energy(90.0) - energy(0.0))
    assert (change > 1e-3) if joined != "bonds" else (change < 1e-12), change
