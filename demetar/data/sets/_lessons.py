"""Small data for lessons, taken from Python packages and read from `data/samples/`.

`data/samples/make_lessons.py` writes them.
"""

from pathlib import Path

import numpy as np

from demetar.core.disk import samples
from demetar.core.errors import InputError

FOLDER = samples()
DIGITS, MESHES = FOLDER / "digits.npz", FOLDER / "meshes.npz"
DIGITS_SOURCE = {
    "url": "https://pypi.org/project/scikit-learn/1.9.1/",
    "file": "sklearn/datasets/data/digits.csv.gz",
    "sha256": "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22",
}
MESH_SOURCES = {
    name: {
        "url": "https://pypi.org/project/pyvista/0.49.1/",
        "file": f"pyvista/examples/{name}.ply",
        "sha256": digest,
    }
    for name, digest in (
        ("airplane", "370846416b2d0d9c574e356a5b43c7aac2db748761daab270fdd1331f97305a8"),
        ("ant", "1e825c23c85588c9ea8d31b53e09791a6cd20fa9f835e98d4c61389e4209a73b"),
        ("nut", "51df5ca42ddbac9123e59678d532557278b11dee915274c98ea8897acc604c0a"),
    )
}


def stored(path: Path) -> dict[str, np.ndarray]:
    """The arrays of one of the files here; InputError where it is missing."""
    if not path.is_file():
        raise InputError(
            f"Expected {path}, which comes with the project, got no such file; check out "
            "data/samples."
        )
    with np.load(path, allow_pickle=False) as archive:
        return dict(archive)
