"""rMD17 from a small archive of the published layout: frames, splits, units, and what can be wrong."""

import numpy as np
import pytest

from demetar.cli import main
from demetar.core.errors import InputError
from demetar.data.sets import published_of, rmd17
from tests.support import miniatures
from tests.support.server import Mirror


@pytest.fixture
def root(mirror: Mirror, monkeypatch: pytest.MonkeyPatch, tmp_path):
    """An empty data folder, and the small archive at the address."""
    miniatures.serve(mirror, monkeypatch)
    monkeypatch.setenv("DEMETAR_DATA", str(tmp_path))
    return tmp_path


def test_one_download_gives_all_molecules_and_is_not_kept(root, mirror):
    assert not rmd17.present("ethanol")
    rmd17.systems("train", size=1)
    made = sorted(p.name for p in (root / "rmd17").iterdir())
    expected = [f"rmd17_{m}.npz{end}" for m in rmd17.MOLECULES for end in ("", ".sha256")]
    assert made == sorted(expected)
    for molecule in rmd17.MOLECULES:
        assert rmd17.present(molecule)
        assert len(rmd17.systems("test", molecule=molecule)) == 1_000
    assert len(mirror.asked) == 1


def test_an_archive_put_there_by_hand_is_used_and_kept(root, mirror):
    archive = root / "rmd17" / "rmd17.tar.bz2"
    archive.parent.mkdir()
    archive.write_bytes(mirror.files["rmd17/rmd17.tar.bz2"])
    mirror.close()
    assert len(rmd17.systems("valid")) == 50
    assert archive.is_file()


@pytest.mark.parametrize("fold", rmd17.FOLDS)
def test_a_fold_is_the_published_split_with_50_train_frames_set_aside(root, fold):
    source = miniatures.frames("rmd17-uracil", 2_100, rmd17.MOLECULES.index("uracil"))
    order = np.random.default_rng(int(fold)).permutation(np.arange(5, 2_100))
    published = {"train": [*range(5), *order[:995]], "test": order[995:1_995].tolist()}
    parts = {s: rmd17.read(molecule="uracil", split=s, fold=fold) for s in rmd17.ABOUT.splits}
    assert {s: len(p) for s, p in parts.items()} == rmd17.ABOUT.splits
    test = source["E"][published["test"]] * 43.36410390059322
    assert np.allclose(parts["test"].energies, test, rtol=1e-14)
    both = np.concatenate([parts["train"].energies, parts["valid"].energies])
    train = source["E"][published["train"]] * 43.36410390059322
    assert np.allclose(np.sort(both), np.sort(train), rtol=1e-14)
    again = rmd17.read(molecule="uracil", split="valid", fold=fold)
    assert (again.positions == parts["valid"].positions).all()


def test_units_and_signs_are_the_sources(root):
    """meV and meV/Å from kcal/mol, of real frames; positions about the centroid."""
    data = rmd17.systems("train", molecule="ethanol")
    real = miniatures.REAL["rmd17-ethanol"]
    for energy, positions, forces in zip(real["E"], real["R"], real["F"]):
        found = np.flatnonzero(np.abs(data.targets[:, 0] - energy * 43.36410390059322) < 1e-6)
        if len(found) == 0:  # among the 50 set aside
            continue
        rows = slice(9 * found[0], 9 * found[0] + 9)
        centred = np.array(positions) - np.mean(positions, axis=0)
        assert np.allclose(data.positions[rows], centred, atol=1e-6)
        assert data.forces is not None
        assert np.allclose(data.forces[rows], np.array(forces) * 43.36410390059322, rtol=1e-6)
        return
    pytest.fail("none of five real frames is among 950 of 1,000 train frames")


def test_a_molecule_far_away_keeps_its_shape(root):
    rmd17.systems("train", size=1, molecule="benzene")
    path = root / "rmd17" / "rmd17_benzene.npz"
    with np.load(path, allow_pickle=False) as archive:
        moved = {key: archive[key] for key in archive.files}
    before = rmd17.systems("test", molecule="benzene").positions
    moved["R"] = moved["R"] + 201.0
    path.with_name(path.name + ".sha256").unlink()
    np.savez(path, **moved)
    after = rmd17.systems("test", molecule="benzene").positions
    assert np.abs(after - before).max() < 1e-6


@pytest.mark.parametrize("change", ["cut", "key", "shape", "row"])
def test_a_wrong_file_put_by_hand_is_one_sentence(root, change):
    rmd17.systems("train", size=1)
    path = root / "rmd17" / "rmd17_ethanol.npz"
    path.with_name(path.name + ".sha256").unlink()
    with np.load(path, allow_pickle=False) as archive:
        arrays = {key: archive[key] for key in archive.files}
    if change == "cut":
        path.write_bytes(path.read_bytes()[:1000])
    else:
        if change == "key":
            del arrays["test_03"]
        elif change == "shape":
            arrays["F"] = arrays["F"][:, :5]
        else:
            arrays["train_01"] = arrays["train_01"] + 5_000
        np.savez(path, **arrays)
    with pytest.raises(InputError, match="remove it"):
        rmd17.systems("train")


def test_an_archive_without_a_molecule_leaves_no_half_of_itself(root, mirror, monkeypatch):
    body = miniatures.rmd17_archive(("ethanol", "aspirin"))
    mirror.files["rmd17/rmd17.tar.bz2"] = body
    miniatures.pin(rmd17, {"rmd17.tar.bz2": body}, monkeypatch)
    with pytest.raises(InputError, match="can be unpacked"):
        rmd17.systems("train", molecule="uracil")
    assert not list((root / "rmd17").glob(".unpacked*"))
    assert not rmd17.present("uracil")


def test_a_size_beyond_the_split_is_refused(root):
    for size in (0, 951):
        with pytest.raises(InputError, match="950"):
            rmd17.systems("train", size=size)


def test_baselines_are_those_of_the_mean_and_of_no_force(root):
    found = rmd17.baselines(molecule="toluene")
    train, test = (rmd17.read(molecule="toluene", split=s) for s in ("train", "test"))
    assert found["mean energy"] == np.abs(test.energies - train.energies.mean()).mean()
    assert found["zero forces (meV/Å)"] == np.abs(test.forces).mean()


def test_the_command_brings_a_molecule_and_tells_progress(root, capsys):
    assert main(["data", "get", "rmd17", "--option", "molecule=aspirin", "--json"]) == 0
    out, err = capsys.readouterr()
    assert '"train": 950' in out
    assert "100.0 %" in err


def test_published_numbers_are_those_of_the_molecule():
    assert published_of(rmd17, "energy", {"molecule": "toluene"}) == {"equiformer": 3.8}
    assert published_of(rmd17, "energy", {"molecule": "azobenzene"}) == {}
    kcal = {"aspirin": (0.123, 0.253), "ethanol": (0.052, 0.109)}
    for molecule, values in kcal.items():
        found = rmd17.PUBLISHED_ON_MD17["torchmd_net"][molecule]
        assert np.allclose(found, np.array(values) * 43.3641, atol=0.06)
