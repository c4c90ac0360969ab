"""Bodies that move under pair forces: where each of them is 1,000 time steps later.

`published` is the charged benchmark "nbody_small" of Satorras, Hoogeboom, Welling, "E(n)
Equivariant Graph Neural Networks" (ICML 2021); the paper trains on the first 3,000 of its 10,000.
Close encounters are chaotic: in one simulation of sixteen the last bit of a sum grows into another
target. So this variant repeats its own program's roundings (`demetar.simulate_exact`).
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

The laws stand in `demetar.simulate`, the order of random draws in `demetar.starts`.
"""

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np

from demetar import starts
from demetar.cache import data_root, read_arrays, write_arrays
from demetar.errors import InputError
from demetar.loader import Systems
from demetar.simulate import TIME_STEP, law, simulate
from demetar.simulate_exact import simulate_exact

TITLE = "N-body"
SUMMARY = (
    "Bodies in three dimensions attract and repel each other, by charge, by spring or by gravity. "
    "From their positions and velocities now, predict where each of them is 1,000 time steps later."
)
OPTIONS = {"variant": ("published", "clean", "fuchs", "springs", "gravity")}
SIZE = 0  # bytes to download: the arrays are generated here
FORCES = False
SOURCES = (
    {"url": "https://github.com/vgsatorras/egnn", "use": "the recipes of published and springs",
     "commit": "e9ca6c0c3e1d30a7598efbd66034121b4af8dccc"},
    {"url": "https://github.com/FabianFuchsML/se3-transformer-public", "use": "the recipe of fuchs",
     "commit": "a9010df47cc6bb90d885af16fd53e299c0586573"},
    {"url": "https://github.com/RobDHess/Steerable-E3-GNN", "use": "the recipe of gravity",
     "commit": "1b95898f6f18204b510ae127d7f38cd29f610f4d"},
)  # fmt: skip
TARGETS = {"positions": ("1o", "scene units"), "state": ("2x1o", "scene units")}
INPUTS, OUTPUT = "particles", "positions"  # what a model reads and gives here
OUTPUTS = {"state": "state"}
UNITS = {
    "positions": "scene units", "velocities": "scene units per time unit", "charges": "1",
    "masses": "1",
}  # fmt: skip
LICENCE = "MIT (the recipes); the generated arrays are free of any claim"
CITATION = (
    "V. G. Satorras, E. Hoogeboom, M. Welling, "
    "E(n) Equivariant Graph Neural Networks, ICML 2021, arXiv:2102.09844"
)
SPLITS = ("train", "valid", "test")
TRAIN_SIZE = 3_000


class Protocol(NamedTuple):
    """How a variant is drawn and cut.

    splits: rows of the generator's random stream. input_step, target_step: of the integrator. part:
    systems that are made and kept together.
    """

    seed: int
    bodies: int
    splits: dict[str, range]
    input_step: int
    target_step: int
    part: int
    file: str


_SMALL = {"train": range(10_000), "valid": range(10_000, 12_000), "test": range(12_000, 14_000)}
# The program makes 50,000 for training and 10,000 for the test; the next 2,000 are ours to validate.
_FUCHS = {"train": range(50_000), "test": range(50_000, 60_000), "valid": range(60_000, 62_000)}
PROTOCOLS = {
    "published": Protocol(43, 5, _SMALL, 3_100, 4_100, 14_000, "charged5-published"),
    "clean": Protocol(43, 5, _SMALL, 3_100, 4_100, 14_000, "charged5-clean"),
    "fuchs": Protocol(42, 5, _FUCHS, 100, 1_100, 10_000, "charged5-fuchs"),
    "springs": Protocol(43, 5, _SMALL, 3_100, 4_100, 14_000, "springs5"),
    "gravity": Protocol(43, 100, _SMALL, 3_000, 4_000, 500, "gravity100"),
}
SEED = PROTOCOLS["published"].seed
INPUT_STEP, TARGET_STEP = PROTOCOLS["published"].input_step, PROTOCOLS["published"].target_step
HORIZON = (TARGET_STEP - INPUT_STEP) * TIME_STEP  # of every variant
_DRAW = {"charges": starts.charged, "springs": starts.sprung, "masses": starts.gravitating}

_STATE = ("positions", "velocities", "target_positions", "target_velocities")


def _total(variant: str) -> int:
    return sum(map(len, PROTOCOLS[variant].splits.values()))


@dataclass(frozen=True)
class NBody:
    """Systems and where they are HORIZON time units later: float32 [S, n, 3].

    Charges and masses [S, n] and springs [S, n, n], where the variant has them.
    """

    positions: np.ndarray
    velocities: np.ndarray
    charges: np.ndarray | None
    target_positions: np.ndarray
    target_velocities: np.ndarray
    masses: np.ndarray | None = None
    springs: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.positions)

    def __getitem__(self, rows: slice | np.ndarray) -> "NBody":
        return NBody(**{"charges": None, **{k: v[rows] for k, v in self.arrays().items()}})

    def arrays(self) -> dict[str, np.ndarray]:
        """What there is, by name."""
        return {name: value for name, value in vars(self).items() if value is not None}


def draw(
    variant: str, count: int, seed: int | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions, velocities [count, n, 3] and what makes the force, as the variant draws them.

    The last are charges or masses [count, n] or springs [count, n, n]; all float64 at step 0.
    """
    protocol = PROTOCOLS[variant]
    rng = np.random.RandomState(protocol.seed if seed is None else seed)
    return _DRAW[law(variant).source](count, protocol.bodies, rng)


def generate(
    seed: int | None = None, count: int | None = None, variant: str = "published", first: int = 0
) -> NBody:
    """`count` systems (default all) of the variant's random stream from number `first` on.

    The stream starts from `seed` (default the variant's own). Simulated in float64.
    """
    protocol, source = PROTOCOLS[variant], law(variant).source
    count = _total(variant) - first if count is None else count
    x, v, strengths = (a[first:] for a in draw(variant, first + count, seed))
    steps = (protocol.input_step, protocol.target_step)
    given = {"charges": None, source: strengths}
    if variant == "published":
        xs, vs = simulate_exact(x, v, strengths, steps)
    else:
        xs, vs = simulate(x, v, steps=steps, variant=variant, **given)
    given[source] = strengths.astype(np.float32)
    arrays = (a.astype(np.float32) for a in (xs[0], vs[0], xs[1], vs[1]))
    return NBody(**dict(zip(_STATE, arrays, strict=True)), **given)


def _file(root: str | PathLike[str] | None, variant: str, part: int = 0) -> Path:
    protocol = PROTOCOLS[variant]
    number = "" if protocol.part == 14_000 else f"-{part:02d}"
    return data_root(root) / "nbody" / f"{protocol.file}-seed{protocol.seed}{number}.npz"


def present(variant: str = "published") -> bool:
    """Whether all arrays are on this machine, so that `systems` need not make any."""
    parts = -(-_total(variant) // PROTOCOLS[variant].part)
    return all(_file(None, variant, part).is_file() for part in range(parts))


def _part(root: str | PathLike[str] | None, variant: str, number: int) -> NBody:
    """One part of the stream, from its file, else made and kept."""
    path, size = _file(root, variant, number), PROTOCOLS[variant].part
    arrays = read_arrays(path)
    if arrays is None or set(arrays) != {*_STATE, law(variant).source}:
        first, total = number * size, _total(variant)
        part = {} if size >= total else {"count": min(size, total - first), "first": first}
        arrays = generate(variant=variant, **part).arrays()
        write_arrays(path, arrays)
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
        raise InputError(
            f"The split must be one of {', '.join(SPLITS)}, not {split!r}; choose one."
        )
    rows, part = PROTOCOLS[variant].splits[split], PROTOCOLS[variant].part
    if size is not None and not 1 <= size <= len(rows):
        raise InputError(f"The {split} split has 1 to {len(rows)} systems to read, not {size}.")
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
    if target not in TARGETS:
        raise InputError(
            f"The target of nbody must be one of {', '.join(TARGETS)}, not {target!r}; choose one."
        )
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
        unit=TARGETS[target][1],
    )


_PUBLISHED = {
    # Satorras et al. (2021), table 2; SEGNN: Brandstetter et al. (2022), table 1.
    ("published", "positions"): {
        "linear": 0.0819, "se3_transformer": 0.0244, "tfn": 0.0155, "gnn": 0.0107, "egnn": 0.0071,
        "segnn": 0.0043,
    },
    # Fuchs et al. (2020), table 1: the mean of its MSE of positions and of velocities.
    ("fuchs", "state"): {
        name: (x + v) / 2
        for name, x, v in (
            ("linear", 0.0691, 0.261), ("deepset", 0.0639, 0.246), ("tfn", 0.0151, 0.125),
            ("set_transformer", 0.0139, 0.101), ("se3_transformer", 0.0076, 0.075),
        )
    },
    # The rerun of the original program in the README of gerkone/segnn-jax (commit 82b2cfa4).
    ("gravity", "positions"): {"segnn": 0.265},
}  # fmt: skip
PUBLISHED = {"positions": _PUBLISHED["published", "positions"]}


def published(target: str = "positions", variant: str = "published") -> dict[str, float]:
    """Test MSE per coordinate that papers report for a target of a variant, by model."""
    return _PUBLISHED.get((variant, target), {})


NOTES = {
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
NOTES[""] = NOTES["published"]


def baselines(target: str = "positions", variant: str = "published") -> dict[str, float]:
    """Test MSE of the trivial predictors: static, x + v·t, x + s·v with s fitted on train.

    Of a state the mean over both parts, with the velocity predicted not to change.
    """
    from demetar.baselines import nbody

    size = min(TRAIN_SIZE, PROTOCOLS[variant].part)
    train, test = read(variant=variant, size=size), read(variant=variant, split="test")
    return nbody(train, test, target)
