"""Charged N-body: where five charged bodies are 1,000 time steps later.

`published` is the "nbody_small" benchmark of Satorras, Hoogeboom, Welling, "E(n) Equivariant Graph
Neural Networks" (ICML 2021), generated here from its seed: 10,000 train, 2,000 valid and 2,000 test
systems, input at step 3,100 (frame 30), target at step 4,100 (frame 40). The paper trains on the
first 3,000 of train: read(split="train", size=TRAIN_SIZE). `clean` has the same starts and a
softened force without the per-axis limit (see `demetar.simulate`), so that it turns with its input.
Close encounters are chaotic: in one simulation of sixteen the last bit of a sum grows into another
target. So the published variant repeats its own program's roundings (`demetar.simulate_exact`).
"""

from dataclasses import dataclass, fields
from os import PathLike
from pathlib import Path

import numpy as np

from demetar.cache import data_root, read_arrays, write_arrays
from demetar.errors import InputError
from demetar.loader import Systems
from demetar.simulate import TIME_STEP, law, simulate, starts
from demetar.simulate_exact import simulate_exact

TITLE = "Charged N-body"
SUMMARY = (
    "Five bodies with charges of ±1 attract and repel each other in three dimensions. From their "
    "positions and velocities now, predict where each of them is 1,000 time steps later."
)
OPTIONS = {"variant": ("published", "clean")}
SIZE = 0  # bytes to download: the arrays are generated here
FORCES = False
SOURCES = (
    {
        "url": "https://github.com/vgsatorras/egnn",
        "commit": "e9ca6c0c3e1d30a7598efbd66034121b4af8dccc",
        "use": "the recipe (seed, order of draws, force law); the arrays are generated here",
    },
)
TARGETS = {"positions": ("1o", "scene units")}
INPUTS, OUTPUT = "particles", "positions"  # what a model reads and gives here
UNITS = {"positions": "scene units", "velocities": "scene units per time unit", "charges": "1"}
LICENCE = "MIT (the recipe); the generated arrays are free of any claim"
CITATION = (
    "V. G. Satorras, E. Hoogeboom, M. Welling, "
    "E(n) Equivariant Graph Neural Networks, ICML 2021, arXiv:2102.09844"
)
SPLITS = {"train": slice(0, 10_000), "valid": slice(10_000, 12_000), "test": slice(12_000, 14_000)}
TRAIN_SIZE = 3_000
SEED = 43
INPUT_STEP, TARGET_STEP = 3_100, 4_100
HORIZON = (TARGET_STEP - INPUT_STEP) * TIME_STEP


@dataclass(frozen=True)
class NBody:
    """Systems and where they are HORIZON time units later: float32 [S, 5, 3], charges [S, 5]."""

    positions: np.ndarray
    velocities: np.ndarray
    charges: np.ndarray
    target_positions: np.ndarray
    target_velocities: np.ndarray

    def __len__(self) -> int:
        return len(self.positions)

    def __getitem__(self, rows: slice | np.ndarray) -> "NBody":
        return NBody(*(getattr(self, field.name)[rows] for field in fields(self)))


def generate(seed: int = SEED, count: int = 14_000, variant: str = "published") -> NBody:
    """The first `count` systems of the generator's random stream, simulated in float64."""
    x, v, charges = starts(count, 5, np.random.RandomState(seed))
    steps = (INPUT_STEP, TARGET_STEP)
    if variant == "published":
        x, v = simulate_exact(x, v, charges, steps)
    else:
        x, v = simulate(x, v, charges, steps, variant)
    return NBody(*(a.astype(np.float32) for a in (x[0], v[0], charges, x[1], v[1])))


def _file(root: str | PathLike[str] | None, variant: str) -> Path:
    return data_root(root) / "nbody" / f"charged5-{variant}-seed{SEED}.npz"


def present(variant: str = "published") -> bool:
    """Whether the arrays are on this machine, so that `systems` need not make them first."""
    return _file(None, variant).is_file()


def read(
    root: str | PathLike[str] | None = None,
    variant: str = "published",
    split: str = "train",
    size: int | None = None,
) -> NBody:
    """The first `size` (default all) systems of a split.

    Generates all 14,000 on the first call (seconds) and keeps them under `data/nbody/` with their
    SHA-256; a file that no longer matches it is generated again. Raises InputError for an unknown
    variant or split, and for more systems than there are.
    """
    law(variant)
    if split not in SPLITS:
        raise InputError(
            f"The split must be one of {', '.join(SPLITS)}, not {split!r}; choose one."
        )
    rows = SPLITS[split]
    available = rows.stop - rows.start
    if size is not None and not 1 <= size <= available:
        raise InputError(f"The {split} split has 1 to {available} systems to read, not {size}.")
    path = _file(root, variant)
    names = [field.name for field in fields(NBody)]
    arrays = read_arrays(path)
    if arrays is None or set(arrays) != set(names):
        arrays = vars(generate(variant=variant))
        write_arrays(path, arrays)
    return NBody(**{name: arrays[name][rows][:size] for name in names})


def systems(
    split: str, target: str = "positions", size: int | None = None, variant: str = "published"
) -> Systems:
    """The split as labelled systems for training; the target is the positions at the horizon."""
    if target not in TARGETS:
        raise InputError(
            f"The target of nbody must be one of {', '.join(TARGETS)}, not {target!r}; choose one."
        )
    data = read(variant=variant, split=split, size=size)
    return Systems(
        sizes=np.full(len(data), data.charges.shape[1]),
        positions=data.positions.reshape(-1, 3),
        velocities=data.velocities.reshape(-1, 3),
        charges=data.charges.reshape(-1).astype(np.float32),
        targets=getattr(data, f"target_{target}").reshape(-1, 3),
        unit=TARGETS[target][1],
    )


# Test MSE of positions at the published protocol: Satorras et al. (2021), table 2; SEGNN: Brandstetter
# et al., ICLR 2022, table 1.
PUBLISHED = {
    "positions": {
        "linear": 0.0819, "se3_transformer": 0.0244, "tfn": 0.0155, "gnn": 0.0107, "egnn": 0.0071,
        "segnn": 0.0043,
    }
}  # fmt: skip
NOTES = {
    "published": "The published simulator limits each Cartesian component of a force to ±100, which "
    "is not rotation-equivariant: it acts in about one test system of six, and no exactly "
    "equivariant predictor can score below about 0.0020 on rotated copies of the test set.",
    "clean": "The clean variant softens the force instead of limiting its components, so the targets "
    "are rotation-equivariant to rounding; its numbers cannot stand beside the published ones.",
}
NOTES[""] = NOTES["published"]


def baselines(target: str = "positions", variant: str = "published") -> dict[str, float]:
    """Test MSE of the trivial predictors: static, x + v·t, x + s·v with s fitted on train."""
    from demetar.baselines import nbody

    return nbody(read(variant=variant, size=TRAIN_SIZE), read(variant=variant, split="test"))
