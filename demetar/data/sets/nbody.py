"""Bodies that move under pair forces: where each of them is 1,000 time steps later.

`published` is the charged benchmark "nbody_small" of Satorras, Hoogeboom, Welling, "E(n)
Equivariant Graph Neural Networks" (ICML 2021); the paper trains on the first 3,000 of its 10,000.
Close encounters are chaotic: in one simulation of sixteen the last bit of a sum grows into another
target. So this variant repeats its own program's roundings (`demetar.simulation.exact`).
`clean` has the same starts and a softened force without the per-axis limit.
`fuchs` is the protocol of Fuchs, Worrall, Fischer, Welling, "SE(3)-Transformers" (NeurIPS 2020), with
target "state": where a body is and how fast. We follow the public program (which its authors call a
re-implementation) with five bodies, as in the paper, and start each system at its first recorded
frame (its option ri_start_at=zero): so x + v t scores 0.071 and 0.257 (places, velocities), beside
the paper's "Linear", 0.0691 and 0.261; its other starts give 0.113 and 0.265.
`springs` joins each pair of five bodies by a spring with probability 1/2 (Kipf et al., "Neural
Relational Inference", ICML 2018, in three dimensions); the model sees which. The paper infers the
springs; here they are given, as for its decoder with the true graph.
`gravity` is the protocol of Brandstetter, Hesselink, van der Pol, Bekkers, Welling, "Geometric and
Physical Quantities improve E(3) Equivariant Message Passing" (ICLR 2022): 100 bodies. It takes a
tenth of a second a system to make, so it is made in parts as they are asked for.

The laws stand in `demetar.simulation.laws`, the order of random draws in `demetar.simulation.starts`.
"""

import functools
from os import PathLike
from pathlib import Path

import numpy as np

from demetar.core.disk import data_root, kept_arrays
from demetar.core.registry import unknown
from demetar.data.sets._about import SPLITS, DataSet, Target, check_size
from demetar.data.systems import Systems
from demetar.simulation.laws import law
from demetar.simulation.protocols import (
    HORIZON,
    INPUT_STEP,
    PROTOCOLS,
    STATE,
    TARGET_STEP,
    NBody,
    generate,
    systems_in,
)
from demetar.simulation.simulate import limited_steps

_NOTES = {
    "published": "The published simulator limits each Cartesian component of a force to ±100, which "
    "is not rotation-equivariant: it acts in about one test system of six, and no exactly "
    "equivariant predictor can score below about 0.0020 on rotated copies of the test set.",
    "clean": "The clean variant softens the force instead of limiting its components, so the targets "
    "are rotation-equivariant to rounding; its numbers cannot stand beside the published ones.",
    "fuchs": "The program limits each Cartesian component of a force to ±100 and reflects bodies at "
    "the walls of a box: in three test systems of ten the target does not turn with the start, and "
    "no exactly equivariant predictor can score below about 0.0044 in positions on rotated copies.",
    "springs": "Springs in a box: as no body of the test set meets a wall, its targets turn with "
    "their starts to rounding. No published number applies.",
    "gravity": "A hundred bodies: the law is rotation-equivariant and its targets turn with their "
    "starts to rounding.",
}
_NOTES[""] = _NOTES["published"]


def _sizes(variant: str) -> dict[str, int | None]:
    return {split: len(PROTOCOLS[variant].splits[split]) for split in SPLITS}


ABOUT = DataSet(
    title="N-body",
    summary="Bodies in three dimensions attract and repel each other, by charge, by spring or by "
    "gravity. From their positions and velocities now, predict where each of them is 1,000 time steps "
    "later.",
    sources=(
        {
            "url": "https://github.com/vgsatorras/egnn",
            "use": "the recipes of published and springs",
            "commit": "e9ca6c0c3e1d30a7598efbd66034121b4af8dccc",
        },
        {
            "url": "https://github.com/FabianFuchsML/se3-transformer-public",
            "use": "the recipe of fuchs",
            "commit": "a9010df47cc6bb90d885af16fd53e299c0586573",
        },
        {
            "url": "https://github.com/RobDHess/Steerable-E3-GNN",
            "use": "the recipe of gravity",
            "commit": "1b95898f6f18204b510ae127d7f38cd29f610f4d",
        },
    ),
    licence="MIT (the recipes); the generated arrays are free of any claim",
    citation="V. G. Satorras, E. Hoogeboom, M. Welling, "
    "E(n) Equivariant Graph Neural Networks, ICML 2021, arXiv:2102.09844",
    inputs="particles",
    targets={
        "positions": Target("1o", "scene units", "positions"),
        "state": Target("2x1o", "scene units", "state"),
    },
    units={
        "positions": "scene units",
        "velocities": "scene units per time unit",
        "charges": "1",
        "masses": "1",
    },
    options={"variant": ("published", "clean", "fuchs", "springs", "gravity")},
    splits=_sizes("published"),
    splits_with={variant: _sizes(variant) for variant in ("clean", "fuchs", "springs", "gravity")},
    notes=_NOTES,
)
TRAIN_SIZE = 3_000
SEED = PROTOCOLS["published"].seed


def _file(root: str | PathLike[str] | None, variant: str, part: int = 0) -> Path:
    protocol = PROTOCOLS[variant]
    number = "" if protocol.part == 14_000 else f"-{part:02d}"
    return data_root(root) / "nbody" / f"{protocol.file}-seed{protocol.seed}{number}.npz"


def present(variant: str = "published") -> bool:
    """Whether all arrays are on this machine, so that `systems` need not make any."""
    parts = -(-systems_in(variant) // PROTOCOLS[variant].part)
    return all(_file(None, variant, part).is_file() for part in range(parts))


def _part(root: str | PathLike[str] | None, variant: str, number: int) -> NBody:
    """One part of the stream, from its file, else made and kept."""
    path, size = _file(root, variant, number), PROTOCOLS[variant].part
    first, total = number * size, systems_in(variant)
    part = {} if size >= total else {"count": min(size, total - first), "first": first}
    keys = {*STATE, law(variant).source}
    arrays = kept_arrays(path, keys, lambda: generate(variant=variant, **part).arrays())
    return NBody(**{"charges": None, **arrays})


def read(
    root: str | PathLike[str] | None = None,
    variant: str = "published",
    split: str = "train",
    size: int | None = None,
) -> NBody:
    """The first `size` (default all) systems of a split.

    Generates the parts of the stream that it needs on the first call (seconds; for all of gravity
    a quarter of an hour) and keeps them under `data/nbody/` with their SHA-256; a file that no
    longer matches it is generated again. Raises InputError for an unknown variant or split, and for
    more systems than there are.
    """
    law(variant)
    if split not in SPLITS:
        raise unknown("a split", SPLITS, split)
    rows, part = PROTOCOLS[variant].splits[split], PROTOCOLS[variant].part
    check_size(size, len(rows), f"systems of the {split} split")
    rows = rows[:size]
    found = []
    for number in range(rows.start // part, (rows.stop - 1) // part + 1):
        inside = slice(max(rows.start - number * part, 0), rows.stop - number * part)
        found.append(_part(root, variant, number)[inside].arrays())
    arrays = {name: np.concatenate([f[name] for f in found]) for name in found[0]}
    return NBody(**{"charges": None, **arrays})


def systems(
    split: str, target: str = "positions", size: int | None = None, variant: str = "published"
) -> Systems:
    """The split as labelled systems for training: positions at the horizon, or with velocities."""
    if target not in ABOUT.targets:
        raise unknown("a target of nbody", ABOUT.targets, target)
    data = read(variant=variant, split=split, size=size)
    n = data.positions.shape[1]
    targets = [data.target_positions, data.target_velocities][: 1 + (target == "state")]
    return Systems(
        sizes=np.full(len(data), n),
        positions=data.positions.reshape(-1, 3),
        velocities=data.velocities.reshape(-1, 3),
        charges=None if data.charges is None else data.charges.reshape(-1).astype(np.float32),
        masses=None if data.masses is None else data.masses.reshape(-1),
        joined=None if data.springs is None else data.springs.reshape(-1, n) > 0,
        targets=np.concatenate([t.reshape(-1, 3) for t in targets], axis=1),
        unit=ABOUT.targets[target].unit,
    )


_PUBLISHED = {
    # Satorras et al. (2021), table 2; SEGNN: Brandstetter et al. (2022), table 1.
    ("published", "positions"): {
        "linear": 0.0819,
        "se3_transformer": 0.0244,
        "tfn": 0.0155,
        "gnn": 0.0107,
        "egnn": 0.0071,
        "segnn": 0.0043,
    },
    # Fuchs et al. (2020), table 1: the mean of its MSE of positions and of velocities.
    ("fuchs", "state"): {
        name: (x + v) / 2
        for name, x, v in (
            ("linear", 0.0691, 0.261),
            ("deepset", 0.0639, 0.246),
            ("tfn", 0.0151, 0.125),
            ("set_transformer", 0.0139, 0.101),
            ("se3_transformer", 0.0076, 0.075),
        )
    },
    # The rerun of the original program in the README of gerkone/segnn-jax (commit 82b2cfa4).
    ("gravity", "positions"): {"segnn": 0.265},
}


def published(target: str = "positions", variant: str = "published") -> dict[str, float]:
    """Test MSE per coordinate that papers report for a target of a variant, by model."""
    return _PUBLISHED.get((variant, target), {})


@functools.lru_cache(maxsize=4)
def parts(split: str, size: int | None = None, variant: str = "published") -> dict[str, np.ndarray]:
    """Which systems [systems] (bool) are told apart: those in which the force limit never acts.

    The limit depends on the axes: only what is predicted of the others need not turn with its start.
    """
    never = never_limited(read(variant=variant, split=split, size=size), variant)
    return {} if never is None else {"never limited": never}


def never_limited(data: NBody, variant: str) -> np.ndarray | None:
    """In which systems [systems] the force limit acts at no step; None for a law without one."""
    if not np.isfinite(law(variant).limit) or data.charges is None:
        return None
    steps = TARGET_STEP - INPUT_STEP
    return limited_steps(data.positions, data.velocities, data.charges, steps, variant) == 0


def baselines(target: str = "positions", variant: str = "published") -> dict[str, float]:
    """Test MSE of the trivial predictors: static, x + v·t, x + s·v with s fitted on train.

    Of a state the mean over both parts, with the velocity predicted not to change.
    """
    from demetar.data.sets.nbody import nbody

    size = min(TRAIN_SIZE, PROTOCOLS[variant].part)
    train, test = read(variant=variant, size=size), read(variant=variant, split="test")
    return nbody(train, test, target)


def nbody(train: NBody, test: NBody, target: str = "positions") -> dict[str, float]:
    """Test MSE (scene units squared) of the three trivial predictors.

    `static`: x. `x+v*t`: straight on for the horizon. `x+s*v`: straight on for the time s that
    fits the train systems best (least squares; one number). For the target "state" the mean of the
    MSE of positions and that of velocities, which are predicted not to change.
    """

    def mse(prediction: np.ndarray) -> float:
        error = np.mean((prediction - test.target_positions.astype(np.float64)) ** 2)
        return float((error + change) / 2 if target == "state" else error)

    change = np.mean((test.target_velocities - test.velocities.astype(np.float64)) ** 2)
    moved = train.target_positions.astype(np.float64) - train.positions
    velocity = train.velocities.astype(np.float64)
    scale = float((moved * velocity).sum() / (velocity**2).sum())
    x, v = test.positions.astype(np.float64), test.velocities.astype(np.float64)
    return {"static": mse(x), "x+v*t": mse(x + HORIZON * v), "x+s*v": mse(x + scale * v)}
