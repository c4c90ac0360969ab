"""What a comparison with a published program needs: inputs, the program, and its weights by our names."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

ELEMENTS = (1, 6, 7, 8, 9)
Weights = dict[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Systems:
    """Rows of several systems one after the other; `connect` as in a run's config."""

    sizes: np.ndarray
    positions: np.ndarray
    connect: float | None = None
    velocities: np.ndarray | None = None
    charges: np.ndarray | None = None
    species: np.ndarray | None = None

    def graph(self) -> Any:
        """Our padded batch."""
        from demetar.core.graph import from_arrays
        from demetar.core.padding import batch, pad

        ends = np.cumsum(self.sizes)
        graphs = []
        for start, end in zip(ends - self.sizes, ends, strict=True):
            rows = slice(start, end)
            given = {
                k: v[rows]
                for k in ("species", "velocities", "charges")
                if (v := getattr(self, k)) is not None
            }
            graphs.append(from_arrays(self.positions[rows], cutoff=self.connect, **given))
        joined = batch(graphs)
        return pad(joined, len(joined.species) + 1, len(joined.senders)).astype(np.float32)


@dataclasses.dataclass(frozen=True)
class Case:
    """A batch for both programs, the settings of ours, and the published one ready to be called."""

    name: str
    model: str
    config: dict[str, Any]
    systems: Systems
    weights: Weights
    predict: Callable[[], Any]  # the reference's prediction, a tensor shaped as ours
    parameters: list[Any]  # the reference's


def nbody(systems: int) -> Systems:
    """Random scenes with the charged N-body benchmark's shapes and scales."""
    rng = np.random.default_rng(0)
    x, v = rng.normal(size=(2, systems * 5, 3)).astype(np.float32)
    charges = rng.choice([-1.0, 1.0], systems * 5).astype(np.float32)
    return Systems(np.full(systems, 5), x, None, v, charges)


def molecules(count: int, connect: float | None) -> Systems:
    """Random clouds with QM9's sizes (18 ± 3 atoms, at most 29), elements and density.

    Atoms are not closer than 0.9 Å; every one has neighbours within 2 Å.
    """
    rng = np.random.default_rng(0)
    sizes = np.clip(np.rint(rng.normal(18, 3, count)), 3, 29).astype(int)
    clouds = []
    for size in sizes:
        cloud = np.zeros((1, 3))
        while len(cloud) < size:
            step = rng.normal(size=3)
            place = cloud[rng.integers(len(cloud))] + 1.3 * step / np.linalg.norm(step)
            if np.linalg.norm(cloud - place, axis=1).min() > 0.9:
                cloud = np.vstack([cloud, place])
        clouds.append(cloud)
    species = rng.choice(ELEMENTS, sizes.sum(), p=[0.51, 0.35, 0.06, 0.07, 0.01])
    return Systems(sizes, np.concatenate(clouds).astype(np.float32), connect, species=species)


def nested(weights: Weights) -> dict[str, Any]:
    """Weights by path as the tree that our model takes."""
    tree: dict[str, Any] = {}
    for path, array in weights.items():
        *parents, last = path.split("/")
        branch = tree
        for parent in parents:
            branch = branch.setdefault(parent, {})
        branch[last] = np.ascontiguousarray(array, np.float32)
    return tree
