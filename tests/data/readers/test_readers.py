"""Reading files that anybody may have made: right ones exactly, all others with one sentence."""

from pathlib import Path

import ase.build
import ase.io
import numpy as np
import pytest

from demetar.core.errors import InputError
from demetar.data.readers.bounded import safe_name
from demetar.data.readers.structures import PARSERS, read_atoms
from tests.support.readers import GOOD, written
from tests.support.structure_files import CIF, MOL, V3000, WATER


def test_every_ending_has_a_good_file() -> None:
    assert set(GOOD) == set(PARSERS), "write a good file of each ending into GOOD of this test"


@pytest.mark.parametrize("ending", [".xyz", ".pdb", ".mol", ".sdf"])
def test_every_format_gives_the_same_water(ending: str) -> None:
    (water,) = read_atoms(GOOD[ending], "water" + ending)
    assert water.get_chemical_symbols() == ["O", "H", "H"]
    np.testing.assert_allclose(water.get_distance(0, 1), 0.968, atol=2e-3)
    assert water.info == {"name": "water"}


def test_version_3000_and_several_molecules_of_sdf() -> None:
    frames = read_atoms(MOL + b"$$$$\n" + V3000 + b"$$$$\n", "two.sdf")
    assert len(frames) == 2
    np.testing.assert_allclose(frames[0].positions, frames[1].positions)


def test_cif_fills_the_cell() -> None:
    (salt,) = read_atoms(CIF, "salt.cif")
    assert salt.get_chemical_formula() == "Cl4Na4"
    assert salt.pbc.all()
    np.testing.assert_allclose(salt.cell.lengths(), 5.64)
    assert set(salt.info) == {"name"}


def test_pdb_models_alternate_locations_and_cell() -> None:
    line = "HETATM{:5d}  {:<3s}{}MOL A   1    {:8.3f}{:8.3f}{:8.3f}  1.00  0.00          {:>2s}\n"
    one = line.format(1, "CL1", " ", 0, 0, 0, "Cl") + line.format(2, "C1", "A", 1.7, 0, 0, "C")
    other = line.format(3, "C1", "B", 1.8, 0, 0, "C")
    cell = "CRYST1   10.000   12.000   14.000  90.00  90.00 120.00 P 1\n"
    text = cell + "MODEL 1\n" + one + other + "ENDMDL\nMODEL 2\n" + one + "ENDMDL\nEND\n"
    frames = read_atoms(text.encode(), "x.pdb")
    assert [f.get_chemical_formula() for f in frames] == ["CCl", "CCl"]
    np.testing.assert_allclose(frames[0].cell.cellpar(), [10, 12, 14, 90, 90, 120], atol=1e-9)


def test_extended_xyz_columns_and_lattice() -> None:
    text = (
        b'2\nLattice="5 0 0 0 6 0 0 0 7" Properties=id:I:1:pos:R:3:species:S:1:forces:R:3\n'
        b"1 0 0 0 C 9 9 9\n2 0 0 1.1 O 9 9 9\n"
    )
    (found,) = read_atoms(text, "co.extxyz")
    assert found.get_chemical_symbols() == ["C", "O"]
    assert found.get_distance(0, 1) == 1.1
    np.testing.assert_allclose(np.diag(found.cell), [5, 6, 7])


def test_what_ase_writes_is_read_back_exactly() -> None:
    ethanol = ase.build.molecule("CH3CH2OH")
    (same,) = read_atoms(written(ethanol, "extxyz"), "ethanol.xyz")
    np.testing.assert_allclose(same.positions, ethanol.positions, atol=1e-8)
    assert (same.numbers == ethanol.numbers).all()


def test_frames_windows_ends_byte_order_mark_and_odd_symbols() -> None:
    text = (
        b"\xef\xbb\xbf"
        + b"1\r\n\r\nCL 0 0 0\r\n\r\n1\r\n\r\n6 0 0 1 extra\r\n2\n\nd 0 0 0\nh 0 0 1"
    )
    assert [f.get_chemical_formula() for f in read_atoms(text, "f.xyz")] == ["Cl", "C", "H2"]


def test_one_atom_is_a_molecule() -> None:
    (atom,) = read_atoms(b"1\n\nHe 0 0 0\n", "he.xyz")
    assert len(atom) == 1


def test_a_path_is_read_and_its_name_kept(tmp_path: Path) -> None:
    path = tmp_path / "my water.XYZ"
    path.write_bytes(WATER)
    assert read_atoms(path)[0].info["name"] == "my water"
    assert len(read_atoms(str(path))[0]) == 3


@pytest.mark.parametrize("path", ["no/such/file.xyz", ".", "nul\0.xyz"])
def test_a_missing_file_is_refused(path: str) -> None:
    with pytest.raises(InputError, match=r"^[^\n]*check the path\.$"):
        read_atoms(path)


SCRIPT = b"</script><script>alert(1)</script>"


@pytest.mark.parametrize("ending", PARSERS)
def test_a_script_in_a_comment_is_dropped(ending: str) -> None:
    data = GOOD[ending]
    if ending in (".xyz", ".extxyz"):
        data = data.replace(b"water", SCRIPT)
    elif ending == ".cif":
        data = b"# " + SCRIPT + b"\n" + data
    elif ending == ".pdb":
        data = b"TITLE     " + SCRIPT + b"\n" + data
    else:
        data = data.replace(b"water", SCRIPT)
    (atoms,) = read_atoms(data, f"a{SCRIPT.decode()}b{ending}")
    assert "<" not in repr(atoms.info)
    assert "script" not in repr(sorted(atoms.arrays))
    assert atoms.info["name"]
    assert set(atoms.info) == {"name"}


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("ethanol.xyz", "ethanol"),
        ("../../etc/passwd.xyz", "passwd"),
        ("C:\\Users\\me\\a.xyz", "a"),
        ("<b>.xyz", "b"),
        ("", "structure"),
        ("é\n.xyz", "structure"),
        ("x" * 500, "x" * 64),
    ],
)
def test_safe_name(name: str, clean: str) -> None:
    assert safe_name(name) == clean
