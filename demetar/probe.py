"""A small system of the kind a model reads: shapes parameters and stands in where no data is at hand."""

from typing import Any

import ase.build
import numpy as np

from demetar.graph import Graph, from_arrays, from_atoms, pad


def probe(model_config: dict[str, Any], connect: float | str | None = None) -> Graph:
    """A padded graph: five charged bodies for "particles", ethanol for "atoms"."""
    if model_config.get("inputs", "particles") == "atoms":
        return pad(from_atoms(ase.build.molecule("CH3CH2OH"), cutoff=connect))
    rng = np.random.default_rng(0)
    return pad(
        from_arrays(
            rng.normal(size=(5, 3)),
            velocities=rng.normal(size=(5, 3)),
            charges=rng.choice([-1.0, 1.0], 5),
            cutoff=connect,
        )
    )
