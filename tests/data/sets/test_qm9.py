"""QM9's conversion on a small package of the same layout; `full_qm9.py` checks the real one."""

import csv
import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from demetar.core.errors import InputError
from demetar.data.sets import _qm9_archive, qm9

HEADER = [
    *("XYZ_file", "Index", "SMILES", "InChi", "N_atoms", "Stoichiometry", "Elements", "XYZ_Ang"),
    *("Mulliken_pop", "Harmonic_Freq_cmi", "RotA_GHz", "RotB_GHz", "RotC_GHz"),
    *("Dipole_debye", "Polarizability_bohr3", "HOMO_au", "LUMO_au", "HOMO_LUMO_gap_au", "R2_bohr2"),
    *("ZPVE_au", "InternalEnergy_0K_au", "InternalEnergy_298K_au", "Enthalphy_298K_au"),
    *("GibbsFreeEnergy_298K_au", "Heatcapacity_Cv_cal_mol_K"),
]
METHANE_HOMO = -0.3877


def molecule(number: int, symbols: str, rng: np.random.Generator) -> list[str]:
    elements = "[" + ",".join(f"'{s}'" for s in symbols) + "]"
    atoms = rng.standard_normal((len(symbols), 3)).round(10).tolist()
    xyz = "[" + ",".join("[" + ",".join(map(str, row)) + "]" for row in atoms) + "]"
    values = ["0.", "13.21", METHANE_HOMO, ".1171", *rng.standard_normal(8).round(6)]
    name = f"dsgdb9nsd_{number:06d}.xyz"
    row = [name, number, symbols, "InChI=1S/CH4/h1H4", len(symbols), "[4,1,0,0,0]", elements, xyz]
    charges = "[" + ",".join(f"'{charge(i, number)}'" for i in range(len(symbols))) + "]"
    return [str(v) for v in [*row, charges, "[1341.307]", 1.0, 2.0, 3.0, *values]]


def charge(atom: int, number: int) -> float:
    """A made-up Mulliken charge."""
    return round(0.01 * atom - 0.001 * number, 6)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three CSV files of 20 molecules each in the package's layout, with checksums recorded."""
    folder, rng = tmp_path / "package", np.random.default_rng(0)
    (folder / "data").mkdir(parents=True)
    sources = []
    for part in (1, 2, 3):
        path = folder / "data" / f"qm9_part{part}.csv"
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(HEADER)
            for number in range(20 * part - 19, 20 * part + 1):
                symbols = "".join(rng.choice(list("HCNOF"), size=rng.integers(1, 9)))
                writer.writerow(molecule(number, symbols, rng))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        sources.append({"file": f"data/{path.name}", "sha256": digest})
    monkeypatch.setattr(_qm9_archive, "SOURCES", tuple(sources))
    monkeypatch.setattr(_qm9_archive, "_package_folder", lambda: folder)
    monkeypatch.setattr(qm9, "PARTITIONS", {"cormorant": (40, 10), "torchmd": (45, 5)})
    return folder


def first_rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "data" / "qm9_part1.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_convert_keeps_every_number(package: Path) -> None:
    arrays = _qm9_archive.convert(package)
    assert len(arrays["index"]) == 60
    assert arrays["index"].tolist() == list(range(1, 61))
    start = 0
    for row, count in zip(first_rows(package), arrays["n_atoms"], strict=False):
        assert count == len(row["SMILES"])
        own = slice(start, start + int(count))
        assert [_qm9_archive.ELEMENTS[s] for s in row["SMILES"]] == arrays["z"][own].tolist()
        flat = [float(v) for v in row["XYZ_Ang"].replace("[", "").replace("]", "").split(",")]
        np.testing.assert_array_equal(arrays["R"][own].ravel(), np.array(flat, np.float32))
        start += int(count)
    assert arrays["y"][0, list(qm9.ABOUT.targets).index("alpha")] == 13.21
    assert arrays["y"][0, list(qm9.ABOUT.targets).index("Cv")] == float(
        first_rows(package)[0]["Heatcapacity_Cv_cal_mol_K"]
    )
    assert arrays["smiles"].tobytes().decode().split("\n")[0] == first_rows(package)[0]["SMILES"]


def test_read_converts_once_and_gives_the_fields_units(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = qm9.read(tmp_path, "homo")
    assert len(data) == 40
    assert data.unit == "meV"
    assert data.irreps == "0e"
    np.testing.assert_allclose(data.targets, METHANE_HOMO * 27211.386246, rtol=1e-15)
    assert data.targets.dtype == np.float64
    assert data.positions.dtype == np.float32
    monkeypatch.setattr(_qm9_archive, "convert", lambda folder: pytest.fail("converted twice"))
    again = qm9.read(tmp_path, "alpha", size=3)
    assert again.unit == "a0³"
    assert again.targets.tolist() == [13.21] * 3


def test_a_molecule_keeps_its_own_atoms(package: Path, tmp_path: Path) -> None:
    everything = _qm9_archive.arrays(tmp_path)
    starts = np.concatenate([[0], np.cumsum(everything["n_atoms"], dtype=int)])
    data = qm9.read(tmp_path, "mu", "valid", "torchmd")
    assert data.offsets[-1] == len(data.species) == len(data.positions)
    for i, number in enumerate(data.index):
        own = slice(data.offsets[i], data.offsets[i + 1])
        there = slice(starts[number - 1], starts[number])
        np.testing.assert_array_equal(data.positions[own], everything["R"][there])
        np.testing.assert_array_equal(data.species[own], everything["z"][there])


def test_a_damaged_cache_is_made_again(package: Path, tmp_path: Path) -> None:
    expected = qm9.read(tmp_path).positions
    file = tmp_path / "qm9" / "qm9.npz"
    file.write_bytes(file.read_bytes()[:-100])
    np.testing.assert_array_equal(qm9.read(tmp_path).positions, expected)


def test_another_package_version_is_refused(package: Path, tmp_path: Path) -> None:
    with (package / "data" / "qm9_part2.csv").open("a") as file:
        file.write("\n")
    with pytest.raises(InputError, match="qm9_part2.csv.*pip install"):
        qm9.read(tmp_path)
    assert not (tmp_path / "qm9").exists()


def test_a_missing_package_names_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_qm9_archive, "PACKAGE", "no_such_package_qm9")
    with pytest.raises(InputError, match=r'pip install "demetar\[qm9\]"\.$'):
        qm9.read(tmp_path)


def test_an_archive_put_there_by_hand_is_used(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrays = _qm9_archive.convert(package)
    (tmp_path / "hand" / "qm9").mkdir(parents=True)
    wider: dict[str, Any] = dict(arrays, extra=np.ones(3))
    wider["y"] = np.concatenate([np.zeros((60, 3)), arrays["y"]], axis=1)
    wider["y_names"] = np.array(["A", "B", "C", *arrays["y_names"]])
    np.savez_compressed(tmp_path / "hand" / "qm9" / "qm9.npz", **wider)
    monkeypatch.setenv("DEMETAR_DATA", str(tmp_path / "hand"))
    assert qm9.read(target="alpha").targets.tolist() == [13.21] * 40


@pytest.mark.parametrize("kind", ["rubbish", "shapes", "keys"])
def test_a_wrong_archive_is_refused(kind: str, package: Path, tmp_path: Path) -> None:
    arrays: dict[str, Any] = dict(_qm9_archive.convert(package))
    (tmp_path / "qm9").mkdir()
    file = tmp_path / "qm9" / "qm9.npz"
    if kind == "rubbish":
        file.write_bytes(b"not an archive")
    elif kind == "shapes":
        np.savez(file, **{**arrays, "R": arrays["R"][1:]})
    else:
        np.savez(file, R=arrays["R"])
    with pytest.raises(InputError, match=r"^[^\n]*qm9\.npz[^\n]*\.$"):
        qm9.read(tmp_path)


@pytest.mark.parametrize(
    "wrong",
    [{"target": "HOMO"}, {"split": "dev"}, {"partition": "dimenet"}, {"size": 0}, {"size": 41}],
)
def test_read_refuses_in_one_sentence(wrong: dict, package: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^[^\n]+\.$"):
        qm9.read(tmp_path, **wrong)


@pytest.mark.parametrize(
    ("partition", "sizes"),
    [("cormorant", (100_000, 17_748, 13_083)), ("torchmd", (110_000, 10_000, 10_831))],
)
def test_splits_are_disjoint_whole_and_of_the_published_sizes(
    partition: str, sizes: tuple[int, ...]
) -> None:
    parts = [qm9.rows(partition, split) for split in qm9.ABOUT.splits]
    assert tuple(map(len, parts)) == sizes
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(130_831))


# SHA-256 of the row numbers as little-endian int64, in the order in which the programs draw them.
ROWS_SHA256 = {
    "cormorant": {
        "train": "5347dea851fe63a557208ece07ec404f0f7c37cd01239eff2cd9de3a29f399d7",
        "valid": "4a6b6f2529e02c7cd7cb757aaf937014bfab9cbe15af92a72700e134f9f57a4b",
        "test": "6b2a97c86b37a248830d84a5bc1077d35a5c904da5bed1a512a3f897f50a0621",
    },
    "torchmd": {
        "train": "19e8be03085c017f75a34cdb792d60a766befe8b7abe7f50dc7d3c2aea3f3a77",
        "valid": "95195c95f2995a543553fc285bbf8a8c13870ca42557f06e6be0b1a3f25ebae6",
        "test": "2a44b229d8bff3bcd87a4eeead29d5ef9faa384a34c2320d34ff6657e36e65d0",
    },
}


@pytest.mark.parametrize("partition", qm9.PARTITIONS)
def test_splits_have_their_recorded_checksums(partition: str) -> None:
    found = {
        split: hashlib.sha256(qm9.rows(partition, split).astype("<i8").tobytes()).hexdigest()
        for split in qm9.ABOUT.splits
    }
    assert found == ROWS_SHA256[partition]


def test_charges_belong_to_atoms(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEMETAR_DATA", str(tmp_path))
    data = qm9.read(target="charges", split="valid", size=5)
    assert data.unit == "e"
    assert len(data.targets) == len(data.species) == data.offsets[-1]
    for i, number in enumerate(data.index):
        own = data.targets[data.offsets[i] : data.offsets[i + 1]]
        expected = [charge(atom, number) for atom in range(len(own))]
        np.testing.assert_allclose(own, expected, atol=1e-7)
    systems = qm9.systems("valid", "charges", size=5)
    assert systems.targets.shape == (len(data.species), 1)
    assert systems.per_node
    errors = qm9.baselines("charges")
    assert 0 < errors["per-element mean"] <= errors["mean"] * 1.5


def test_published_numbers_cover_every_invariant_and_their_partitions() -> None:
    assert set(qm9.PUBLISHED) == set(qm9.ABOUT.targets) - {"charges"}
    assert {t: qm9.PUBLISHED[t]["egnn"] for t in ("mu", "homo", "zpve", "Cv")} == {
        "mu": 0.029,
        "homo": 29,
        "zpve": 1.55,
        "Cv": 0.031,
    }
    assert "tfn" not in qm9.PUBLISHED["U0"]
    named = [m for models in qm9.PUBLISHED_ON.values() for m in models]
    assert set(named) <= set(qm9.PUBLISHED["homo"])
    assert set(qm9.PUBLISHED_ON) == set(qm9.PARTITIONS)


def test_splits_start_with_the_rows_that_the_published_programs_draw() -> None:
    # NumPy's legacy generator, seed 0, and default_rng(1): frozen streams.
    assert qm9.rows("cormorant", "train")[:3].tolist() == [130195, 68784, 7957]
    assert qm9.rows("torchmd", "train")[:3].tolist() == [34769, 76096, 108805]


def test_free_atoms_are_in_the_targets_unit() -> None:
    assert qm9.free_atoms("U0")[1] == pytest.approx(-0.500273 * 27211.386246)
    assert qm9.free_atoms("Cv")[8] == 2.981
    assert set(qm9.free_atoms("homo").values()) == {0.0}
    with pytest.raises(InputError, match="target"):
        qm9.free_atoms("energy")


def test_linear_fit_finds_what_is_linear_in_the_elements(package: Path, tmp_path: Path) -> None:
    data = _qm9_archive.arrays(tmp_path)
    molecules = qm9.select(data, np.arange(60), "U0")
    weights = np.array([-0.5, -38.0, -54.0, -75.0, -99.0, 2.0])
    linear = qm9.composition(molecules) @ weights
    exact = replace(molecules, targets=linear)
    errors = qm9.qm9(exact, exact)
    assert errors["per-element linear"] < 1e-9
    assert errors["mean"] == pytest.approx(np.abs(linear - linear.mean()).mean())
    assert qm9.composition(molecules)[:, :5].sum(axis=1).tolist() == molecules.n_atoms.tolist()
