"""QM9: 130,831 molecules of H, C, N, O, F with twelve properties each, B3LYP/6-31G(2df,p).

R. Ramakrishnan, P. O. Dral, M. Rupp, O. A. von Lilienfeld, "Quantum chemistry structures and
properties of 134 kilo molecules", Sci. Data 1, 140022 (2014), without the 3,054 molecules that the
authors list as uncharacterized. The numbers come from the PyPI package `qm9pack`
(pip install "demetar[qm9]"), are converted once into `data/qm9/qm9.npz` and load from there.

One hartree is 27.211386246 eV here, as in TorchMD-Net's and Equiformer's programs; EGNN's uses
27.2114, which makes its errors 5e-7 of themselves larger. Energies stay float64: float32 would lose
0.8 meV of U0.
"""

import csv
import importlib.util
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np

from demetar.cache import checksum, data_root, read_arrays, recorded, write_arrays
from demetar.errors import InputError
from demetar.loader import Systems

TITLE = "QM9"
SUMMARY = (
    "130,831 small organic molecules of up to nine C, N, O and F atoms with their hydrogens, each at "
    "the geometry of least energy that density functional theory (B3LYP/6-31G(2df,p)) gives. Predict "
    "one of twelve properties of the molecule, such as its orbital energies or its heat capacity."
)
OPTIONS = {"partition": ("cormorant", "torchmd")}
SIZE = 104_000_000  # bytes to download: the package's wheel
FORCES = False
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
LICENCE = "CC0 (data); MIT (the package qm9pack)"
CITATION = (
    "R. Ramakrishnan, P. O. Dral, M. Rupp, O. A. von Lilienfeld, Quantum chemistry structures and "
    "properties of 134 kilo molecules, Sci. Data 1, 140022 (2014)"
)
INPUTS, OUTPUT = "atoms", "scalar"  # what a model reads and gives here
UNITS = {"positions": "Å"}
HARTREE_IN_MEV = 27211.386246
TARGETS = {
    "mu": ("0e", "D"),
    "alpha": ("0e", "a0³"),
    "homo": ("0e", "meV"),
    "lumo": ("0e", "meV"),
    "gap": ("0e", "meV"),
    "r2": ("0e", "a0²"),
    "zpve": ("0e", "meV"),
    "U0": ("0e", "meV"),
    "U": ("0e", "meV"),
    "H": ("0e", "meV"),
    "G": ("0e", "meV"),
    "Cv": ("0e", "cal/(mol K)"),
}
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
# Sizes of train and valid; test is the rest.
PARTITIONS = {"cormorant": (100_000, 17_748), "torchmd": (110_000, 10_000)}
SPLITS = ("train", "valid", "test")
ELEMENTS = {"H": 1, "C": 6, "N": 7, "O": 8, "F": 9}
# Energies (hartree) and heat capacity (cal/(mol K)) of free atoms, from the data set's atomref.txt.
FREE_ATOMS = {
    "U0": {1: -0.500273, 6: -37.846772, 7: -54.583861, 8: -75.064579, 9: -99.718730},
    "U": {1: -0.498857, 6: -37.845355, 7: -54.582445, 8: -75.063163, 9: -99.717314},
    "H": {1: -0.497912, 6: -37.844411, 7: -54.581501, 8: -75.062219, 9: -99.716370},
    "G": {1: -0.510927, 6: -37.861317, 7: -54.598897, 8: -75.079532, 9: -99.733544},
    "Cv": {1: 2.981, 6: 2.981, 7: 2.981, 8: 2.981, 9: 2.981},
}
_KEYS = ("index", "n_atoms", "z", "R", "y", "y_names", "smiles")


@dataclass(frozen=True)
class Molecules:
    """Molecules with one label each; atoms of molecule i are rows offsets[i] to offsets[i + 1].

    index [S]: number in the original QM9 (1 to 133,885). n_atoms [S]. species [atoms]: atomic
    numbers. positions [atoms, 3]: Å, float32. targets [S]: float64, in `unit`.
    """

    index: np.ndarray
    n_atoms: np.ndarray
    species: np.ndarray
    positions: np.ndarray
    targets: np.ndarray
    offsets: np.ndarray
    target: str
    irreps: str
    unit: str

    def __len__(self) -> int:
        return len(self.n_atoms)


def _package_folder() -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise InputError(
            f"QM9 comes from the Python package {PACKAGE}, which is not installed; "
            'run: pip install "demetar[qm9]".'
        )
    return Path(spec.submodule_search_locations[0])


def _rows(folder: Path) -> Iterator[dict[str, str]]:
    for source in SOURCES:
        path = folder / source["file"]
        if not path.is_file() or checksum(path) != source["sha256"]:
            raise InputError(
                f"{source['file']} of {PACKAGE} {VERSION} is needed, but it is absent or another; "
                f"run: pip install --force-reinstall {PACKAGE}=={VERSION}."
            )
        with path.open(newline="", encoding="utf-8") as file:
            yield from csv.DictReader(file)


def _list(text: str) -> list[str]:
    return text.translate({ord(c): None for c in "[]' "}).split(",")


def convert(folder: Path) -> dict[str, np.ndarray]:
    """The package's CSV files under `folder` as compact arrays, in the source's units.

    index, n_atoms [S]; z [atoms]; R [atoms, 3] float32 Å; y [S, 12] float64 (hartree, D, a0, cal);
    y_names [12]; smiles: the bytes of the newline-joined list. Raises InputError for other files.
    """
    index, n_atoms, z, y, smiles = [], [], [], [], []
    positions: list[np.ndarray] = []
    for row in _rows(folder):
        species = [ELEMENTS[symbol] for symbol in _list(row["Elements"])]
        index.append(int(row["Index"]))
        n_atoms.append(len(species))
        z.extend(species)
        xyz = np.array(_list(row["XYZ_Ang"]), dtype=np.float64)
        positions.append(xyz.reshape(len(species), 3).astype(np.float32))
        y.append([float(row[column]) for column in _COLUMNS.values()])
        smiles.append(row["SMILES"])
    return {
        "index": np.array(index, np.int32),
        "n_atoms": np.array(n_atoms, np.uint8),
        "z": np.array(z, np.uint8),
        "R": np.concatenate(positions),
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
        fits = arrays["R"].shape == (atoms, 3) and arrays["z"].shape == (atoms,)
        fits &= arrays["y"].shape == (count, len(arrays["y_names"]))
        fits &= set(TARGETS) <= set(arrays["y_names"].tolist())
    except Exception as error:
        raise InputError(
            f"{path} is not a QM9 archive ({error}); remove it and read again."
        ) from error
    if not fits:
        raise InputError(f"The arrays in {path} do not fit each other; remove it and read again.")
    return arrays


def _file(root: str | PathLike[str] | None) -> Path:
    return data_root(root) / "qm9" / "qm9.npz"


def present(partition: str = "cormorant") -> bool:
    """Whether the arrays are on this machine, so that `systems` need not convert them first."""
    return _file(None).is_file()


def arrays(root: str | PathLike[str] | None = None) -> dict[str, np.ndarray]:
    """All of QM9 as `convert` gives it, from the cache, which the first call makes (15 s)."""
    path = _file(root)
    if path.is_file() and not recorded(path).is_file():
        return _foreign(path)
    found = read_arrays(path, _KEYS)
    if found is None:
        found = convert(_package_folder())
        write_arrays(path, found)
    return found


def _require(kind: str, value: str, allowed: Collection[str]) -> None:
    if value not in allowed:
        raise InputError(
            f"The QM9 {kind} must be one of {', '.join(allowed)}, not {value!r}; choose one."
        )


def rows(partition: str, split: str, count: int = 130_831) -> np.ndarray:
    """Row numbers of a split, in the order in which the published programs drew them.

    `cormorant`: 100,000 / 17,748 / 13,083 by NumPy's legacy generator with seed 0 (Cormorant, EGNN,
    SEGNN). `torchmd`: 110,000 / 10,000 / 10,831 by default_rng(1) (TorchMD-Net, Equiformer).
    """
    _require("partition", partition, PARTITIONS)
    _require("split", split, SPLITS)
    generator = np.random.RandomState(0) if partition == "cormorant" else np.random.default_rng(1)
    train, valid = PARTITIONS[partition]
    parts = np.split(generator.permutation(count), [train, train + valid])
    return parts[SPLITS.index(split)]


def select(data: dict[str, np.ndarray], chosen: np.ndarray, target: str) -> Molecules:
    """The chosen rows of `arrays()` with one label each, in the unit that the field reports."""
    _require("target", target, TARGETS)
    starts = np.concatenate([[0], np.cumsum(data["n_atoms"], dtype=np.int64)])
    n_atoms = data["n_atoms"][chosen]
    offsets = np.concatenate([[0], np.cumsum(n_atoms, dtype=np.int64)])
    atoms = np.arange(offsets[-1]) + np.repeat(starts[chosen] - offsets[:-1], n_atoms)
    irreps, unit = TARGETS[target]
    column = data["y_names"].tolist().index(target)
    scale = HARTREE_IN_MEV if unit == "meV" else 1.0
    return Molecules(
        index=data["index"][chosen], n_atoms=n_atoms, species=data["z"][atoms],
        positions=data["R"][atoms], targets=data["y"][chosen, column] * scale, offsets=offsets,
        target=target, irreps=irreps, unit=unit,
    )  # fmt: skip


def read(
    root: str | PathLike[str] | None = None,
    target: str = "homo",
    split: str = "train",
    partition: str = "cormorant",
    size: int | None = None,
) -> Molecules:
    """The first `size` (default all) molecules of a split with one target; see `rows`, `Molecules`.

    `root` (default $DEMETAR_DATA, else the project's data folder) holds or gets `qm9/qm9.npz`; an
    archive of the same keys put there by hand is used as it is. Raises InputError for an unknown
    target, partition or split, a wrong size, or when the package is needed and missing.
    """
    _require("target", target, TARGETS)
    _require("split", split, SPLITS)  # before the conversion, which takes seconds
    data = arrays(root)
    chosen = rows(partition, split, len(data["index"]))
    if size is not None and not 1 <= size <= len(chosen):
        raise InputError(f"The {split} split has 1 to {len(chosen)} molecules to read, not {size}.")
    return select(data, chosen[:size], target)


def free_atoms(target: str) -> dict[int, float]:
    """What free atoms contribute, by atomic number, in the target's unit; zeros where undefined."""
    _require("target", target, TARGETS)
    scale = HARTREE_IN_MEV if TARGETS[target][1] == "meV" else 1.0
    values = FREE_ATOMS.get(target, dict.fromkeys(ELEMENTS.values(), 0.0))
    return {z: value * scale for z, value in values.items()}


def systems(
    split: str, target: str = "homo", size: int | None = None, partition: str = "cormorant"
) -> Systems:
    """The split as labelled systems for training, one invariant [systems, 1] each."""
    data = read(target=target, split=split, partition=partition, size=size)
    return Systems(
        sizes=data.n_atoms.astype(np.int64),
        positions=data.positions,
        species=data.species,
        targets=data.targets[:, None],
        unit=data.unit,
    )


# Test MAE (meV) of the highest occupied orbital's energy, as the papers report it; NMP, Cormorant,
# LieConv, TFN, SE(3)-Transformer, EGNN and SEGNN on the partition "cormorant", others on "torchmd".
PUBLISHED = {
    "homo": {
        "nmp": 43, "schnet": 41, "cormorant": 34, "lieconv": 30, "dimenet": 25, "tfn": 40,
        "se3_transformer": 35, "egnn": 29, "painn": 28, "torchmd_net": 20, "spherenet": 23,
        "segnn": 24, "eqgat": 20, "equiformer": 15, "wavescatt": 85,
    }
}  # fmt: skip
NOTES = {"": "The published networks were trained for about 1,000 epochs on a GPU."}


def baselines(target: str = "homo", partition: str = "cormorant") -> dict[str, float]:
    """Test MAE of the train mean and of a linear fit on element counts, in the target's unit."""
    from demetar.baselines import qm9

    parts = (read(target=target, split=s, partition=partition) for s in ("train", "test"))
    return qm9(*parts)
