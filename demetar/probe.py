"""Stand-ins where no data or training is at hand: a small system of a kind, weights of full size."""

from typing import Any

import ase.build
import jax
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


def enlarged(params: Any, seed: int = 0) -> Any:
    """Fresh parameters made as large as trained ones, biases included, reproducible by seed.

    Small last layers and zero biases hide errors of symmetry: with these weights every output is
    of order one and every parameter takes part.
    """
    rng = np.random.default_rng(seed)
    factor = {"small": 300.0, "kernel": 1.5, "xavier": 1.5, "normal": 1.5, "token": 50.0}

    def enlarge(path: tuple, leaf: np.ndarray) -> np.ndarray:
        rule = path[-1].key
        shift = 0.3 * rng.normal(size=leaf.shape) if rule in ("bias", "scale") else 0.0
        return (leaf * factor.get(rule, 1.0) + shift).astype(np.float32)

    return jax.tree_util.tree_map_with_path(enlarge, params)
