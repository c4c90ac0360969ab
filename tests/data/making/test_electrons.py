"""Densities and matrices for lessons: geometries by seed, PySCF's order, what is stored, what is refused."""

import importlib.util
import json
import sys

import jax
import numpy as np
import pytest

from demetar.cli import main
from demetar.core.errors import InputError
from demetar.data.making import electrons, kohn_sham
from demetar.data.sets import _electrons
from demetar.symmetry.irreps import harmonics


def textbook(v: np.ndarray) -> np.ndarray:
    """Real harmonics of degree 2 with the pole at z, m = −2 … 2, |Y|² = 5 on the unit sphere."""
    x, y, z = v.T
    root = np.sqrt(15)
    return np.stack(
        [
            root * x * y,
            root * y * z,
            np.sqrt(5) / 2 * (2 * z**2 - x**2 - y**2),
            root * x * z,
            root / 2 * (x**2 - y**2),
        ],
        1,
    )


def test_e3nns_order_from_the_textbooks() -> None:
    v = np.random.default_rng(0).normal(size=(6, 3))
    with jax.enable_x64(True):
        ours = np.asarray(harmonics(v, ("2e",))["2e"])
    np.testing.assert_allclose(textbook(v) @ kohn_sham.to_e3nn(2).T, ours, atol=1e-13)
    assert np.abs(textbook(v) - ours).max() > 0.1, "taken for e3nn's they are wrong"
    np.testing.assert_array_equal(kohn_sham.to_e3nn(1), np.eye(3))


@pytest.mark.parametrize("kind", _electrons.KINDS)
@pytest.mark.parametrize("name", _electrons.MOLECULES)
def test_stored_geometries_are_those_of_the_seed(kind: str, name: str) -> None:
    x, species, sizes = electrons.geometries(name, electrons.Making())
    parts = [_electrons.molecule(kind, name, split) for split in ("train", "valid", "test")]
    np.testing.assert_array_equal(np.concatenate([p["positions"] for p in parts]), x)
    np.testing.assert_array_equal(parts[0]["species"], species)
    assert [len(p["positions"]) for p in parts] == sizes
    other = electrons.geometries(name, electrons.Making(seed=1))[0]
    assert np.abs(other - x).max() > 0.1
    assert len(np.unique(x.round(3), axis=0)) == len(x), "no geometry stands in two splits"


def test_stored_matrices_are_physical() -> None:
    part = _electrons.molecule("hamiltonian", "water", "test")
    f, s = (_electrons.symmetric(part[k]) for k in ("fock", "overlap"))
    assert f.shape == (30, 7, 7)
    np.testing.assert_allclose(np.diagonal(s, axis1=1, axis2=2), 1, atol=1e-9)
    assert np.linalg.eigvalsh(s).min() > 0.1
    assert (f[:, 0, 0] < -18).all()
    np.testing.assert_array_equal(electrons.lower(f[0]), part["fock"][0])


@pytest.mark.skipif(
    importlib.util.find_spec("pyscf") is None,
    reason="PySCF is an extra, demetar[pyscf]; the stored matrices are held to their rules without it",
)
def test_pyscf_gives_what_is_stored() -> None:
    part = _electrons.molecule("hamiltonian", "water", "test")
    made = kohn_sham.Field(part["species"], part["positions"][0], electrons.SMALL)
    found = electrons.lower(kohn_sham.in_e3nn_order(made.mole, made.matrix))
    np.testing.assert_allclose(found, part["fock"][0], atol=1e-6)


def test_another_file_than_the_known_is_refused(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(_electrons, "samples", lambda: tmp_path)
    _electrons.stored.cache_clear()
    np.savez(tmp_path / "density.npz", allow_pickle=False, x=np.zeros(3))
    (tmp_path / "electrons.json").write_text(json.dumps({"density": {"sha256": "0" * 64}}))
    try:
        with pytest.raises(InputError, match="demetar data make density"):
            _electrons.stored("density")
        with pytest.raises(InputError, match="no such file"):
            _electrons.stored("hamiltonian")
    finally:
        _electrons.stored.cache_clear()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("density", "water", "vaild"), "a split among train, valid, test"),
        (("density", "watre", "train"), "did you mean 'water'"),
        (("densty", "water", "train"), "did you mean 'density'"),
    ],
)
def test_what_there_is_not_is_one_sentence(arguments, sentence) -> None:
    with pytest.raises(InputError, match=sentence):
        _electrons.molecule(*arguments)


def test_the_command_names_what_is_missing(monkeypatch, capsys) -> None:
    monkeypatch.setitem(sys.modules, "pyscf", None)
    assert main(["data", "make", "density", "--most", "1"]) == 2
    assert 'pip install "demetar[pyscf]"' in capsys.readouterr().err


def test_the_command_writes_what_was_made_and_its_sum(tmp_path, monkeypatch, capsys) -> None:
    """With something else in place of PySCF's part."""
    monkeypatch.setitem(electrons.MADE, "density", lambda s, _: {"x": np.full(2, s.seed)})
    monkeypatch.setattr(electrons, "version", lambda name: "1")
    assert main(["data", "make", "density", "--seed", "7", "--out", str(tmp_path), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (
        json.loads((tmp_path / "electrons.json").read_text())["density"]["sha256"] == said["sha256"]
    )
    monkeypatch.setattr(_electrons, "samples", lambda: tmp_path)
    _electrons.stored.cache_clear()
    try:
        np.testing.assert_array_equal(_electrons.stored("density")["x"], [7, 7])
    finally:
        _electrons.stored.cache_clear()


@pytest.mark.parametrize("flags", [("--seed", "-1"), ("--most", "-3"), ("--molecule", "water")])
def test_bad_settings_are_refused(flags, capsys) -> None:
    assert main(["data", "make", "hamiltonian", *flags]) == 2
    assert "Expected" in capsys.readouterr().err
