"""Random parameters without compiling anything: shapes by tracing, numbers from NumPy.

A parameter's own name chooses its distribution, so a model says `kernel="small"` and nothing else.
"""

import functools
import math
from typing import Any

import ase.build
import jax
import numpy as np

from demetar.core.errors import InputError
from demetar.core.graph import Graph, from_arrays, from_atoms
from demetar.core.padding import pad

KEPT = 256  # models whose shapes are known
MOST = 250_000_000  # parameters of a model: a gigabyte in float32


def _uniform(bound: float, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return rng.uniform(-bound, bound, shape)


def _orthogonal(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    q, r = np.linalg.qr(rng.normal(size=(max(shape), min(shape))))
    q = q * np.sign(np.diag(r))
    q = q if shape[0] >= shape[1] else q.T
    return q * (2 / (sum(shape) * max(q.var(), 1e-12))) ** 0.5


RULES = {
    # U(±1/√fan_in), PyTorch's default for linear layers, which the published recipes rely on
    "kernel": lambda rng, shape: _uniform(shape[0] ** -0.5, rng, shape),
    # Xavier-uniform, the transformer recipes' choice
    "xavier": lambda rng, shape: _uniform((6 / (shape[0] + shape[1])) ** 0.5, rng, shape),
    # Xavier-uniform with gain 1e-3: a head that starts by changing almost nothing
    "small": lambda rng, shape: _uniform(1e-3 * (6 / (shape[0] + shape[1])) ** 0.5, rng, shape),
    # N(0, 1/fan_in), e3nn's choice for linear maps
    "normal": lambda rng, shape: shape[0] ** -0.5 * rng.normal(size=shape),
    # N(0, 1), PyTorch's default for a table of embeddings
    "embedding": lambda rng, shape: rng.normal(size=shape),
    # orthogonal rows or columns with variance 2/(fan_in + fan_out): Glorot's, DimeNet's choice
    "orthogonal": _orthogonal,
    # U(±√3), unit variance: a table of species
    "table": lambda rng, shape: _uniform(3**0.5, rng, shape),
    # a head that starts at zero, so that the model starts at its mean
    "zero": lambda rng, shape: np.zeros(shape),
    # nπ: sines that vanish at the cutoff
    "frequency": lambda rng, shape: np.pi * np.arange(1, shape[0] + 1),
    # centres and widths of learned Gaussians in units of the cutoff, none narrower than their spacing
    "centre": lambda rng, shape: rng.uniform(0, 1, shape),
    "width": lambda rng, shape: rng.uniform(1 / shape[0], 1, shape),
    "bias": lambda rng, shape: np.zeros(shape),
    "scale": lambda rng, shape: np.ones(shape),
    "token": lambda rng, shape: 0.02 * rng.normal(size=shape),
}


def shapes_of(model: Any, graph: Graph) -> Any:
    """The shapes and dtypes of the model's parameters, without numbers.

    Traced once for a model with its settings and a size of the graph: that takes a tenth of a second.
    """
    leaves, structure = jax.tree.flatten(graph)
    sizes = tuple((np.shape(x), jax.dtypes.canonicalize_dtype(x.dtype)) for x in leaves)
    found = _shapes(model, structure, sizes, jax.config.read("jax_enable_x64"))
    return jax.tree.map(lambda x: x, found)  # each caller's own tree


@functools.lru_cache(maxsize=KEPT)
def _shapes(
    model: Any, structure: Any, sizes: tuple[tuple[tuple[int, ...], Any], ...], wide: bool
) -> Any:
    graph = jax.tree.unflatten(structure, [jax.ShapeDtypeStruct(*size) for size in sizes])
    return jax.eval_shape(model.init, jax.random.key(0), graph)["params"]


def initialise(model: Any, graph: Graph, seed: int = 0) -> Any:
    """The model's parameters as float32 host arrays, reproducible by seed.

    Raises InputError for more than MOST parameters, and KeyError if a parameter has a name for which
    no rule stands in RULES.
    """
    shapes = shapes_of(model, graph)
    count = sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(shapes))
    if count > MOST:
        raise InputError(
            f"Expected a model of at most {MOST:,} parameters, got {count:,}; make it narrower."
        )
    rng = np.random.default_rng(seed)

    def fill(path: tuple, leaf: Any) -> np.ndarray:
        return RULES[path[-1].key](rng, leaf.shape).astype(np.float32)

    return jax.tree_util.tree_map_with_path(fill, shapes)


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
        shift = 0.3 * rng.normal(size=leaf.shape) if rule in ("bias", "scale", "zero") else 0.0
        return (leaf * factor.get(rule, 1.0) + shift).astype(np.float32)

    return jax.tree_util.tree_map_with_path(enlarge, params)
