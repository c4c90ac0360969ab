"""Files that the explorer accepts, one format a file."""

import numpy as np

from demetar.core.graph import Graph, from_arrays, from_atoms
from demetar.core.remarks import remark
from demetar.data.readers.bounded import Source
from demetar.data.readers.scenes import read_scene
from demetar.data.readers.structures import first_atoms

FAR = 100.0  # Å: float32 is 8e-6 Å apart there


def read(source: Source, name: str = "", cutoff: float | str | None = None) -> Graph:
    """The first system in a file as a graph: a molecule, or an N-body scene from an NPZ file.

    `source` is a path, or the file's bytes with its `name`; all pairs are joined unless `cutoff`
    (Å, or "bonds") says otherwise. Of a trajectory not more is read than it takes. Raises InputError
    as `read_atoms` and `read_scene` do.
    """
    if str(name or source).lower().endswith(".npz"):
        scene = read_scene(source, name)
        return from_arrays(
            scene.positions[0],
            velocities=scene.velocities[0],
            charges=scene.charges,
            masses=scene.masses,
            cutoff=cutoff,
        )
    atoms = first_atoms(source, name)[0]
    far = float(np.abs(atoms.positions.mean(axis=0)).max())
    if far > FAR:
        remark(
            f"The atoms are {far:.0f} Å from the origin, where float32 tells places apart by "
            f"{np.spacing(np.float32(far)):.0e} Å only; centre them or take float64."
        )
    return from_atoms(atoms, cutoff)
