"""rMD17: molecular dynamics of ten small molecules, PBE/def2-SVP energies and forces.

A. S. Christensen, O. A. von Lilienfeld, "On the role of gradients for machine learning of molecular
energies and forces", Mach. Learn.: Sci. Technol. 1, 045018 (2020): the structures of MD17 (Chmiela
et al. 2017) with newly computed labels, 100,000 frames of each molecule. Neighbouring frames are
alike, so the authors fix five splits of 1,000 train and 1,000 test frames each; only the frames of
those are kept here. The source's kcal/mol are 43.36410 meV each.
"""

import os
import shutil
import tarfile
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from demetar.core.disk import data_root, read_arrays, recorded, write_arrays
from demetar.core.errors import InputError, damaged, reason
from demetar.data.download import fetch
from demetar.data.sets import _frames
from demetar.data.sets._about import SPLITS, DataSet, Target
from demetar.data.sets._frames import KCAL_PER_MOL, Frames
from demetar.data.systems import Systems

MOLECULES = (
    "ethanol", "aspirin", "azobenzene", "benzene", "malonaldehyde", "naphthalene", "paracetamol",
    "salicylic", "toluene", "uracil",
)  # fmt: skip
FOLDS = ("1", "2", "3", "4", "5")
_ARCHIVE = {
    "url": "https://figshare.com/ndownloader/files/23950376",
    "file": "rmd17.tar.bz2",
    "bytes": 1_066_301_513,
    "sha256": "cddeea2ec2c4b22a9de16a9a65a3eeedac5b29da9c99c20bbff0153912bf922b",
}
VALID = 50
ABOUT = DataSet(
    title="rMD17",
    summary="Snapshots of ten small molecules in motion, each with the energy and the forces that "
    "density functional theory (PBE/def2-SVP) gives. Predict the energy; the forces are its negative "
    "gradient. Five published splits have 1,000 frames for training and 1,000 for the test.",
    sources=(_ARCHIVE,),
    size=_ARCHIVE["bytes"],
    licence="CC0",
    citation="A. S. Christensen, O. A. von Lilienfeld, On the role of gradients for machine learning of "
    "molecular energies and forces, Mach. Learn.: Sci. Technol. 1, 045018 (2020)",
    inputs="atoms",
    targets={"energy": Target("0e", "meV", "scalar")},
    forces=True,
    units={"positions": "Å", "energy": "meV", "forces": "meV/Å"},
    options={"molecule": MOLECULES, "fold": FOLDS},
    splits={"train": 950, "valid": VALID, "test": 1_000},
    notes={
        "": "The numbers of Equiformer and TorchMD-NET are errors on the original MD17 (PBE+TS): the "
        "same molecules and 950 train frames, but other labels and every other frame as the test. "
        "Neighbouring frames are alike: never train on more than 1,000 of them.",
    },
)


def _hand_made(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a file that somebody put in the place of the cache."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
        count, n = arrays["R"].shape[:2]
        fits = arrays["R"].shape == arrays["F"].shape == (count, n, 3)
        fits &= arrays["z"].shape == (n,) and arrays["E"].shape == (count,)
        rows = np.concatenate([arrays[f"{part}_0{k}"] for part in ("train", "test") for k in FOLDS])
        fits &= rows.min() >= 0 and rows.max() < count
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise damaged(path, "an rMD17 file", error) from None
    if not fits:
        raise damaged(path, "an rMD17 file", "arrays that do not fit each other")
    return arrays


def _file(molecule: str, root: str | os.PathLike[str] | None) -> Path:
    return data_root(root) / "rmd17" / f"rmd17_{molecule}.npz"


def present(molecule: str = "ethanol", fold: str = "1") -> bool:
    """Whether the molecule's frames are on this machine, so that `systems` need not fetch them."""
    return _file(molecule, None).is_file()


def arrays(
    molecule: str = "ethanol", root: str | os.PathLike[str] | None = None
) -> dict[str, np.ndarray]:
    """The frames of a molecule that the five splits use, in the source's units.

    z [n]; R [S, n, 3] Å; E [S] kcal/mol; F [S, n, 3] kcal/mol/Å; train_01 … test_05: row numbers.
    Read from `data/rmd17/rmd17_<molecule>.npz`; the first call for any molecule fetches the archive
    (1.07 GB) and writes all ten. A file of the same keys put there by hand is used as it is.
    """
    _frames.require("molecule", molecule, MOLECULES, "rMD17")
    path = _file(molecule, root)
    folder = path.parent
    if path.is_file() and not recorded(path).is_file():
        return _hand_made(path)
    found = read_arrays(path)
    if found is None:
        source = ABOUT.sources[0]
        there = (folder / source["file"]).is_file()
        archive = fetch(source, folder)
        convert(archive, folder)
        if not there:
            archive.unlink()
        found = read_arrays(path)
    if found is None:
        raise InputError(
            f"Expected to read {path} back, got something else; free the disk and ask again."
        )
    return found


def convert(archive: Path, folder: Path) -> None:
    """Writes the ten molecules' compact files from the published archive (about 2 minutes)."""
    with tempfile.TemporaryDirectory(dir=folder, prefix=".unpacked-") as name:
        unpacked = Path(name)
        try:
            with tarfile.open(archive, "r|bz2") as tar:
                for member in tar:
                    wanted = Path(member.name)
                    if member.isfile() and wanted.parent.name in ("npz_data", "splits"):
                        source = tar.extractfile(member)
                        with (unpacked / wanted.name).open("wb") as target:
                            shutil.copyfileobj(source, target)  # pyright: ignore[reportArgumentType]
            for molecule in MOLECULES:
                write_arrays(folder / f"rmd17_{molecule}.npz", _compact(unpacked, molecule))
        except (tarfile.TarError, EOFError, KeyError, OSError, ValueError) as error:
            raise InputError(
                f"Expected an archive that can be unpacked at {archive}, got {reason(error)}; "
                f"remove it, see that the disk has {2 * ABOUT.size / 1e9:.0f} GB free, and ask "
                "again."
            ) from None


def _compact(unpacked: Path, molecule: str) -> dict[str, np.ndarray]:
    def numbers(part: str, fold: str) -> np.ndarray:
        return np.loadtxt(unpacked / f"index_{part}_0{fold}.csv", dtype=np.int64, ndmin=1)

    rows = {f"{part}_0{k}": numbers(part, k) for part in ("train", "test") for k in FOLDS}
    used = np.unique(np.concatenate(list(rows.values())))
    with np.load(unpacked / f"rmd17_{molecule}.npz", allow_pickle=False) as archive:
        return {
            "z": archive["nuclear_charges"].astype(np.uint8),
            "R": archive["coords"][used],
            "E": archive["energies"][used],
            "F": archive["forces"][used].astype(np.float32),
        } | {key: np.searchsorted(used, value).astype(np.int16) for key, value in rows.items()}


def rows(data: dict[str, np.ndarray], split: str, fold: str = "1") -> np.ndarray:
    """The rows of a split: the fold's test frames, or 950 and 50 of its 1,000 train frames.

    The published splits have no validation part: it is the last 50 of default_rng(0)'s permutation.
    """
    if split == "test":
        return data[f"test_0{fold}"]
    train = data[f"train_0{fold}"]
    train = train[np.random.default_rng(0).permutation(len(train))]
    return train[:-VALID] if split == "train" else train[-VALID:]


def read(
    root: str | os.PathLike[str] | None = None,
    molecule: str = "ethanol",
    split: str = "train",
    fold: str = "1",
    size: int | None = None,
) -> Frames:
    """The first `size` (default all) frames of a split; raises InputError as `systems` does."""
    _frames.require("molecule", molecule, MOLECULES, "rMD17")
    _frames.require("fold", str(fold), FOLDS, "rMD17")
    _frames.require("split", split, SPLITS, "rMD17")
    data = arrays(molecule, root)
    chosen = _frames.first(rows(data, split, str(fold)), size, f"{split} split of rMD17")
    return Frames(
        data["z"],
        data["R"][chosen].astype(np.float64),
        data["E"][chosen] * KCAL_PER_MOL,
        data["F"][chosen] * KCAL_PER_MOL,
    )


def systems(
    split: str,
    target: str = "energy",
    size: int | None = None,
    molecule: str = "ethanol",
    fold: str = "1",
) -> Systems:
    """The split as labelled systems: total energy in meV, forces in meV/Å.

    Raises InputError for another target, split, molecule, fold or size, and when the archive is
    neither here nor to be had.
    """
    _frames.require("target", target, tuple(ABOUT.targets), "rMD17")
    return read(molecule=molecule, split=split, fold=fold, size=size).systems()


# Test MAE of (energies in meV, forces in meV/Å) by molecule, from 950 train frames, on the labels of
# the ORIGINAL MD17: Liao, Smidt, "Equiformer" (ICLR 2023), L = 2; Thölke, De Fabritiis, "TorchMD-NET"
# (ICLR 2022), 0.123/0.253 and 0.052/0.109 kcal/mol(/Å) there.
PUBLISHED_ON_MD17 = {
    "equiformer": {
        "aspirin": (5.3, 7.2), "benzene": (2.2, 6.6), "ethanol": (2.2, 3.1),
        "malonaldehyde": (3.3, 5.8), "naphthalene": (3.7, 2.1), "salicylic": (4.5, 4.1),
        "toluene": (3.8, 2.1), "uracil": (4.3, 3.3),
    },
    "torchmd_net": {"aspirin": (5.3, 11.0), "ethanol": (2.3, 4.7)},
}  # fmt: skip


def published(
    target: str = "energy", molecule: str = "ethanol", fold: str = "1"
) -> dict[str, float]:
    """Test MAE of the energy (meV) that papers report for a molecule, by model; see `ABOUT.notes`."""
    rows = PUBLISHED_ON_MD17.items() if target == "energy" else ()
    return {model: found[molecule][0] for model, found in rows if molecule in found}


def baselines(
    target: str = "energy", molecule: str = "ethanol", fold: str = "1"
) -> dict[str, float]:
    """Test MAE of the mean train energy (meV) and of forces of zero (meV/Å)."""
    return _frames.baselines(
        *(read(molecule=molecule, split=s, fold=fold) for s in ("train", "test"))
    )
