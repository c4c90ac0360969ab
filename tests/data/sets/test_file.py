"""An own file as a data set: units asked, splits drawn by seed, and a training on it."""

import json

import ase.build
import ase.io
import numpy as np
import pytest
from ase import units
from ase.calculators.singlepoint import SinglePointCalculator

from demetar.cli import main
from demetar.core.errors import InputError
from demetar.data.sets import file
from demetar.runs.config import Config, resolve
from tests.support import miniatures


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """An extended-XYZ file of 50 frames of ethanol."""
    path = tmp_path_factory.mktemp("own") / "own.xyz"
    path.write_bytes(miniatures.extxyz(miniatures.frames("rmd17-ethanol", 50, 0), dipoles=True))
    return str(path)


def everything(**options) -> np.ndarray:
    """The targets of all splits in ascending order."""
    parts = [file.systems(split, **options).targets for split in file.ABOUT.splits]
    return np.sort(np.concatenate(parts), axis=0)


@pytest.mark.parametrize(
    ("unit", "scale"),
    [
        ("meV", 1.0),
        ("eV", 1e3),
        ("hartree", 27211.386),
        ("kcal/mol", 43.3641),
        ("kJ/mol", 10.36427),
    ],
)
def test_the_unit_that_is_said_is_the_one_that_counts(own, unit, scale):
    source = np.sort(miniatures.frames("rmd17-ethanol", 50, 0)["E"])
    found = everything(path=own, energy_unit=unit)[:, 0]
    assert np.allclose(found, source * scale, rtol=1e-6)
    ratio = file.systems("train", path=own, energy_unit=unit).forces
    base = file.systems("train", path=own, energy_unit="meV").forces
    assert np.allclose(ratio, base * scale, rtol=1e-6)


def test_lengths_scale_places_and_forces(own):
    base = file.systems("test", path=own, energy_unit="eV")
    found = file.systems("test", path=own, energy_unit="eV", length_unit="bohr")
    assert np.allclose(found.positions, base.positions * 0.529177, rtol=1e-5)
    assert np.allclose(found.forces, base.forces / 0.529177, rtol=1e-5)
    assert np.array_equal(found.targets, base.targets)


def test_dipoles_are_debye(own):
    found = file.systems("test", "dipole", path=own, dipole_unit="e*A")
    assert np.allclose(found.targets[0], np.array([1, 2, 3]) / units.Debye)
    assert found.unit == "D"
    assert found.forces is None
    assert file.baselines("dipole", path=own, dipole_unit="D")["zero"] == pytest.approx(14**0.5)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "energy_unit"),
        ({"energy_unit": "ev"}, "energy_unit"),
        ({"energy_unit": "eV", "length_unit": "mile"}, "length_unit"),
        ({"target": "dipole"}, "dipole_unit"),
        ({"target": "value", "column": "energy"}, "unit"),
        ({"target": "value", "unit": "eV"}, "column"),
        ({"energy_unit": "eV", "seed": "-1"}, "seed"),
        ({"energy_unit": "eV", "size": 41}, "40"),
        ({"energy_unit": "eV", "column": "enthalpy"}, "enthalpy"),
        ({"energy_unit": "eV", "path": ""}, "path"),
        ({"energy_unit": "eV", "path": "/absent/own.xyz"}, "No such file"),
        ({"energy_unit": "eV", "path": "\0"}, "check the path"),
    ],
)
def test_what_is_not_said_is_asked(own, options, said):
    with pytest.raises(InputError, match=said):
        file.systems("train", **{"path": own, **options})


def test_arrays_have_no_unit_of_length_of_their_own(tmp_path):
    f = miniatures.frames("rmd17-ethanol", 20, 0)
    path = tmp_path / "own.npz"
    np.savez(path, **f)
    with pytest.raises(InputError, match="length_unit"):
        file.systems("train", path=str(path), energy_unit="kcal/mol")
    found = file.systems("train", path=str(path), energy_unit="kcal/mol", length_unit="Å")
    assert len(found) == 16
    assert found.forces is not None


def test_splits_are_drawn_by_seed(own):
    parts = {s: file.systems(s, path=own, energy_unit="eV", seed="3") for s in file.ABOUT.splits}
    assert {s: len(p) for s, p in parts.items()} == {"train": 40, "valid": 5, "test": 5}
    assert len(np.unique(np.concatenate([p.targets for p in parts.values()]))) == 50
    other = file.systems("test", path=own, energy_unit="eV", seed="4")
    assert not np.array_equal(parts["test"].targets, other.targets)


def test_a_table_beside_an_sdf(tmp_path):
    head = "{}\n\n\n  1  0  0  0  0  0  0  0  0  0999 V2000\n"
    block = head + "{:10.4f}    0.0000    0.0000 Ar  0\nM  END\n$$$$\n"
    sdf, table = tmp_path / "own.sdf", tmp_path / "own.csv"
    sdf.write_text("".join(block.format(f"m{i}", 0.1 * i) for i in range(20)))
    table.write_text("name,gap\n" + "".join(f"m{i},{i / 2}\n" for i in range(20)))
    options = {"path": str(sdf), "labels": str(table), "column": "gap", "unit": "furlong"}
    assert everything(target="value", **options)[:, 0].tolist() == [i / 2 for i in range(20)]
    assert file.systems("test", "value", **options).unit == "furlong"
    assert file.facts("value", **options).species == (18,)


def test_a_changed_file_is_read_again(tmp_path):
    path = tmp_path / "own.xyz"
    for seed in (0, 1):
        f = miniatures.frames("water", 20, seed)
        path.write_bytes(miniatures.extxyz(f))
        found = everything(path=str(path), energy_unit="meV")[:, 0]
        assert np.allclose(found, np.sort(f["E"]))


def test_a_path_may_be_of_the_data_folder(own, monkeypatch, tmp_path):
    monkeypatch.setenv("DEMETAR_DATA", str(tmp_path))
    (tmp_path / "file").mkdir()
    (tmp_path / "file" / "mine.xyz").write_bytes(open(own, "rb").read())
    assert file.present(path="file/mine.xyz")
    assert len(file.systems("train", path="file/mine.xyz", energy_unit="eV")) == 40


def status(home, name):
    return json.loads((home / "runs" / name / "status.json").read_text())


def test_elements_that_no_shipped_set_has_become_the_models_own(home, tmp_path, capsys):
    """Salt, with energies and forces; what is not said ends the command before a run begins."""
    rng = np.random.default_rng(0)
    lines = []
    for _ in range(20):
        x = rng.standard_normal((2, 3)) + [[0, 0, 0], [0, 0, 6]]
        lines += ["2", f"Properties=species:S:1:pos:R:3:forces:R:3 energy={rng.standard_normal()}"]
        lines += [f"{s} {' '.join(map(str, [*r, 0, 0, 0]))}" for s, r in zip(("Na", "Cl"), x)]
    path = tmp_path / "salt.xyz"
    path.write_text("\n".join(lines))
    arguments = ["--model", "egnn", "--dataset", "file", "--data-options"]
    assert main(["train", *arguments, f"path={path}"]) == 2
    assert "energy_unit" in capsys.readouterr().err
    assert main(["train", *arguments, f"path={path}", "energy_units=eV"]) == 2
    assert "did you mean 'energy_unit'" in capsys.readouterr().err
    assert not (home / "runs").exists()
    options = {"path": str(path), "energy_unit": "eV", "seed": 3}
    _, stored = resolve(Config(model="egnn", dataset="file", data_options=options))
    assert stored["model_config"]["species"] == (11, 17)
    assert (stored["unit"], stored["forces"]) == ("meV", True)
    assert stored["data_options"]["seed"] == "3"
    path.write_text("\n".join(lines).replace(":forces:R:3", ""))
    _, stored = resolve(Config(model="egnn", dataset="file", data_options=options))
    assert stored["forces"] is False


def test_a_model_is_trained_on_bodies(home, tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 20, 4, 3))
    path = tmp_path / "bodies.npz"
    np.savez(path, positions=x, target_positions=y, charges=np.array([1, -1, 1, -1]))
    arguments = ["--model", "linear", "--dataset", "file", "--target", "positions", "--epochs", "1"]
    assert main(["train", *arguments, "--name", "bodies", "--data-options", f"path={path}"]) == 0
    config = json.loads((home / "runs" / "bodies" / "config.json").read_text())
    assert config["model_config"] == {"inputs": "particles", "output": "positions"}
    assert status(home, "bodies")["state"] == "finished"
    assert file.baselines("positions", path=str(path))["static"] > 0


@pytest.mark.parametrize("distance", [0.0, 115.0, 1e4])
def test_places_keep_their_digits_wherever_the_molecule_is(tmp_path, distance):
    """About the centroid in float64, then float32: at 1e4 Å bonds would change by 5e-4 Å."""
    frames = []
    for k in range(12):
        atoms = ase.build.molecule("H2O")
        atoms.rattle(0.05, seed=k)
        frames.append(atoms.copy())
        atoms.positions += distance
        atoms.calc = SinglePointCalculator(atoms, energy=-1.0 * k)
        frames[-1] = (frames[-1].positions, atoms)
    path = tmp_path / "far.xyz"
    ase.io.write(path, [atoms for _, atoms in frames], format="extxyz")
    found = file.systems("train", path=str(path), energy_unit="eV")
    rows = file.rows(12, "train")
    places = found.positions.reshape(-1, 3, 3).astype(np.float64)
    for mine, k in zip(places, rows, strict=True):
        true = frames[k][0] - frames[k][0].mean(0)
        np.testing.assert_allclose(mine, true, rtol=0, atol=2e-7)
