"""3BPA from small files of the published layout: parts, units, transfer, and what can be wrong."""

import numpy as np
import pytest

from demetar.core import registry
from demetar.core.errors import InputError
from tests.support import miniatures
from tests.support.server import Mirror

bpa = registry.load("datasets", "3bpa")


@pytest.fixture
def root(mirror: Mirror, monkeypatch: pytest.MonkeyPatch, tmp_path):
    """An empty data folder, and the small files at the address."""
    miniatures.serve(mirror, monkeypatch)
    monkeypatch.setenv("DEMETAR_DATA", str(tmp_path))
    return tmp_path


def test_each_file_is_fetched_when_it_is_needed(root, mirror):
    bpa.systems("train")
    bpa.systems("valid")
    assert [path for path, _ in mirror.asked] == ["/3bpa/train_300K.xyz"]
    assert not bpa.present()
    bpa.systems("test")
    assert bpa.present()
    assert not bpa.present(train="mixedT")


def test_units_are_the_sources(root):
    """meV from eV, of real frames, each in train or set aside for validation."""
    real = miniatures.REAL["3bpa-train_300K"]
    parts = [bpa.systems(split) for split in ("train", "valid")]
    energies = np.concatenate([p.targets[:, 0] for p in parts])
    positions = np.concatenate([p.positions.reshape(-1, 27, 3) for p in parts])
    forces = np.concatenate([p.forces.reshape(-1, 27, 3) for p in parts])
    for energy, x, f in zip(real["E"], real["R"], real["F"]):
        i = int(np.abs(energies - 1000 * energy).argmin())
        assert energies[i] == pytest.approx(1000 * energy, abs=1e-6)
        assert np.allclose(positions[i], np.array(x) - np.mean(x, axis=0), atol=1e-6)
        assert np.allclose(forces[i], 1000 * np.array(f), rtol=1e-6, atol=1e-4)


@pytest.mark.parametrize(("test", "count"), [("600K", 2138), ("1200K", 2139), ("dih", 7)])
def test_tests_at_other_temperatures_keep_the_train_frames(root, test, count):
    assert len(bpa.systems("test", test=test)) == count
    usual, other = bpa.systems("train"), bpa.systems("train", test=test)
    assert (usual.targets == other.targets).all()
    assert bpa.baselines(test=test)["mean energy"] > 0


def test_an_archive_put_by_hand_gives_the_same_frames(root):
    fetched = bpa.read(split="train")
    (root / "3bpa" / "train_300K.npz").unlink()
    source = miniatures.frames("3bpa-train_300K", 500, 0)
    arrays = {"z": source["z"], "R_train_300K": source["R"]}
    arrays |= {f"{k}_train_300K": source[k] * (1000 / 43.36410390059322) for k in "EF"}
    np.savez(root / "3bpa" / "3bpa.npz", **arrays)
    by_hand = bpa.read(split="train")
    assert np.allclose(by_hand.energies, fetched.energies, rtol=1e-12)
    assert np.allclose(by_hand.forces, fetched.forces, atol=1e-4)
    assert bpa.read(split="train", train="mixedT").energies.shape == (450,), "from its own file"


def test_another_archive_put_by_hand_is_one_sentence(root):
    (root / "3bpa").mkdir()
    (root / "3bpa" / "3bpa.npz").write_bytes(b"PK\3\4 no")
    with pytest.raises(InputError, match="remove it"):
        bpa.systems("train")


def test_a_file_with_another_molecule_in_it_is_one_sentence(root, mirror, monkeypatch):
    files = miniatures.bpa_files()
    files = files | {"train_300K.xyz": files["train_300K.xyz"] + files["train_mixedT.xyz"]}
    mirror.files["3bpa/train_300K.xyz"] = files["train_300K.xyz"]
    miniatures.pin(bpa, files, monkeypatch)
    with pytest.raises(InputError, match="one molecule"):
        bpa.systems("train")
