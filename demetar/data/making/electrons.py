"""Electron densities and Kohn–Sham matrices of small distorted molecules, for two lessons.

`density` and `hamiltonian` compute with PySCF (see `kohn_sham`) what stands in `data/samples/density.npz`
and `hamiltonian.npz`, whose checksums are in `electrons.json`. Reproducible by seed: the geometries to
the last bit, what PySCF gives to the digits that its version and processor leave. Positions in Å,
exponents in 1/bohr², matrices in Hartree.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import ase.build
import numpy as np

from demetar.core.disk import samples, write_atomically
from demetar.core.errors import InputError
from demetar.data.making import kohn_sham as ks
from demetar.symmetry.elements import rotations

Progress = Callable[[int, int], None]
# name: ASE's name, geometries for train, valid and test
MOLECULES = {
    "water": ("H2O", (140, 30, 30)),
    "ammonia": ("NH3", (20, 5, 5)),
    "methane": ("CH4", (20, 5, 5)),
    "formaldehyde": ("H2CO", (20, 5, 5)),
}
ELEMENTS = (1, 6, 7, 8)
DISTORTION = 0.06  # Å, standard deviation of each coordinate
ORBITALS, SMALL = "def2-svp", "sto-3g"
CHECKED = 3  # turned geometries that PySCF computes anew; the last one is mirrored as well
Arrays = dict[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Making:
    """How the data are made: the seed, and how many geometries of each split at most (0: all)."""

    seed: int = 0
    most: int = 0


def check(s: Making) -> None:
    """Raises InputError for settings that are out of their range."""
    for key, high in (("seed", 2**31), ("most", 10_000)):
        if not 0 <= getattr(s, key) <= high:
            raise InputError(f"Expected {key} from 0 to {high}, got {getattr(s, key)}; change it.")


def geometries(name: str, s: Making) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Positions [S, n, 3] float32 in Å about the centroid, turned at random; species; split sizes."""
    formula, counts = MOLECULES[name]
    sizes = [min(count, s.most) if s.most else count for count in counts]
    atoms = ase.build.molecule(formula)
    rng = np.random.default_rng((s.seed, list(MOLECULES).index(name)))
    moved = atoms.positions + DISTORTION * rng.normal(size=(sum(sizes), len(atoms), 3))
    moved -= moved.mean(1, keepdims=True)
    turns = rotations(sum(sizes), s.seed + 1)
    return np.einsum("sij,snj->sni", turns, moved).astype(np.float32), atoms.numbers, sizes


def elements(seed: int) -> np.ndarray:
    """The orthogonal matrices [CHECKED, 3, 3] at which PySCF computes anew, the last one improper."""
    found = rotations(CHECKED, seed + 2)
    found[-1] *= -1
    return found


def density(s: Making, progress: Progress | None = None) -> Arrays:
    """Coefficients of every geometry, of free atoms, of turned geometries, and what the fit misses."""
    found: Arrays = {"basis": ks.basis_table(list(ELEMENTS))}
    found["atoms"] = np.stack([_fitted_atom(z) for z in ELEMENTS])
    found["elements"] = np.array(ELEMENTS)
    for name in MOLECULES:
        x, species, sizes = geometries(name, s)
        rows = []
        for i, places in enumerate(x):
            rows.append(ks.coefficients(ks.Field(species, places.astype(float), ORBITALS)))
            if progress:
                progress(i + 1, len(x))
        found |= _named(
            name,
            positions=x,
            species=species,
            sizes=np.array(sizes),
            coefficients=np.array([c for c, _ in rows], np.float32),
            missed=np.array([m for _, m in rows], np.float32),
        )
    x, species, _ = geometries("water", s)
    first = ks.Field(species, x[0].astype(float), ORBITALS, exact=True)
    turned = _turned(first, species, x[0].astype(float), ORBITALS, s.seed)
    return found | _named(
        "check",
        positions=x[0].astype(float),
        matrices=elements(s.seed),
        coefficients=ks.coefficients(first)[0],
        turned=np.array([ks.coefficients(f)[0] for f in turned[0]]),
        own_grid=np.array([ks.coefficients(f)[0] for f in turned[1]]),
    )


def _fitted_atom(z: int) -> np.ndarray:
    matrix, _, mole = ks.free_atom(z, ORBITALS)
    return ks.fit(mole, matrix)[0][0]


def _named(name: str, **arrays: np.ndarray) -> Arrays:
    return {f"{name}/{key}": value for key, value in arrays.items()}


def _turned(
    first: ks.Field, species: np.ndarray, x: np.ndarray, basis: str, seed: int
) -> tuple[list[ks.Field], list[ks.Field]]:
    """Calculations at each turned geometry: on the grid that turns along, and as all data are made."""
    turns = elements(seed)
    along = [ks.Field(species, x @ m.T, basis, first.turned_grid(m), True) for m in turns]
    return along, [ks.Field(species, x @ m.T, basis) for m in turns]


def hamiltonian(s: Making, progress: Progress | None = None) -> Arrays:
    """F, S and F of superposed atoms of every geometry, free atoms' F, and F of turned geometries.

    Symmetric matrices as the rows of their lower triangles; orbitals in e3nn's order.
    """
    found: Arrays = {"elements": np.array(ELEMENTS)}
    found |= {f"atom/{z}": ks.free_atom(z, SMALL)[1] for z in ELEMENTS}
    for name in MOLECULES:
        x, species, sizes = geometries(name, s)
        rows: list[list[np.ndarray]] = []
        for i, places in enumerate(x):
            made = ks.Field(species, places.astype(float), SMALL)
            guess = made.field.get_fock(dm=made.field.init_guess_by_atom(made.mole))
            overlap = made.mole.intor("int1e_ovlp")
            rows.append(
                [lower(ks.in_e3nn_order(made.mole, m)) for m in (made.matrix, overlap, guess)]
            )
            if progress:
                progress(i + 1, len(x))
        f, overlap, guess = np.array(rows).swapaxes(0, 1)
        found |= _named(
            name,
            positions=x,
            species=species,
            sizes=np.array(sizes),
            fock=f,
            overlap=overlap,
            superposed=guess[-sizes[2] :],
        )
    x, species, _ = geometries("water", s)
    for basis in (SMALL, ORBITALS):
        first = ks.Field(species, x[0].astype(float), basis, exact=True)
        along, own = _turned(first, species, x[0].astype(float), basis, s.seed)
        found |= _named(
            f"check/{basis}",
            matrix=first.matrix,
            shells=ks.shells(first.mole),
            turned=np.array([f.matrix for f in along]),
            own_grid=np.array([f.matrix for f in own]),
        )
    return found | _named("check", positions=x[0].astype(float), matrices=elements(s.seed))


def lower(matrix: np.ndarray) -> np.ndarray:
    """The lower triangle [n (n + 1) / 2] of a symmetric matrix [n, n]."""
    return matrix[np.tril_indices(len(matrix))]


MADE = {"density": density, "hamiltonian": hamiltonian}


def write(
    kind: str, s: Making, folder: Path | None, progress: Progress | None = None
) -> dict[str, Any]:
    """Makes one of MADE and writes it with its checksum; what was written, for a reader."""
    check(s)
    place = folder or samples()
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **MADE[kind](s, progress))
    content = buffer.getvalue()
    write_atomically(place / f"{kind}.npz", content)
    entry = {
        "sha256": hashlib.sha256(content).hexdigest(),
        **dataclasses.asdict(s),
        "packages": {name: version(name) for name in ("pyscf", "numpy", "ase")},
    }
    listed = place / "electrons.json"
    known = json.loads(listed.read_text(encoding="utf-8")) if listed.is_file() else {}
    text = json.dumps(dict(sorted({**known, kind: entry}.items())), indent=1) + "\n"
    write_atomically(listed, text.encode())
    return {"file": str(place / f"{kind}.npz"), "bytes": len(content), **entry}
