"""Random parameters without compiling anything: shapes by tracing, numbers from NumPy.

A parameter's own name chooses its distribution, so a model says `kernel="small"` and nothing else.
"""

from typing import Any

import jax
import numpy as np

from demetar.graph import Graph

Array = Any


def _uniform(bound: float, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return rng.uniform(-bound, bound, shape)


RULES = {
    # U(±1/√fan_in), PyTorch's default for linear layers, which the published recipes rely on
    "kernel": lambda rng, shape: _uniform(shape[0] ** -0.5, rng, shape),
    # Xavier-uniform, the transformer recipes' choice
    "xavier": lambda rng, shape: _uniform((6 / (shape[0] + shape[1])) ** 0.5, rng, shape),
    # Xavier-uniform with gain 1e-3: a head that starts by changing almost nothing
    "small": lambda rng, shape: _uniform(1e-3 * (6 / (shape[0] + shape[1])) ** 0.5, rng, shape),
    # N(0, 1/fan_in), e3nn's choice for linear maps
    "normal": lambda rng, shape: shape[0] ** -0.5 * rng.normal(size=shape),
    # centres and widths of learned Gaussians in units of the cutoff, none narrower than their spacing
    "centre": lambda rng, shape: rng.uniform(0, 1, shape),
    "width": lambda rng, shape: rng.uniform(1 / shape[0], 1, shape),
    "bias": lambda rng, shape: np.zeros(shape),
    "scale": lambda rng, shape: np.ones(shape),
    "token": lambda rng, shape: 0.02 * rng.normal(size=shape),
}


def initialise(model: Any, graph: Graph, seed: int = 0) -> Any:
    """The model's parameters as float32 host arrays, reproducible by seed.

    Raises KeyError if a parameter has a name for which no rule stands in RULES.
    """
    shapes = jax.eval_shape(model.init, jax.random.key(0), graph)["params"]
    rng = np.random.default_rng(seed)

    def fill(path: tuple, leaf: Any) -> np.ndarray:
        return RULES[path[-1].key](rng, leaf.shape).astype(np.float32)

    return jax.tree_util.tree_map_with_path(fill, shapes)
