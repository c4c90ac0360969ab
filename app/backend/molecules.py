"""Molecules for the pages: where they come from, their bonds, group elements and how they act.

All host numpy; lengths in Å; rotations come as unit quaternions (x, y, z, w). No Streamlit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import NamedTuple

import ase
import numpy as np
from scipy.spatial.transform import Rotation

from app.backend import spherical
from demetar.core.errors import InputError
from demetar.core.graph import from_atoms, without_cell
from demetar.core.remarks import heard, remark
from demetar.data import samples
from demetar.data.readers import structures
from demetar.data.readers.lines import MAX_FRAMES
from demetar.symmetry.elements import Elements

ANGLES = tuple(float(a) for a in np.linspace(0, 180, 15))  # degrees, beside the one that is set
SHIFT = (2.0, -1.0, 1.5)  # Å
Quaternion = tuple[float, float, float, float]
Vector = tuple[float, float, float]


class Source(NamedTuple):
    """Where a molecule comes from: a name of the gallery, or a file's name and bytes, and its frame."""

    name: str
    data: bytes | None = None
    frame: int = 0


def brief(source: Source) -> tuple[str, str, int]:
    """The source as a key under which something is kept: a digest in place of a file's bytes."""
    digest = "" if source.data is None else hashlib.sha256(source.data).hexdigest()
    return source.name, digest, source.frame


class Element(NamedTuple):
    """A group element: a rotation, then perhaps the inversion, a shift, a renumbering by seed."""

    rotation: Quaternion
    invert: bool = False
    shift: bool = False
    renumber: int | None = None


def element(rotation: Quaternion, also: Collection[str]) -> Element:
    """The rotation with those of "invert", "shift" and "renumber" that stand beside it."""
    renumber = 0 if "renumber" in also else None
    return Element(rotation, "invert" in also, "shift" in also, renumber)


def gallery() -> list[str]:
    """The names of the molecules that come with Demetar."""
    return samples.names("molecules")


@lru_cache(4)
def _structures(data: bytes, name: str) -> tuple[list[ase.Atoms], tuple[str, ...]]:
    """The structures of a file that can be chosen, and what has to be said of them."""
    with heard() as said:
        found = structures.first_atoms(data, name, MAX_FRAMES + 1)
        if len(found) > MAX_FRAMES:
            remark(f"The file has more structures; the first {MAX_FRAMES} can be chosen.")
        found = [without_cell(atoms) for atoms in found[:MAX_FRAMES]]
    return found, tuple(said)


def remarks(source: Source) -> tuple[str, ...]:
    """What has to be said of a file: what of it was left out; nothing of the gallery's molecules."""
    return () if source.data is None else _structures(source.data, source.name)[1]


def frames(source: Source) -> int:
    """How many structures the source holds; InputError if none that can be read."""
    return 1 if source.data is None else len(_structures(source.data, source.name)[0])


def molecule(source: Source) -> ase.Atoms:
    """The molecule about its centroid; InputError if the file holds none that can be read."""
    if source.data is not None:
        found, _ = _structures(source.data, source.name)
        if not 0 <= source.frame < len(found):
            raise InputError(
                f"Expected a frame from 1 to {len(found)}, got {source.frame + 1}; choose another."
            )
        atoms = found[source.frame].copy()
    else:
        found = samples.load(source.name)
        if not isinstance(found, ase.Atoms):
            raise InputError(
                f"Expected a molecule, got {source.name}, an N-body scene; open it there."
            )
        atoms = found
    atoms.positions -= atoms.positions.mean(0)
    return atoms


def bonds(atoms: ase.Atoms) -> list[tuple[int, int, int]]:
    """Perceived bonds (i, j, order 1 to 3); aromatic ones count as single for drawing."""
    graph = from_atoms(atoms, cutoff="bonds")
    orders = np.array([1, 2, 3, 1])
    kinds = np.asarray(graph.edge_attributes).argmax(1)
    found = zip(graph.senders, graph.receivers, kinds, strict=True)
    return [(int(s), int(r), int(orders[k])) for s, r, k in found if s < r]


def isometries(element: Element, axis: Vector, atoms: int) -> Elements:
    """The element itself, then its like at each of ANGLES about the axis; float64."""
    unit = np.asarray(axis, float) / np.linalg.norm(axis)
    here = Rotation.from_quat(element.rotation).as_matrix()
    turns = Rotation.from_rotvec(np.radians(ANGLES)[:, None] * unit).as_matrix()
    matrix = np.concatenate([here[None], turns]) * (-1 if element.invert else 1)
    shift = np.tile(SHIFT if element.shift else (0.0, 0.0, 0.0), (len(matrix), 1))
    order = None
    if element.renumber is not None:
        order = np.random.default_rng(element.renumber).permutation(atoms)
    return Elements(matrix, shift, None if order is None else np.tile(order, (len(matrix), 1)))


def together(elements: Sequence[Element], atoms: int) -> Elements:
    """Elements of which all or none renumber, as one batch; float64, each as `isometries` has it."""
    turns = Rotation.from_quat([e.rotation for e in elements]).as_matrix()
    signs = np.where([e.invert for e in elements], -1, 1)
    shift = np.array([SHIFT if e.shift else (0.0, 0.0, 0.0) for e in elements])
    order = None
    if elements[0].renumber is not None:
        order = np.stack([np.random.default_rng(e.renumber).permutation(atoms) for e in elements])
    return Elements(turns * signs[:, None, None], shift, order)


def matrix(element: Element) -> np.ndarray:
    """The matrix [3 3] by which an element turns, mirrored where it has the inversion."""
    return isometries(element, (0, 0, 1), 1).matrix[0]


def turning(element: Element, irrep: str) -> np.ndarray:
    """The matrix D(g) [2l+1 2l+1] by which features of the irrep turn under the element."""
    return spherical.wigner(irrep, matrix(element))


def order_of(element: Element, atoms: int) -> np.ndarray:
    """Which old atom [n] each atom of g·x is."""
    found = isometries(element, (0, 0, 1), atoms).permutation
    return np.arange(atoms) if found is None else found[0]


def act(element: Element, positions: np.ndarray) -> np.ndarray:
    """Positions [n 3] of g·x."""
    g = isometries(element, (0, 0, 1), len(positions))
    return positions[order_of(element, len(positions))] @ g.matrix[0].T + g.shift[0]
