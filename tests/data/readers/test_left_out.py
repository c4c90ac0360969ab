"""What was asked for or labelled in a file does not vanish: it is read, refused or named."""

import io
from typing import Any

import numpy as np
import pytest

from demetar.core.errors import InputError
from demetar.data.readers.labelled import Labelled, read_labelled
from demetar.data.readers.labels import looks_like_label

NAMES = ("forces", "REF_forces", "force", "gradient", "gradients", "DFT-forces", "f.x", "kräfte")


def frames(column: str = "forces", key: str = "energy", more: str = "", count: int = 3) -> str:
    said = f"Properties=species:S:1:pos:R:3:lammps-q:R:1:{column}:R:3"
    rows = "H 0 0 0 .5 .1 .2 .3\nO 0 0 0.9{i} .5 .4 .5 .6\n"
    return "".join(f"2\n{said} {key}={i} {more}\n" + rows.format(i=i) for i in range(count))


def given(text: str, **settings: Any) -> Labelled:
    return read_labelled(text.encode(), "own.xyz", **settings)


def npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


@pytest.mark.parametrize("name", NAMES)
def test_forces_of_any_name_are_read_when_named(name: str) -> None:
    for asked in (name, name.upper()):
        found = given(frames(name), forces=asked)
        assert found.forces is not None
        assert found.forces[:2].tolist() == [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]
    assert "lammps-q" not in " ".join(found.remarks)


@pytest.mark.parametrize("name", NAMES[1:6])
def test_forces_of_another_name_are_named_when_they_are_not(name: str) -> None:
    found = given(frames(name), forces="")
    assert found.forces is None
    assert f"column {name}" in found.remarks[0]
    assert not given(frames(), forces="").remarks


def test_of_two_spellings_the_exact_one_is_read_and_the_other_named() -> None:
    text = frames("Forces").replace("lammps-q:R:1:Forces:R:3", "forces:R:3:Forces:R:1")
    for asked in ("", "forces"):
        found = given(text, forces=asked)
        assert found.forces is not None
        assert found.forces[0].tolist() == [0.5, 0.1, 0.2]
        assert "column Forces" in found.remarks[0]


@pytest.mark.parametrize("name", ["REF_force", "Force", "species", "pos2", ""])
def test_an_option_is_found_or_refused_with_what_is_there(name: str) -> None:
    if not name:
        assert given(frames("REF_forces"), forces=name).forces is None
        return
    with pytest.raises(InputError) as caught:
        given(frames("REF_forces"), forces=name)
    assert "REF_forces" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("at", [0, 1, 2])
@pytest.mark.parametrize("asked", ["", "forces"])
def test_a_frame_without_forces_is_refused_by_its_line(at: int, asked: str) -> None:
    parts = [frames().split("2\nProp")[i] for i in (1, 2, 3)]
    bare = parts[at].replace(":forces:R:3", ":f1:R:3")
    text = "".join("2\nProp" + (bare if i == at else part) for i, part in enumerate(parts))
    with pytest.raises(
        InputError, match=f"^Expected Properties with forces:R:3 in line {2 + 4 * at}, "
    ):
        given(text, forces=asked)


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ('dipole="1 2 3"', "key dipole"),
        ("stress=[[1,2,3],[4,5,6],[7,8,9]]", "key stress"),
        ("free_energy=-1 E0=2", "key free_energy, key E0"),
        ('virial="_JSON [1, 2]"', "key virial"),
        ("energy_unit=eV force_model=dft energy_sigma", ""),
        ("gap=1.5 total_charge=1", "key gap, key total_charge"),
        ("step=3 temperature=300 cutoff=5", ""),
        ('note="dipole=5 stress=3"', ""),
    ],
)
def test_other_labels_on_the_comment_are_named(more: str, named: str) -> None:
    remarks = given(frames(more=more), forces="").remarks
    assert bool(remarks) == bool(named)
    assert named in " ".join(remarks)


def test_columns_without_a_name_are_named() -> None:
    rows = "H 0 0 0 1 2 3\nO 0 0 0.9{} 1 2 3\n"
    text = "".join(f"2\nenergy={i}\n" + rows.format(i) for i in range(3))
    assert "columns 5 to 7, which no Properties names" in given(text, forces="").remarks[0]


def test_a_cell_is_named_where_it_repeats() -> None:
    cell = 'Lattice="9 0 0 0 9 0 0 0 9"'
    assert "Of 3 frames 3 have a periodic cell" in given(frames(more=cell), forces="").remarks[0]
    assert not given(frames(more=cell + ' pbc="F F F"'), forces="").remarks


def test_text_that_holds_a_key_is_no_label() -> None:
    quoted = 'config_type="guess energy=5 eV"'
    text = "".join(
        part and "2\n" + part.replace("Properties", quoted + " Properties", 1)
        for part in frames().split("2\n", 3)[1:]
    )
    assert given(text).label[:, 0].tolist() == [0, 1, 2]


X = np.random.default_rng(0).standard_normal((4, 3, 3))
Z = np.array([8, 1, 1])


@pytest.mark.parametrize(
    "names",
    [
        ("R", "z", "E", "F"),
        ("coords", "nuclear_charges", "energies", "forces"),
        ("coordinates", "atomic_numbers", "energy", "forces"),
        ("positions", "numbers", "energies", "F"),
    ],
)
def test_arrays_under_the_names_of_published_archives(names: tuple[str, ...]) -> None:
    arrays = dict(zip(names, (X, Z, np.arange(4.0), -X), strict=True))
    words = {"name": np.array("water"), "old_energies": np.zeros(4)}
    data = npz(**arrays, **words)
    found = read_labelled(data, "own.npz", ("E", "energies", "energy"), 1, "")
    assert found.forces is not None
    assert np.array_equal(found.forces, -X.reshape(-1, 3))
    assert found.label[:, 0].tolist() == [0, 1, 2, 3]
    assert "old_energies" in found.remarks[0]
    assert "name" not in found.remarks[0]


@pytest.mark.parametrize(
    ("arrays", "settings", "words"),
    [
        ({"R": X, "z": Z, "E": np.zeros(4)}, {"forces": "forces"}, ("forces=…", "R, z, E")),
        ({"R": X, "z": Z, "enrg": np.zeros(4)}, {}, ("the label", "R, z, enrg")),
        ({"X": X, "z": Z, "E": np.zeros(4)}, {}, ("the positions", "X, z, E", "coords")),
        ({"R": X, "E": np.zeros(4)}, {}, ("the elements", "nuclear_charges")),
        ({"R": X, "coords": X, "z": Z, "E": np.zeros(4)}, {}, ("both R, coords", "keep one")),
        (
            {"R": X, "z": Z, "E": np.zeros(4), "F": X, "forces": X},
            {"forces": ""},
            ("both F, forces",),
        ),
        ({"R": X, "z": Z, "E": np.zeros(4), "energies": np.ones(4)}, {}, ("both E, energies",)),
    ],
)
def test_arrays_that_are_not_there_are_refused_with_those_that_are(
    arrays: dict, settings: dict, words: tuple[str, ...]
) -> None:
    with pytest.raises(InputError) as caught:
        read_labelled(npz(**arrays), "own.npz", ("E", "energies"), **settings)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_gradients_in_an_archive_are_named() -> None:
    found = read_labelled(npz(R=X, z=Z, E=np.zeros(4), gradients=X), "own.npz", "E", 1, "")
    assert found.forces is None
    assert "gradients" in found.remarks[0]


def test_fields_of_an_sdf_are_named() -> None:
    block = "m{0}\n\n\n  1  0  0  0  0  0  0  0  0  0999 V2000\n    0.000{0}    0.0000    0.0000 Ar  0\n"
    block += "M  END\n>  <energy>\n{0}\n\n> 1 <SMILES>\n[Ar]\n\n$$$$\n"
    text = "".join(block.format(i) for i in range(3))
    found = read_labelled(text.encode(), "a.sdf", "gap", table=b"gap\n1\n2\n3\n")
    assert "energy" in found.remarks[0]
    assert "SMILES" not in found.remarks[0]
    with pytest.raises(InputError, match="forces=…"):
        read_labelled(text.encode(), "a.sdf", "gap", forces="F", table=b"gap\n1\n2\n3\n")
    with pytest.raises(InputError, match=r"beside an SDF only, got \.xyz"):
        read_labelled(frames().encode(), "a.xyz", table=b"gap\n1\n")


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("Energy", True),
        ("E", True),
        ("mace_forces", True),
        ("dE_grad", True),
        ("mu", True),
        ("energy_unit", False),
        ("config_type", False),
        ("pos", False),
        ("stretch", False),
        ("species", False),
        ("id", False),
    ],
)
def test_what_looks_like_a_label(name: str, label: bool) -> None:
    assert looks_like_label(name) is label
