"""Small real inputs that open at once, offline: molecules and N-body scenes under `data/samples/`.

`python data/samples/make.py` makes them: QM9 molecules from the package of the extra `qm9`, g2
molecules from ASE, scenes from `demetar.simulation.scene`.
"""

from functools import cache

import ase
import ase.io
import numpy as np

from demetar.core.disk import samples
from demetar.core.errors import InputError
from demetar.core.registry import unknown
from demetar.simulation.scene import Scene

FOLDER = samples()
MOLECULE_FILES = ("qm9.xyz", "g2.xyz")
# Seed 43 starts as the benchmark's first training system does.
SCENES = {
    "nbody-5-published": {"n_bodies": 5, "seed": 43, "variant": "published"},
    "nbody-5-clean": {"n_bodies": 5, "seed": 43, "variant": "clean"},
    "nbody-5-collision": {"n_bodies": 5, "seed": 25, "variant": "published"},
    "nbody-2-pair": {"n_bodies": 2, "charges": (1.0, -1.0), "seed": 4, "variant": "clean"},
    "nbody-3-clean": {"n_bodies": 3, "seed": 3, "variant": "clean"},
    "nbody-10-clean": {"n_bodies": 10, "seed": 10, "variant": "clean"},
}


@cache
def _molecules() -> dict[str, ase.Atoms]:
    found = {}
    for file in MOLECULE_FILES:
        path = FOLDER / file
        if not path.is_file():
            raise InputError(
                f"Expected the sample molecules in {path}, got no such file; run: python "
                "data/samples/make.py."
            )
        for atoms in ase.io.iread(path, ":", format="extxyz"):
            # NumPy's scalars as Python's own: what leaves here goes into JSON.
            atoms.info = {k: getattr(v, "item", lambda v=v: v)() for k, v in atoms.info.items()}
            found[atoms.info["name"]] = atoms
    return found


def names(kind: str = "all") -> list[str]:
    """The names that `load` takes; `kind` is "molecules", "scenes" or "all"."""
    if kind not in ("molecules", "scenes", "all"):
        raise unknown("a kind of sample", ("molecules", "scenes", "all"), kind)
    molecules = [] if kind == "scenes" else list(_molecules())
    return molecules + ([] if kind == "molecules" else list(SCENES))


def load(name: str) -> ase.Atoms | Scene:
    """The molecule (positions in Å) or scene (scene units) of that name; a copy of its own.

    A molecule's `info` holds name, source and, from QM9, its SMILES, number there, HOMO energy in
    meV and split (cormorant). Raises InputError with the closest name for an unknown one.
    """
    if name in SCENES:
        with np.load(FOLDER / f"{name}.npz", allow_pickle=False) as archive:
            fields = ("positions", "velocities", "charges", "masses", "times")
            return Scene(*(archive[field] for field in fields))
    if name not in _molecules():
        raise unknown("a sample", names(), name)
    return _molecules()[name].copy()
