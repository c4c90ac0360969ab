"""Point clouds for lessons: the eight Tetris shapes, and points on the surfaces of three meshes.

The Tetris shapes are those of Thomas et al., "Tensor field networks", arXiv:1802.08219:
told apart by shape alone, among them two mirror images. Training shows each shape once, the other
splits show it turned. The meshes are those that the package pyvista ships, 256 points evenly from
each surface. They are for lessons: no model here is made to name shapes.
"""

from os import PathLike

import numpy as np

from demetar.core.errors import InputError
from demetar.core.registry import unknown
from demetar.data.sets import _lessons
from demetar.data.sets._about import SPLITS, DataSet, Target, check_size
from demetar.data.systems import Systems
from demetar.symmetry.elements import rotations

_SHOWN = {"train": 1, "valid": 5, "test": 25}  # how often each shape is shown
ABOUT = DataSet(
    title="Point clouds",
    summary="The eight ways to join four cubes face to face, two of them mirror images of each other, "
    "and points on three surfaces: an airplane, an ant and a nut. For lessons on rotations and "
    "reflections; no model here is made to name them.",
    sources=tuple(_lessons.MESH_SOURCES.values()),
    licence="MIT (the package pyvista, which ships the meshes); the Tetris shapes are free of any claim",
    citation="N. Thomas et al., Tensor field networks, arXiv:1802.08219 (2018); C. B. Sullivan, A. "
    "Kaszynski, PyVista, JOSS 4(37), 1450 (2019)",
    targets={"shape": Target("0e", "class", None)},
    units={"positions": "cubes, or root mean square radii"},
    options={"shapes": ("tetris", "meshes")},
    splits={split: 8 * times for split, times in _SHOWN.items()},
    splits_with={"meshes": {split: 3 * times for split, times in _SHOWN.items()}},
    notes={
        "": "The two chiral shapes differ by a reflection only: nothing E(3)-invariant tells them apart."
    },
)
TETRIS = {
    "chiral 1": "000 001 100 110", "chiral 2": "111 112 211 201", "square": "000 100 010 110",
    "line": "000 001 002 003", "corner": "000 001 010 100", "L": "000 001 002 010",
    "T": "000 001 002 011", "zigzag": "000 100 110 210",
}  # fmt: skip


def present(shapes: str = "tetris") -> bool:
    """Whether the shapes are here; they come with the project."""
    return shapes == "tetris" or _lessons.MESHES.is_file()


def read(root: str | PathLike[str] | None = None, shapes: str = "tetris") -> dict[str, np.ndarray]:
    """The points [n, 3] of each shape by name, about their centroid; `root` is not needed.

    Lengths in cubes (tetris) or root mean square radii (meshes). Raises InputError for other shapes.
    """
    if shapes not in ABOUT.options["shapes"]:
        raise InputError(f"Expected the shapes tetris or meshes, got {shapes!r}; choose one.")
    if shapes == "meshes":
        return _lessons.stored(_lessons.MESHES)
    cubes = {
        name: np.array([[int(c) for c in cube] for cube in text.split()], np.float32)
        for name, text in TETRIS.items()
    }
    return {name: x - x.mean(axis=0) for name, x in cubes.items()}


def systems(
    split: str, target: str = "shape", size: int | None = None, shapes: str = "tetris"
) -> Systems:
    """The shapes with their number in `read` as target: once in train, turned at random elsewhere."""
    if target not in ABOUT.targets:
        raise InputError(f"Expected the target shape, got {target!r}; choose it.")
    if split not in SPLITS:
        raise unknown("a split", SPLITS, split)
    clouds = list(read(shapes=shapes).values())
    number = len(clouds) * _SHOWN[split]
    check_size(size, number, f"systems of the {split} split")
    seed = SPLITS.index(split)
    turns = rotations(number, seed) if seed else np.tile(np.eye(3), (number, 1, 1))
    which = np.arange(number)[:size] % len(clouds)
    turned = [clouds[k] @ turns[i].T for i, k in enumerate(which)]
    return Systems(
        sizes=np.array([len(x) for x in turned]),
        positions=np.concatenate(turned).astype(np.float32),
        targets=which[:, None].astype(np.float64),
        unit="class",
    )


def published(target: str = "shape", shapes: str = "tetris") -> dict[str, float]:
    """Nothing: no paper reports a number of a model here."""
    return {}


def baselines(target: str = "shape", shapes: str = "tetris") -> dict[str, float]:
    """Fraction of wrong answers on test of one shape named always."""
    return {"one shape always": 1 - 1 / len(read(shapes=shapes))}
