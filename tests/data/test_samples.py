"""The committed samples: all load, are what they say, and can be made again."""

import re
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms

from data.samples import make
from demetar.core.errors import InputError
from demetar.data import samples
from demetar.data.readers.scenes import read_scene
from demetar.data.readers.structures import read_atoms
from demetar.data.sets import _qm9_archive, qm9
from demetar.simulation.scene import Scene, scene, trajectory
from demetar.symmetry.elements import rotations


def test_the_samples_are_small_and_plenty() -> None:
    assert sum(file.stat().st_size for file in samples.FOLDER.iterdir()) < 3_000_000
    molecules = samples.names("molecules")
    assert len(molecules) == len(set(molecules)) == 314
    assert samples.names("scenes") == list(samples.SCENES)
    assert samples.names() == molecules + samples.names("scenes")


def test_every_molecule_is_one_that_the_reader_accepts() -> None:
    for file in samples.MOLECULE_FILES:
        text = (samples.FOLDER / file).read_text()
        for frame in re.split(r"(?m)^(?=\d+\n)", text)[1:]:
            (own,) = read_atoms(frame.encode(), file)
            name = re.search(r'name="([^"]+)"', frame)
            assert name is not None
            assert re.fullmatch(r"[a-z0-9-]+", name[1])
            loaded = samples.load(name[1])
            assert isinstance(loaded, Atoms)
            np.testing.assert_array_equal(own.positions, loaded.positions)
            assert set(loaded.numbers) <= set(_qm9_archive.ELEMENTS.values())


@pytest.mark.parametrize(
    ("name", "formula"),
    [("methane", "CH4"), ("benzene", "C6H6"), ("ethanol", "C2H6O"), ("g2-water", "H2O")],
)
def test_names_mean_what_chemists_mean(name: str, formula: str) -> None:
    molecule = samples.load(name)
    assert isinstance(molecule, Atoms)
    assert molecule.get_chemical_formula() == formula


def test_labels_of_qm9_are_its_own() -> None:
    methane = samples.load("methane")
    assert isinstance(methane, Atoms)
    # Row 1 of QM9: HOMO -0.3877 hartree.
    assert methane.info["homo_meV"] == pytest.approx(-0.3877 * qm9.HARTREE_IN_MEV, abs=1e-3)
    assert methane.info["qm9_index"] == 1
    assert methane.info["smiles"] == "C"
    unnamed = [name for name in samples.names("molecules") if name.startswith("qm9-")]
    molecules = [samples.load(name) for name in unnamed]
    infos = [molecule.info for molecule in molecules if isinstance(molecule, Atoms)]
    assert len(unnamed) == make.DISTINCT_FORMULAS
    assert len(infos) == len(unnamed)
    assert {info["split"] for info in infos} == {"test"}
    assert all(-15_000 < info["homo_meV"] < -3_000 for info in infos)
    assert all(f"qm9-{info['qm9_index']:06d}" == info["name"] for info in infos)


def test_a_loaded_molecule_is_a_copy() -> None:
    samples.load("water").positions[:] = 0
    assert samples.load("water").positions.any()


@pytest.mark.parametrize("name", samples.SCENES)
def test_every_scene_is_its_recipes_and_read_back(name: str) -> None:
    stored = samples.load(name)
    assert isinstance(stored, Scene)
    read = read_scene(samples.FOLDER / f"{name}.npz")
    np.testing.assert_array_equal(read.positions, stored.positions)
    made = scene(**samples.SCENES[name], steps=200, every=make.SCENE_EVERY)
    np.testing.assert_allclose(stored.positions[:11], made.positions, atol=1e-9)
    np.testing.assert_allclose(stored.times[:11], made.times)


def turned_miss(name: str) -> float:
    """Largest distance between the rotated end and the end of the rotated start."""
    stored = samples.load(name)
    assert isinstance(stored, Scene)
    turn = rotations(1, 0)[0]
    start = (stored.positions[0] @ turn.T, stored.velocities[0] @ turn.T, stored.charges)
    again = trajectory(*start, make.SCENE_STEPS, 100, samples.SCENES[name]["variant"])
    return float(np.abs(again.positions[-1] - stored.positions[-1] @ turn.T).max())


def test_only_the_collision_ends_elsewhere_when_its_start_is_turned() -> None:
    assert turned_miss("nbody-5-collision") > 0.1
    assert turned_miss("nbody-5-clean") < 1e-6


def test_an_unknown_name_gets_the_closest_one() -> None:
    with pytest.raises(InputError, match="'benzene'"):
        samples.load("benzen")
    with pytest.raises(InputError, match="a sample among"):
        samples.load("zzzzzz" * 50)
    with pytest.raises(InputError, match="molecules, scenes, all"):
        samples.names("proteins")


def test_missing_files_name_the_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(samples, "FOLDER", tmp_path)
    samples._molecules.cache_clear()
    try:
        with pytest.raises(InputError, match=r"python data/samples/make\.py"):
            samples.names()
    finally:
        samples._molecules.cache_clear()
