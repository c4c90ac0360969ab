"""QM9's arrays: converted once from the Python package that ships them, then kept.

R. Ramakrishnan, P. O. Dral, M. Rupp, O. A. von Lilienfeld, "Quantum chemistry structures and
properties of 134 kilo molecules", Sci. Data 1, 140022 (2014), through the PyPI package `qm9pack`
(pip install "demetar[qm9]"): its CSV files become `qm9/qm9.npz` in the data folder.
"""

import csv
import importlib.util
from collections.abc import Iterator
from os import PathLike
from pathlib import Path

import numpy as np

from demetar.core.disk import checksum, data_root, read_arrays, recorded, write_arrays
from demetar.core.errors import InputError, damaged

PACKAGE = "qm9pack"
VERSION = "1.0.3"
SOURCES = tuple(
    {
        "url": f"https://pypi.org/project/{PACKAGE}/{VERSION}/",
        "file": f"data/qm9_part{part}.csv",
        "sha256": digest,
    }
    for part, digest in (
        (1, "19f0a5d595462d52cd82eef3370f3e9eb55a1f52cb14985657200349568deff3"),
        (2, "2bca113fdc0b28a13563c80ed9b240e934f3da6c64c64fe74ddb4f0f36036e61"),
        (3, "9c5efb5733d2af149db8d95d36ff198b4ffed12d9f7b344220a1e5877d5c6a43"),
    )
)
ELEMENTS = {"H": 1, "C": 6, "N": 7, "O": 8, "F": 9}
_COLUMNS = {
    "mu": "Dipole_debye",
    "alpha": "Polarizability_bohr3",
    "homo": "HOMO_au",
    "lumo": "LUMO_au",
    "gap": "HOMO_LUMO_gap_au",
    "r2": "R2_bohr2",
    "zpve": "ZPVE_au",
    "U0": "InternalEnergy_0K_au",
    "U": "InternalEnergy_298K_au",
    "H": "Enthalphy_298K_au",
    "G": "GibbsFreeEnergy_298K_au",
    "Cv": "Heatcapacity_Cv_cal_mol_K",
}
_KEYS = ("index", "n_atoms", "z", "R", "q_mulliken", "y", "y_names", "smiles")


def _package_folder() -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise InputError(
            f"Expected the package {PACKAGE}, which QM9 comes from, got none; run: pip "
            'install "demetar[qm9]".'
        )
    return Path(spec.submodule_search_locations[0])


def _rows(folder: Path) -> Iterator[dict[str, str]]:
    for source in SOURCES:
        path = folder / source["file"]
        if not path.is_file() or checksum(path) != source["sha256"]:
            raise InputError(
                f"Expected {source['file']} of {PACKAGE} {VERSION}, got none or another; run: "
                f"pip install --force-reinstall {PACKAGE}=={VERSION}."
            )
        with path.open(newline="", encoding="utf-8") as file:
            yield from csv.DictReader(file)


def _list(text: str) -> list[str]:
    return text.translate({ord(c): None for c in "[]' "}).split(",")


def convert(folder: Path) -> dict[str, np.ndarray]:
    """The package's CSV files under `folder` as compact arrays, in the source's units.

    index, n_atoms [S]; z [atoms]; R [atoms, 3] float32 Å; q_mulliken [atoms] float32 e; y [S, 12]
    float64 (hartree, D, a0, cal); y_names [12]; smiles: the bytes of the newline-joined list.
    Raises InputError for other files.
    """
    index, n_atoms, z, y, charges, smiles = [], [], [], [], [], []
    positions: list[np.ndarray] = []
    for row in _rows(folder):
        species = [ELEMENTS[symbol] for symbol in _list(row["Elements"])]
        index.append(int(row["Index"]))
        n_atoms.append(len(species))
        z.extend(species)
        xyz = np.array(_list(row["XYZ_Ang"]), dtype=np.float64)
        positions.append(xyz.reshape(len(species), 3).astype(np.float32))
        charges.extend(_list(row["Mulliken_pop"]))
        y.append([float(row[column]) for column in _COLUMNS.values()])
        smiles.append(row["SMILES"])
    return {
        "index": np.array(index, np.int32),
        "n_atoms": np.array(n_atoms, np.uint8),
        "z": np.array(z, np.uint8),
        "R": np.concatenate(positions),
        "q_mulliken": np.array(charges, np.float32),
        "y": np.array(y, np.float64),
        "y_names": np.array(list(_COLUMNS)),
        "smiles": np.frombuffer("\n".join(smiles).encode(), np.uint8),
    }


def _foreign(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a file that somebody else put in the place of the cache."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in _KEYS}
        count, atoms = len(arrays["index"]), int(arrays["n_atoms"].sum())
        fits = arrays["R"].shape == (atoms, 3)
        fits &= arrays["z"].shape == arrays["q_mulliken"].shape == (atoms,)
        fits &= arrays["y"].shape == (count, len(arrays["y_names"]))
        fits &= set(_COLUMNS) <= set(arrays["y_names"].tolist())
    except Exception as error:
        raise damaged(path, "a QM9 archive", error) from error
    if not fits:
        raise damaged(path, "a QM9 archive", "arrays that do not fit each other")
    return arrays


def file(root: str | PathLike[str] | None) -> Path:
    """Where the arrays are kept."""
    return data_root(root) / "qm9" / "qm9.npz"


def arrays(root: str | PathLike[str] | None = None) -> dict[str, np.ndarray]:
    """All of QM9 as `convert` gives it, from the cache, which the first call makes (15 s)."""
    path = file(root)
    if path.is_file() and not recorded(path).is_file():
        return _foreign(path)
    found = read_arrays(path, _KEYS)
    if found is None:
        found = convert(_package_folder())
        write_arrays(path, found)
    return found
