"""QM9: 130,831 molecules of H, C, N, O, F with twelve properties each, B3LYP/6-31G(2df,p).

R. Ramakrishnan, P. O. Dral, M. Rupp, O. A. von Lilienfeld, "Quantum chemistry structures and
properties of 134 kilo molecules", Sci. Data 1, 140022 (2014), without the 3,054 molecules that the
authors list as uncharacterized. The numbers come from the PyPI package `qm9pack`
(pip install "demetar[qm9]"), are converted once into `data/qm9/qm9.npz` and load from there.

One hartree is 27.211386246 eV here, as in TorchMD-Net's and Equiformer's programs; EGNN's uses
27.2114, which makes its errors 5e-7 of themselves larger. Energies stay float64: float32 would lose
0.8 meV of U0.
"""

from collections.abc import Collection
from dataclasses import dataclass
from os import PathLike

import numpy as np

from demetar.core.registry import unknown
from demetar.data.sets import _qm9_archive
from demetar.data.sets._about import SPLITS, DataSet, Target, check_size
from demetar.data.sets._qm9_archive import ELEMENTS
from demetar.data.systems import Systems

HARTREE_IN_MEV = 27211.386246
# Sizes of train and valid; test is the rest.
PARTITIONS = {"cormorant": (100_000, 17_748), "torchmd": (110_000, 10_000)}
_COUNT = 130_831


def _sizes(partition: str) -> dict[str, int | None]:
    train, valid = PARTITIONS[partition]
    return {"train": train, "valid": valid, "test": _COUNT - train - valid}


ABOUT = DataSet(
    title="QM9",
    summary="130,831 small organic molecules of up to nine C, N, O and F atoms with their hydrogens, "
    "each at the geometry of least energy that density functional theory (B3LYP/6-31G(2df,p)) gives. "
    "Predict one of twelve properties of the molecule, such as its orbital energies or its heat "
    "capacity, or the partial charge of each atom.",
    sources=_qm9_archive.SOURCES,
    size=104_000_000,  # the package's wheel
    licence="CC0 (data); MIT (the package qm9pack)",
    citation="R. Ramakrishnan, P. O. Dral, M. Rupp, O. A. von Lilienfeld, Quantum chemistry structures "
    "and properties of 134 kilo molecules, Sci. Data 1, 140022 (2014)",
    inputs="atoms",
    targets={
        "mu": Target("0e", "D", "scalar"),
        "alpha": Target("0e", "a0³", "scalar"),
        "homo": Target("0e", "meV", "scalar"),
        "lumo": Target("0e", "meV", "scalar"),
        "gap": Target("0e", "meV", "scalar"),
        "r2": Target("0e", "a0²", "scalar"),
        "zpve": Target("0e", "meV", "scalar"),
        "U0": Target("0e", "meV", "scalar"),
        "U": Target("0e", "meV", "scalar"),
        "H": Target("0e", "meV", "scalar"),
        "G": Target("0e", "meV", "scalar"),
        "Cv": Target("0e", "cal/(mol K)", "scalar"),
        "charges": Target("0e", "e", "node_scalar"),
    },
    units={"positions": "Å", "charges": "e"},
    options={"partition": tuple(PARTITIONS)},
    splits=_sizes("cormorant"),
    splits_with={"torchmd": _sizes("torchmd")},
    notes={
        "": "The published networks were trained for about 1,000 epochs on a GPU; those of NMP, "
        "Cormorant, LieConv, TFN, SE(3)-Transformer, EGNN and SEGNN on the partition cormorant, the "
        "others on 110,000 molecules."
    },
)
# Energies (hartree) and heat capacity (cal/(mol K)) of free atoms, from the data set's atomref.txt.
FREE_ATOMS = {
    "U0": {1: -0.500273, 6: -37.846772, 7: -54.583861, 8: -75.064579, 9: -99.718730},
    "U": {1: -0.498857, 6: -37.845355, 7: -54.582445, 8: -75.063163, 9: -99.717314},
    "H": {1: -0.497912, 6: -37.844411, 7: -54.581501, 8: -75.062219, 9: -99.716370},
    "G": {1: -0.510927, 6: -37.861317, 7: -54.598897, 8: -75.079532, 9: -99.733544},
    "Cv": {1: 2.981, 6: 2.981, 7: 2.981, 8: 2.981, 9: 2.981},
}


@dataclass(frozen=True)
class Molecules:
    """Molecules with one label each, or one for each atom ("charges", Mulliken's).

    Atoms of molecule i are rows offsets[i] to offsets[i + 1]. index [S]: number in the original QM9
    (1 to 133,885). n_atoms [S]. species [atoms]: atomic numbers. positions [atoms, 3]: Å, float32.
    targets [S] or [atoms]: float64, in `unit`.
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


def present(partition: str = "cormorant") -> bool:
    """Whether the arrays are on this machine, so that `systems` need not convert them first."""
    return _qm9_archive.file(None).is_file()


def _require(kind: str, value: str, allowed: Collection[str]) -> None:
    if value not in allowed:
        raise unknown(f"a {kind} of QM9", allowed, value)


def rows(partition: str, split: str, count: int = _COUNT) -> np.ndarray:
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
    """The chosen rows of `qm9_archive.arrays()` with their labels, in the unit that the field reports."""
    _require("target", target, ABOUT.targets)
    starts = np.concatenate([[0], np.cumsum(data["n_atoms"], dtype=np.int64)])
    n_atoms = data["n_atoms"][chosen]
    offsets = np.concatenate([[0], np.cumsum(n_atoms, dtype=np.int64)])
    atoms = np.arange(offsets[-1]) + np.repeat(starts[chosen] - offsets[:-1], n_atoms)
    irreps, unit = ABOUT.targets[target].irreps, ABOUT.targets[target].unit
    if target == "charges":
        targets = data["q_mulliken"][atoms].astype(np.float64)
    else:
        column = data["y_names"].tolist().index(target)
        scale = HARTREE_IN_MEV if unit == "meV" else 1.0
        targets = data["y"][chosen, column] * scale
    return Molecules(
        index=data["index"][chosen],
        n_atoms=n_atoms,
        species=data["z"][atoms],
        positions=data["R"][atoms],
        targets=targets,
        offsets=offsets,
        target=target,
        irreps=irreps,
        unit=unit,
    )


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
    _require("target", target, ABOUT.targets)
    _require("split", split, SPLITS)  # before the conversion, which takes seconds
    data = _qm9_archive.arrays(root)
    chosen = rows(partition, split, len(data["index"]))
    check_size(size, len(chosen), f"molecules of the {split} split")
    return select(data, chosen[:size], target)


def free_atoms(target: str, **_: str) -> dict[int, float]:
    """What free atoms contribute, by atomic number, in the target's unit; zeros where undefined."""
    _require("target", target, ABOUT.targets)
    scale = HARTREE_IN_MEV if ABOUT.targets[target].unit == "meV" else 1.0
    values = FREE_ATOMS.get(target, dict.fromkeys(ELEMENTS.values(), 0.0))
    return {z: value * scale for z, value in values.items()}


def systems(
    split: str, target: str = "homo", size: int | None = None, partition: str = "cormorant"
) -> Systems:
    """The split as labelled systems for training: one invariant each, [systems or atoms, 1]."""
    data = read(target=target, split=split, partition=partition, size=size)
    return Systems(
        sizes=data.n_atoms.astype(np.int64),
        positions=data.positions,
        species=data.species,
        targets=data.targets[:, None],
        unit=data.unit,
    )


# Test MAE in the target's unit, as the table of Liao, Smidt, "Equiformer", ICLR 2023 collects it;
# WaveScatt's HOMO from its own paper.
_ORDER = ("alpha", "gap", "homo", "lumo", "mu", "Cv", "G", "H", "r2", "U", "U0", "zpve")
_TABLE = {
    "nmp": (.092, 69, 43, 38, .030, .040, 19, 17, .180, 20, 20, 1.50),
    "schnet": (.235, 63, 41, 34, .033, .033, 14, 14, .073, 19, 14, 1.70),
    "cormorant": (.085, 61, 34, 38, .038, .026, 20, 21, .961, 21, 22, 2.03),
    "lieconv": (.084, 49, 30, 25, .032, .038, 22, 24, .800, 19, 19, 2.28),
    "dimenet": (.044, 33, 25, 20, .030, .023, 8, 7, .331, 6, 6, 1.21),
    "tfn": (.223, 58, 40, 38, .064, .101),
    "se3_transformer": (.142, 53, 35, 33, .051, .054),
    "egnn": (.071, 48, 29, 25, .029, .031, 12, 12, .106, 12, 11, 1.55),
    "painn": (.045, 46, 28, 20, .012, .024, 7.35, 5.98, .066, 5.83, 5.85, 1.28),
    "torchmd_net": (.059, 36, 20, 18, .011, .026, 7.62, 6.16, .033, 6.38, 6.15, 1.84),
    "spherenet": (.046, 32, 23, 18, .026, .021, 8, 6, .292, 7, 6, 1.12),
    "segnn": (.060, 42, 24, 21, .023, .031, 15, 16, .660, 13, 15, 1.62),
    "eqgat": (.053, 32, 20, 16, .011, .024, 23, 24, .382, 25, 25, 2.00),
    "equiformer": (.046, 30, 15, 14, .011, .023, 7.63, 6.63, .251, 6.74, 6.59, 1.26),
}  # fmt: skip
PUBLISHED = {
    target: {m: float(row[i]) for m, row in _TABLE.items() if i < len(row)}
    for i, target in enumerate(_ORDER)
}
PUBLISHED["homo"]["wavescatt"] = 85.0
# The partition that each of these numbers belongs to; those not named here used their own draw of
# 110,000 for training.
PUBLISHED_ON = {
    "cormorant": ("nmp", "cormorant", "lieconv", "tfn", "se3_transformer", "egnn", "segnn"),
    "torchmd": ("torchmd_net", "equiformer"),
}


def published(target: str = "homo", partition: str = "cormorant") -> dict[str, float]:
    """Test MAE that papers report for a target, in its unit, by model; see PUBLISHED_ON."""
    return PUBLISHED.get(target, {})


def baselines(target: str = "homo", partition: str = "cormorant") -> dict[str, float]:
    """Test MAE, in the target's unit, of the train mean and of a linear fit on element counts.

    For charges the second is the mean of each element.
    """
    from demetar.data.sets.qm9 import qm9

    parts = (read(target=target, split=s, partition=partition) for s in ("train", "test"))
    return qm9(*parts)


def composition(molecules: Molecules) -> np.ndarray:
    """How many atoms of each of QM9's elements (H, C, N, O, F) a molecule has, and a 1: [S, 6]."""
    owner = np.repeat(np.arange(len(molecules)), molecules.n_atoms)
    counts = [
        np.bincount(owner[molecules.species == z], minlength=len(molecules))
        for z in ELEMENTS.values()
    ]
    return np.stack([*counts, np.ones(len(molecules))], axis=1)


def qm9(train: Molecules, test: Molecules) -> dict[str, float]:
    """Test MAE, in the target's unit, of the train mean and of the best linear fit.

    The fit is on element counts; where each atom has a label, it is the mean of each element.
    """
    if len(train.targets) == len(train):
        name, known, asked = "per-element linear", composition(train), composition(test)
    else:
        name = "per-element mean"
        known, asked = (m.species[:, None] == np.array([*ELEMENTS.values()]) for m in (train, test))
    square = known.T @ known.astype(np.float64)
    weights = np.linalg.lstsq(square, known.T @ train.targets, rcond=None)[0]
    return {
        "mean": float(np.abs(test.targets - train.targets.mean()).mean()),
        name: float(np.abs(test.targets - asked @ weights).mean()),
    }
