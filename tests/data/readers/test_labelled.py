"""Labelled files: right ones exactly, all others with one sentence that names the place."""

from typing import Any

import numpy as np
import pytest

from demetar.core.errors import InputError
from demetar.data.readers import archives, labelled
from demetar.data.readers.labelled import read_bodies, read_labelled
from tests.support import miniatures
from tests.support.labelled import FRAME, OTHER, SDF, npz


def refused(source: bytes, name: str = "own.xyz", **settings: Any) -> str:
    with pytest.raises(InputError) as caught:
        read_labelled(source, name, **settings)
    return str(caught.value)


def test_extended_xyz_gives_energies_and_forces_as_they_stand():
    found = read_labelled(FRAME + b"\n" + OTHER, "own.extxyz", forces="forces")
    assert found.sizes.tolist() == [2, 2]
    assert found.label.tolist() == [[-1.5], [-1.25]]
    assert found.species is not None
    assert found.species.tolist() == [1, 8, 1, 8]
    assert found.positions[3].tolist() == [0, 0, 1.02]
    assert found.forces is not None
    assert found.forces[:2].tolist() == [[0.1, 0.2, 0.3], [-0.1, -0.2, -0.3]]


def test_other_labels_are_found_by_their_key():
    dipole = read_labelled(FRAME + OTHER, "own.xyz", key="dipole", width=3)
    assert dipole.label.tolist() == [[0.1, 0.2, 0.3]] * 2
    assert dipole.forces is None
    assert read_labelled(FRAME + OTHER, "own.xyz", key="gap").label.tolist() == [[7], [7]]


def test_what_ase_writes_is_read_back(tmp_path):
    import ase.io
    from ase.build import molecule
    from ase.calculators.singlepoint import SinglePointCalculator

    rng, written = np.random.default_rng(0), []
    for _ in range(3):
        atoms = molecule("CH3CH2OH")
        atoms.rattle(0.1, rng=rng)
        energy, forces = rng.standard_normal(), rng.standard_normal((9, 3))
        atoms.calc = SinglePointCalculator(atoms, energy=energy, forces=forces)
        written.append(atoms)
    ase.io.write(tmp_path / "own.xyz", written, format="extxyz")
    found = read_labelled(tmp_path / "own.xyz", forces="forces")
    assert found.forces is not None
    for i, atoms in enumerate(written):
        assert found.label[i, 0] == pytest.approx(atoms.get_potential_energy(), rel=1e-12)
        assert np.allclose(found.positions[9 * i : 9 * i + 9], atoms.positions, atol=1e-7)
        assert np.allclose(found.forces[9 * i : 9 * i + 9], atoms.get_forces(), atol=1e-7)


def test_an_sdf_takes_its_labels_from_a_table():
    table = b'name,gap,comment\nfirst,1.5,"a, b"\nsecond,-2e1,\n\n'
    found = read_labelled(SDF, "own.sdf", key="gap", table=table)
    assert found.sizes.tolist() == [2, 1]
    assert found.label.tolist() == [[1.5], [-20]]
    assert found.species is not None
    assert found.species.tolist() == [1, 8, 10]


def test_an_npz_gives_molecules_or_bodies():
    rng = np.random.default_rng(0)
    x, f = rng.standard_normal((2, 4, 3, 3))
    arrays = npz(z=np.array([8, 1, 1]), R=x, E=np.arange(4.0), F=f)
    found = read_labelled(arrays, "own.npz", key="E", forces="F")
    assert found.forces is not None
    assert np.array_equal(found.positions.reshape(4, 3, 3), x)
    assert np.array_equal(found.forces.reshape(4, 3, 3), f)
    assert found.label.tolist() == [[0], [1], [2], [3]]
    bodies = read_bodies(
        npz(positions=x, target_positions=f, charges=np.array([1, -1, 1])), "b.npz"
    )
    assert bodies.species is None
    assert bodies.charges is not None
    assert bodies.charges[:6].tolist() == [1, -1, 1, 1, -1, 1]
    assert np.array_equal(bodies.label.reshape(4, 3, 3), f)
    assert bodies.velocities is not None
    assert not bodies.velocities.any()


@pytest.mark.parametrize(
    ("change", "where", "said"),
    [
        ((b"energy=-1.25", b"enrgy=-1.25"), "line 6", "energy"),
        ((b"energy=-1.25", b"energy=low"), "line 6", "low"),
        ((b"energy=-1.25", b"energy=nan"), "line 6", "nan"),
        ((b"energy=-1.25", b'energy="1 2"'), "line 6", "1 number"),
        ((b"energy=-1.25", b"energy=1e30"), "line 6", "1e+12"),
        ((b"1.02 -0.1 -0.2 -0.3", b"1.02 -0.1 -0.2"), "line 8", "7 columns"),
        ((b"1.02 -0.1 -0.2 -0.3", b"1.02 -0.1 -0.2 x"), "line 8", "'x'"),
        ((b"1.02 -0.1 -0.2 -0.3", b"1.02 -0.1 -0.2 inf"), "line 8", "'inf'"),
        ((b"O 0 0 1.02", b"Ox 0 0 1.02"), "line 8", "'Ox'"),
        ((b"O 0 0 1.02", b"O 0 0 1e9"), "line 8", "coordinates"),
        ((b"O 0 0 1.02", b"O 0 0 0.01"), "system 2", "apart"),
        ((b"O 0 0 1.02", b"O 0 0 0.97"), "system 2 repeats system 1", "remove"),
        ((b"O 0 0 1.02 -0.1 -0.2 -0.3\n", b""), "line 8", "7 columns"),
        ((b"\nO 0 0 1.02 -0.1 -0.2 -0.3\n", b""), "after line 7", "whole file"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(change, where, said):
    text = refused(FRAME + OTHER.replace(*change), forces="forces")
    assert where in text
    assert said in text
    assert "\n" not in text


def test_a_later_frame_without_forces_is_refused_and_not_filled_up():
    bare = b"2\nProperties=species:S:1:pos:R:3 energy=-1.25\nH 0 0 0\nO 0 0 1.02\n"
    assert "line 6" in refused(FRAME + bare, forces="forces")
    assert "line 2" in refused(bare + FRAME, forces="")
    assert read_labelled(bare, "own.xyz", forces="").forces is None
    assert "(species, pos)" in refused(bare, forces="forces")


@pytest.mark.parametrize(
    ("table", "where", "said"),
    [
        (b"gap\n1\n", "2 molecules", "1"),
        (b"gap\n1\n2\n3\n", "line 4", "one more row"),
        (b"gap\n1\nx\n", "line 3", "'x'"),
        (b"gap\n1\n\n2,3\n", "line 4", "1 cells"),
        (b"egap\n1\n2\n", "line 1", "'egap'"),
        (b"gap,gap\n1,2\n2,3\n", "line 1", "one column"),
        (b"name,gap\nsecond,1\nfirst,2\n", "line 2", "'first'"),
        (b"", "empty", "labels"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(table, where, said):
    text = refused(SDF, "own.sdf", key="gap", table=table)
    assert where in text
    assert said in text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"R": np.zeros((4, 3))}, "'R'"),
        ({"R": np.full((4, 2, 3), np.nan)}, "'R'"),
        ({"z": np.array([1, 200])}, "1 to 118"),
        ({"z": np.array([1.5, 1])}, "atomic numbers"),
        ({"z": np.array([1, 8, 1])}, "'z'"),
        ({"E": np.zeros(3)}, "'E'"),
        ({"E": np.array([0, 1, np.inf, 3])}, "[2]"),
        ({"F": np.zeros((4, 2))}, "'F'"),
        ({"E": np.array(["a"] * 4)}, "'E'"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(changes, said):
    x = np.random.default_rng(0).standard_normal((4, 2, 3))
    arrays = {"z": np.array([1, 8]), "R": x, "E": np.arange(4.0), "F": x} | changes
    assert said in refused(npz(**arrays), "own.npz", key="E", forces="F")


def test_caps_hold_while_reading(monkeypatch):
    assert "64 MB" in refused(b"x" * (labelled.MAX_BYTES + 1))
    monkeypatch.setattr(archives, "MAX_SYSTEMS", 3)
    many = b"".join(FRAME.replace(b"0.97", b"%.3f" % (1 + 0.01 * i)) for i in range(5))
    assert "at most 3" in refused(many)
    broken_later = many + b"this is never reached"
    assert "at most 3" in refused(broken_later)
    x = np.random.default_rng(0).standard_normal((5, 1, 3))
    assert "at most 3" in refused(npz(z=np.ones(1), R=x, E=np.zeros(5)), "own.npz", key="E")
    assert "500 atoms" in refused(b"501\nenergy=1\n")


@pytest.mark.parametrize(
    ("name", "said"), [("own.csv", ".csv"), ("own", "''"), ("own.pdb", ".pdb")]
)
def test_other_endings_are_refused(name, said):
    assert said in refused(FRAME, name)


def test_an_sdf_without_a_table_asks_for_it():
    assert "labels=" in refused(SDF, "own.sdf", key="gap")


def test_reading_takes_linear_time():
    """A comment of a million keys or quotes costs its length; the tests' own time limit holds it."""
    for part in (b"energy", b'"', b"a=", b"=", b" energy =", b"Properties="):
        refused(b"1\n" + part * (1_000_000 // len(part)) + b"\nH 0 0 0\n")


def test_a_published_file_is_read_as_it_stands():
    source = miniatures.frames("3bpa-train_300K", 20, 0)
    found = read_labelled(miniatures.extxyz(source), "train.xyz", forces="forces")
    assert np.allclose(found.label[:, 0], source["E"], atol=1e-9)
    assert np.allclose(found.positions.reshape(-1, 27, 3), source["R"], atol=1e-7)
