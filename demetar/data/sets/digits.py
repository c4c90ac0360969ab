"""Handwritten digits, 8 x 8 pixels, for lessons: what translations and rotations do to an image.

E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository
(1998), doi:10.24432/C50P49: its test set of 1,797 images, as scikit-learn ships it. A digit is known
up to translation, but not up to rotation (6 and 9). No model here reads images: the arrays come with
the project and `systems` gives the pixels as points in a plane.
"""

from os import PathLike

import numpy as np

from demetar.core.errors import InputError
from demetar.core.registry import unknown
from demetar.data.sets import _lessons
from demetar.data.sets._about import SPLITS, DataSet, Target, check_size
from demetar.data.systems import Systems

_ROWS = {"train": slice(0, 1_000), "valid": slice(1_000, 1_297), "test": slice(1_297, 1_797)}
ABOUT = DataSet(
    title="Digits",
    summary="1,797 handwritten digits of 8 by 8 pixels, for lessons on translations and rotations of "
    "images. Each pixel holds an amount of ink from 0 to 16. No model here reads them.",
    sources=(_lessons.DIGITS_SOURCE,),
    licence="BSD-3-Clause (the package scikit-learn, which ships them); UCI asks for the citation",
    citation="E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning "
    "Repository (1998), doi:10.24432/C50P49",
    targets={"digit": Target("0e", "class", None)},
    units={"positions": "pixels", "charges": "ink, 0 to 16"},
    splits={split: rows.stop - rows.start for split, rows in _ROWS.items()},
    notes={
        "": "Images in the order of the source: the last ones are of other writers than the first."
    },
)


def present() -> bool:
    """Whether the images are here; they come with the project."""
    return _lessons.DIGITS.is_file()


def read(
    root: str | PathLike[str] | None = None, split: str = "train", size: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Images [n, 8, 8] (ink, 0 to 16; first row on top) and the digit [n] that each shows.

    The first `size` (default all) of a split; `root` is not needed. Raises InputError for another
    split and for more images than there are.
    """
    if split not in SPLITS:
        raise unknown("a split", SPLITS, split)
    rows = _ROWS[split]
    check_size(size, rows.stop - rows.start, f"images of the {split} split")
    arrays = _lessons.stored(_lessons.DIGITS)
    return arrays["images"][rows][:size], arrays["digits"][rows][:size]


def systems(split: str, target: str = "digit", size: int | None = None) -> Systems:
    """The images as points in the plane z = 0, about their middle, with the ink as charge."""
    if target not in ABOUT.targets:
        raise InputError(f"Expected the target digit, got {target!r}; choose it.")
    images, shown = read(split=split, size=size)
    row, column = np.indices((8, 8)).reshape(2, -1)
    place = np.stack([column - 3.5, 3.5 - row, np.zeros(64)], axis=1).astype(np.float32)
    return Systems(
        sizes=np.full(len(images), 64),
        positions=np.tile(place, (len(images), 1)),
        charges=images.reshape(-1).astype(np.float32),
        targets=shown[:, None].astype(np.float64),
        unit="class",
    )


def published(target: str = "digit") -> dict[str, float]:
    """Nothing: no paper reports a number of a model here."""
    return {}


def baselines(target: str = "digit") -> dict[str, float]:
    """Fraction of wrong answers on test: the most frequent digit; the nearest mean image."""
    images, known = (a.astype(np.float64) for a in read(split="train"))
    asked, truth = (a.astype(np.float64) for a in read(split="test"))
    means = np.stack([images[known == digit].mean(0) for digit in range(10)])
    nearest = ((asked[:, None] - means) ** 2).sum((2, 3)).argmin(1)
    frequent = np.bincount(known.astype(int)).argmax()
    return {
        "most frequent digit": float((truth != frequent).mean()),
        "nearest mean image": float((truth != nearest).mean()),
    }
