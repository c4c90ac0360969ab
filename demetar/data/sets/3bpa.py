"""3BPA: a flexible drug-like molecule at three temperatures, for transfer between them.

3-(benzyloxy)pyridin-2-amine, 27 atoms, ωB97X/6-31G(d). D. P. Kovács, C. van der Oord, J. Kucera,
A. E. A. Allen, D. J. Cole, C. Ortner, G. Csányi, "Linear atomic cluster expansion force fields for
organic molecules: beyond RMSE", J. Chem. Theory Comput. 17, 7696 (2021). 500 frames for training,
from 300 K or from 300, 600 and 1,200 K together; tests at each temperature and on optimised slices
through its dihedral angles. The source's eV are 1,000 meV each.
"""

import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from demetar.core.disk import data_root, read_arrays, write_arrays
from demetar.core.errors import damaged
from demetar.data.download import fetch
from demetar.data.readers.xyz import parse
from demetar.data.sets import _frames
from demetar.data.sets._about import SPLITS, DataSet, Target
from demetar.data.sets._frames import EV, KCAL_PER_MOL, Frames
from demetar.data.systems import Systems

COMMIT = "29e6d467317e4b5967b7ea5cbee54de953fa0d45"


def _source(part: str, size: int, **digest: str) -> dict[str, Any]:
    place = f"https://raw.githubusercontent.com/davkovacs/BOTNet-datasets/{COMMIT}/dataset_3BPA/"
    file = f"{part}.xyz"
    return {"url": place + file, "commit": COMMIT, "file": file, "bytes": size, **digest}


# The tests are pinned by git's own name of their content (SHA-1 of a header and the bytes).
_SOURCES = (
    _source(
        "train_300K",
        1_504_880,
        sha256="d109971fab90e2231ad931a83eb704c8d940f5c7d7a8de27fe3b84ea18634c0a",
    ),
    _source(
        "train_mixedT",
        1_504_818,
        sha256="bc108532964b2ed259eaaabf82e5dfaffa5bda9ac384fc2afabcce192a49250b",
    ),
    _source("test_300K", 5_023_260, git="6ea840dfce31bd7667a26e592f3625729c90441b"),
    _source("test_600K", 6_434_399, git="681d24eeb4e9193644e6db58193b50e205a5bc0f"),
    _source("test_1200K", 6_437_539, git="94beb5238c3573e4be4d368928460f951e07e513"),
    _source("test_dih", 0, git="7bdd390b9aed0a677dd8036a3a5055a0b648d1f5"),  # size unknown
)
VALID = 50
ABOUT = DataSet(
    title="3BPA",
    summary="Snapshots of one flexible, drug-like molecule of 27 atoms with the energy and the forces "
    "of density functional theory (ωB97X/6-31G(d)). Trained at 300 K, a model is asked at 300, 600 or "
    "1,200 K or along the dihedral angles. So the set shows how far what was learned carries.",
    sources=_SOURCES,
    size=sum(source["bytes"] for source in _SOURCES),
    licence="MIT (the repository BOTNet-datasets)",
    citation="D. P. Kovács et al., Linear atomic cluster expansion force fields for organic molecules: "
    "beyond RMSE, J. Chem. Theory Comput. 17, 7696 (2021); files of arXiv:2205.06643",
    inputs="atoms",
    targets={"energy": Target("0e", "meV", "scalar")},
    forces=True,
    units={"positions": "Å", "energy": "meV", "forces": "meV/Å"},
    options={"train": ("300K", "mixedT"), "test": ("300K", "600K", "1200K", "dih")},
    splits={"train": 450, "valid": VALID, "test": 1_669},
    splits_with={"600K": {"test": 2_138}, "1200K": {"test": 2_139}, "dih": {"test": None}},
    notes={
        "": "The literature reports root mean square errors here; this project's are mean absolute, "
        "so no published number stands beside them."
    },
)


def _hand_made(path: Path, part: str) -> dict[str, np.ndarray] | None:
    """A part from an archive of several that somebody put there, in kcal/mol; None without it."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            if f"R_{part}" not in archive.files:
                return None
            z, found = archive["z"], {key: archive[f"{key}_{part}"] for key in "REF"}
        shape = (len(found["E"]), len(z), 3)
        if found["R"].shape != shape or found["F"].shape != shape:
            raise ValueError("its arrays do not fit each other")
    except FileNotFoundError:
        return None
    except (OSError, KeyError, ValueError, TypeError, zipfile.BadZipFile) as error:
        raise damaged(path, "a 3BPA file", error) from None
    scale = KCAL_PER_MOL / EV
    return {"z": z, "R": found["R"], "E": found["E"] * scale, "F": found["F"] * scale}


def present(train: str = "300K", test: str = "300K") -> bool:
    """Whether both parts are on this machine, so that `systems` need not fetch them."""
    folder = data_root() / "3bpa"

    def here(part: str) -> bool:
        if any((folder / f"{part}{ending}").is_file() for ending in (".npz", ".xyz")):
            return True
        return _hand_made(folder / "3bpa.npz", part) is not None

    return here(f"train_{train}") and here(f"test_{test}")


def convert(path: Path) -> dict[str, np.ndarray]:
    """The frames of a published file: z [n]; R [S, n, 3] Å; E [S] eV; F [S, n, 3] eV/Å."""
    lines = path.read_text(encoding="utf-8").split("\n")
    found = list(parse(lines, {"energy": 1}, {"forces": 3}))
    if not found or any(f.frame.species != found[0].frame.species for f in found):
        raise damaged(path, "frames of one molecule", "others")
    return {
        "z": np.array(found[0].frame.species, np.uint8),
        "R": np.array([f.frame.positions for f in found]),
        "E": np.array([f.values["energy"][0] for f in found]),
        "F": np.array([f.columns["forces"] for f in found]),
    }


def arrays(part: str, root: str | os.PathLike[str] | None = None) -> dict[str, np.ndarray]:
    """The frames of one published file such as "train_300K", as `convert` gives them.

    Read from `data/3bpa/<part>.npz`, which the first call makes from the file that it fetches. An
    archive `3bpa.npz` put there by hand (z; R_<part>, E_<part>, F_<part> in kcal/mol) does as well.
    """
    folder = data_root(root) / "3bpa"
    found = read_arrays(folder / f"{part}.npz")
    if found is None:
        found = _hand_made(folder / "3bpa.npz", part)
    if found is None:
        source = next(s for s in ABOUT.sources if s["file"] == f"{part}.xyz")
        found = convert(fetch(source, folder))
        write_arrays(folder / f"{part}.npz", found)
    return found


def read(
    root: str | os.PathLike[str] | None = None,
    split: str = "train",
    train: str = "300K",
    test: str = "300K",
    size: int | None = None,
) -> Frames:
    """The first `size` (default all) frames of a split; raises InputError as `systems` does.

    The 500 train frames are divided into 450 and 50 for validation by default_rng(0).
    """
    _frames.require("split", split, SPLITS, "3BPA")
    _frames.require("option train", train, ABOUT.options["train"], "3BPA")
    _frames.require("option test", test, ABOUT.options["test"], "3BPA")
    data = arrays(f"test_{test}" if split == "test" else f"train_{train}", root)
    rows = np.arange(len(data["R"]))
    if split != "test":
        rows = np.random.default_rng(0).permutation(len(rows))
        rows = rows[:-VALID] if split == "train" else rows[-VALID:]
    rows = _frames.first(rows, size, f"{split} split of 3BPA")
    return Frames(
        data["z"], data["R"][rows].astype(np.float64), data["E"][rows] * EV, data["F"][rows] * EV
    )


def systems(
    split: str,
    target: str = "energy",
    size: int | None = None,
    train: str = "300K",
    test: str = "300K",
) -> Systems:
    """The split as labelled systems: total energy in meV, forces in meV/Å.

    Raises InputError for another target, split, option or size, and when a file is neither here nor
    to be had.
    """
    _frames.require("target", target, tuple(ABOUT.targets), "3BPA")
    return read(split=split, train=train, test=test, size=size).systems()


def published(target: str = "energy", train: str = "300K", test: str = "300K") -> dict[str, float]:
    """Nothing: papers report root mean square errors here, see `ABOUT.notes`."""
    return {}


def baselines(target: str = "energy", train: str = "300K", test: str = "300K") -> dict[str, float]:
    """Test MAE of the mean train energy (meV) and of forces of zero (meV/Å)."""
    return _frames.baselines(*(read(split=s, train=train, test=test) for s in ("train", "test")))
