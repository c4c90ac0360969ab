"""Point clouds that are their own label, for autoencoders: shaken Tetris shapes, heavy atoms of QM9.

`tetris` are the eight shapes of `points` (Thomas et al., arXiv:1802.08219), each point moved by a normal
deviate of 0.1 in x, y and z, turned at random and shifted; every point has charge 1. Seven of the eight
have turns that leave them as they are: shaking takes these away. `molecules` are the atoms of QM9's molecules
without hydrogens, charge Z/6, from the files and in the splits of `qm9`; of its training molecules the first
20,000.

The label of a point is its own place: a model that hands its input on has no error. Only what passes a
narrow code learns anything here.
"""

import numpy as np

from demetar.core.registry import unknown
from demetar.data.sets import points, qm9
from demetar.data.sets._about import SPLITS, DataSet, Target, check_size
from demetar.data.systems import Systems
from demetar.symmetry.elements import rotations

SHAKEN = 0.1  # cubes
CARBON = 6.0
_SIZES = {"train": 4_000, "valid": 400, "test": 400}
_MOLECULES = {"train": 20_000, "valid": 1_000, "test": 1_000}
ABOUT = DataSet(
    title="Clouds",
    summary="Point clouds whose label is themselves, for autoencoders: the eight Tetris shapes, shaken and "
    "turned, or the heavy atoms of small molecules. A model that hands its input on has no error.",
    sources=qm9.ABOUT.sources,
    licence=qm9.ABOUT.licence,
    citation=f"N. Thomas et al., Tensor field networks, arXiv:1802.08219 (2018); {qm9.ABOUT.citation}",
    inputs="particles",
    targets={"positions": Target("1o", "scene units", "positions")},
    units={
        "positions": "cubes, or Å",
        "charges": "1, or atomic numbers over that of carbon",
    },
    itself=True,
    options={"shapes": ("tetris", "molecules")},
    splits=_SIZES,
    splits_with={"molecules": _MOLECULES},
    notes={
        "": "The label is the input: errors are those of what a code forgets, not of a prediction."
    },
)


def present(shapes: str = "tetris") -> bool:
    """Whether nothing has to be downloaded: shapes are made when they are asked for."""
    return shapes == "tetris" or qm9.present()


def shaken(name: str, seed: int, amount: float = SHAKEN) -> np.ndarray:
    """One Tetris shape [4, 3] about its centroid, not turned, each coordinate moved by N(0, amount²)."""
    shapes = points.read()
    if name not in shapes:
        raise unknown("a shape", shapes, name)
    return shapes[name] + amount * np.random.default_rng(seed).normal(size=shapes[name].shape)


def _tetris(split: str, size: int) -> Systems:
    """Each shape in turn, shaken, turned and shifted; the first `size` are the same for every size."""
    whole, known = _SIZES[split], np.stack(list(points.read().values()))
    rng = np.random.default_rng((SPLITS.index(split), 8))
    x = known[np.arange(whole) % len(known)] + SHAKEN * rng.normal(size=(whole, 4, 3))
    x = np.einsum("nij,npj->npi", rotations(whole, 1 + SPLITS.index(split)), x)
    x = (x + rng.normal(size=(whole, 1, 3)))[:size].reshape(-1, 3).astype(np.float32)
    return Systems(
        np.full(size, 4), x, x.astype(np.float64), "scene units", charges=np.ones(len(x))
    )


def heavy(species: np.ndarray) -> np.ndarray:
    """Which atoms a molecule's cloud consists of: those that are no hydrogen, or all if none is."""
    others = species != 1
    return others if others.any() else ~others


def _molecules(split: str, size: int) -> Systems:
    data = qm9.systems(split, size=size)
    assert data.species is not None
    starts = np.cumsum(data.sizes) - data.sizes
    kept = [heavy(data.species[a : a + n]) for a, n in zip(starts, data.sizes)]
    rows = np.concatenate(kept)
    x = data.positions[rows]
    # Models read products of charges: those of Z itself, up to 81, let an untrained one overflow.
    sizes, charges = np.array([k.sum() for k in kept]), data.species[rows] / CARBON
    return Systems(sizes, x, x.astype(np.float64), "scene units", charges=charges)


def systems(
    split: str, target: str = "positions", size: int | None = None, shapes: str = "tetris"
) -> Systems:
    """The first `size` (default all) clouds of a split, their own places as target."""
    if target not in ABOUT.targets:
        raise unknown("a target", ABOUT.targets, target)
    if split not in SPLITS:
        raise unknown("a split", SPLITS, split)
    if shapes not in ABOUT.options["shapes"]:
        raise unknown("shapes", ABOUT.options["shapes"], shapes)
    whole = (_MOLECULES if shapes == "molecules" else _SIZES)[split]
    check_size(size, whole, f"clouds of the {split} split")
    return (_molecules if shapes == "molecules" else _tetris)(split, size or whole)


def read(split: str = "train", size: int | None = None, shapes: str = "tetris") -> list[np.ndarray]:
    """The clouds [n, 3] of a split."""
    data = systems(split, size=size, shapes=shapes)
    return np.split(data.positions, np.cumsum(data.sizes)[:-1])


def published(target: str = "positions", shapes: str = "tetris") -> dict[str, float]:
    """Nothing: the paper reports other shapes, sizes and numbers."""
    return {}


def baselines(target: str = "positions", shapes: str = "tetris") -> dict[str, float]:
    """MSE on test of all points in the centroid: what remains if only the shift is known."""
    x = read("test", shapes=shapes)
    apart = np.concatenate([cloud - cloud.mean(0) for cloud in x])
    return {"the centroid": float(np.mean(apart.astype(np.float64) ** 2))}
