"""Reading files that anybody may have made: right ones exactly, all others with one sentence."""

import io
import time
import zipfile
from pathlib import Path
from typing import Any

import ase.build
import ase.io
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from demetar.core.errors import InputError
from demetar.data.readers.bounded import safe_name
from demetar.data.readers.lines import MAX_ATOMS, MAX_FRAMES
from demetar.data.readers.scenes import read_scene
from demetar.data.readers.structures import MAX_BYTES, PARSERS, read_atoms
from tests.support.structure_files import CIF, MOL, V3000, WATER, refusal


def written(atoms: ase.Atoms, kind: str) -> bytes:
    text = io.StringIO()
    ase.io.write(text, atoms, format=kind)
    return text.getvalue().encode()


def pdb() -> bytes:
    return written(ase.build.molecule("H2O"), "proteindatabank")


GOOD = {".xyz": WATER, ".extxyz": WATER, ".pdb": pdb(), ".mol": MOL, ".sdf": MOL, ".cif": CIF}


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


LINES = b"".join(b"C %d 0 0\n" % i for i in range(100_000))
ATOM = "ATOM  {:5d}  C   MOL A   1    {:8.3f}{:8.3f}{:8.3f}  1.00  0.00           C\n"
HUGE = {
    ".xyz": b"100000\n\n" + LINES,
    ".pdb": "".join(ATOM.format(i % 99999, i % 9999, i / 9999, 0) for i in range(100_000)).encode(),
    ".sdf": V3000.replace(b"COUNTS 3", b"COUNTS 100000"),
    ".cif": CIF + b"C 0.1 0.2 0.3\n" * 100_000,
}


@pytest.mark.parametrize("ending", HUGE)
def test_100000_atoms_are_refused_at_once_with_the_limit(ending: str) -> None:
    began = time.perf_counter()
    assert str(MAX_ATOMS) in refusal(HUGE[ending], "huge" + ending)
    assert time.perf_counter() - began < 1.0


def test_too_many_atoms_that_only_the_space_group_makes_are_refused() -> None:
    sites = "".join(f"C 0.{i:03d} 0.{7 * i:03d} 0.{3 * i:03d}\n" for i in range(1, 140))
    assert str(MAX_ATOMS) in refusal(CIF + sites.encode(), "x.cif")


def test_an_atom_block_without_its_announced_end_stops_at_the_limit() -> None:
    atoms = b"".join(b"M  V30 %d C %d 0 0 0\n" % (i, i) for i in range(1, 2000))
    data = V3000.replace(b"M  V30 1 O 0 0 0.119 0\n", atoms)
    assert str(MAX_ATOMS) in refusal(data, "x.mol")


def test_too_many_bytes_and_too_many_frames_are_refused(tmp_path: Path) -> None:
    assert f"{MAX_BYTES // 10**6} MB" in refusal(b"C" * (MAX_BYTES + 1), "x.xyz")
    path = tmp_path / "big.xyz"
    path.write_bytes(b"C" * (MAX_BYTES + 1))
    with pytest.raises(InputError, match="MB"):
        read_atoms(path)
    assert str(MAX_FRAMES) in refusal(b"1\n\nC 0 0 0\n" * (MAX_FRAMES + 1), "x.xyz")


@pytest.mark.parametrize("ending", PARSERS)
@pytest.mark.parametrize("data", [b"", b"  \n\t\n"])
def test_an_empty_file_is_refused(ending: str, data: bytes) -> None:
    assert "empty" in refusal(data, "a" + ending)


@pytest.mark.parametrize("ending", PARSERS)
def test_binary_rubbish_is_refused(ending: str) -> None:
    assert "binary" in refusal(bytes(range(256)) * 4, "a" + ending)


@pytest.mark.parametrize("name", ["a.doc", "a", "a.xyz.gz", "a.npz", "<img>.pickle"])
def test_an_unknown_ending_is_refused(name: str) -> None:
    assert ".xyz, .extxyz, .pdb" in refusal(WATER, name)


@pytest.mark.parametrize("ending", PARSERS)
@pytest.mark.parametrize("other", [".xyz", ".pdb", ".mol", ".cif"])
def test_a_wrong_ending_is_refused(ending: str, other: str) -> None:
    family = {".extxyz": ".xyz", ".sdf": ".mol"}
    if family.get(ending, ending) != other:
        refusal(GOOD[other], "a" + ending)


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (WATER.replace(b"O ", b"Xx "), "a.xyz", ("line 3", "'Xx'")),
        (WATER.replace(b"0.763", b"nan", 1), "a.xyz", ("line 4", "finite")),
        (WATER.replace(b"0.763", b"-inf", 1), "a.xyz", ("line 4", "finite")),
        (WATER.replace(b"0.763", b"1e300", 1), "a.xyz", ("line 4", "finite")),
        (WATER.replace(b"0.763", b"0.76x", 1), "a.xyz", ("line 4", "'0.76x'")),
        (WATER.replace(b"0.763", b"1_0", 1), "a.xyz", ("line 4", "'1_0'")),
        (WATER.replace(b"0.763", b"", 1), "a.xyz", ("line 4", "three coordinates")),
        (WATER.replace(b"-0.763 -0.477", b"0.763 -0.477"), "a.xyz", ("atoms 2 and 3", "0.05 Å")),
        (WATER.replace(b"3\n", b"4\n", 1), "a.xyz", ("line 6", "three coordinates")),
        (WATER[:20], "a.xyz", ("line 4",)),
        (b"2\n\nC 0 0 0", "a.xyz", ("its end after line 3", "2 atoms")),
        (b"5", "a.xyz", ("its end after line 1", "comment")),
        (b"0\n\n", "a.xyz", ("at least one atom",)),
        (b"-3\n\n", "a.xyz", ("line 1", "number of atoms")),
        (b"O 0 0 0\nH 0 0 1\n", "a.xyz", ("line 1", "number of atoms")),
        (b"1\nProperties=pos:R:1000000000\nC 0 0 0\n", "a.xyz", ("line 2", "999")),
        (b"1\nProperties=pos:R:3\nC 0 0 0\n", "a.xyz", ("line 2", "species:S:1")),
        (b'1\nLattice="1 2 3"\nC 0 0 0\n', "a.xyz", ("line 2", "nine")),
        (pdb().replace(b" O  \n", b" Q  \n"), "a.pdb", ("line", "periodic table")),
        (pdb().replace(b"0.763", b"  NaN"), "a.pdb", ("line", "finite")),
        (b"TITLE no atoms\nEND\n", "a.pdb", ("No atoms", "PDB")),
        (
            b"CRYST1    0.000   12.000   14.000  90.00  90.00  90.00\n",
            "a.pdb",
            ("line 1", "volume"),
        ),
        (MOL.replace(b" O ", b" R#"), "a.mol", ("line 5", "'R#'")),
        (MOL.replace(b"0.1190", b"   inf"), "a.mol", ("line 5", "finite")),
        (MOL.replace(b"  3  2", b" 99  2"), "a.mol", ("line 8",)),
        (MOL.replace(b"  3  2", b"  x  2"), "a.mol", ("line 4", "number of atoms")),
        (V3000.replace(b"COUNTS 3", b"COUNTS 4"), "a.mol", ("4 atoms", "got 3")),
        (CIF.replace(b"Na 0 0 0", b"Zz 0 0 0"), "a.cif", ("CIF", "Zz")),
        (CIF.replace(b"0.5 0.5 0.5", b"nan 0.5 0.5"), "a.cif", ("CIF",)),
        (CIF.replace(b"Cl 0.5 0.5 0.5", b"Cl 0 0 0.001"), "a.cif", ("one element", "'Na'", "'Cl'")),
        (CIF.split(b"loop_")[0], "a.cif", ("No atoms", "CIF")),
        (CIF + b"x" * 3000, "a.cif", ("2048",)),
        (b"data_x\n" * 400_000, "a.cif", ("2 MB",)),
    ],
)
def test_each_fault_is_named(data: bytes, name: str, words: tuple[str, ...]) -> None:
    message = refusal(data, name)
    assert all(word in message for word in words), message


def test_a_giant_comment_costs_no_time() -> None:
    comment = b'Properties="' + b"a:R:3:" * 10**6 + b'" Lattice="' + b"\\" * 10**6
    began = time.perf_counter()
    refusal(b"1\n" + comment + b"\nC 0 0 0\n", "a.xyz")
    assert len(read_atoms(b"1\n" + b"x" * 5_000_000 + b"\nC 0 0 0\n", "a.xyz")) == 1
    assert time.perf_counter() - began < 1.0


FUZZ = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def attempt(function, data: bytes, name: str):
    """What reading gives, or None when it refuses in one sentence; nothing else may happen."""
    try:
        return function(data, name)
    except InputError as error:
        message = str(error)
    assert "\n" not in message
    assert message.endswith(".")
    return None


@FUZZ
@given(data=st.binary(max_size=400), ending=st.sampled_from(sorted(PARSERS)))
def test_any_bytes_give_atoms_or_one_sentence(data: bytes, ending: str) -> None:
    assert attempt(read_atoms, data, "fuzz" + ending) != []


@settings(FUZZ, max_examples=200)
@given(
    ending=st.sampled_from(sorted(PARSERS)),
    edits=st.lists(
        st.tuples(st.integers(0, 500), st.integers(0, 12), st.text(max_size=6)), max_size=4
    ),
)
def test_any_damage_to_a_right_file_gives_atoms_or_one_sentence(ending: str, edits: list) -> None:
    text = GOOD[ending].decode()
    for at, cut, put in edits:
        at %= len(text) + 1
        text = text[:at] + put + text[at + cut :]
    for atoms in attempt(read_atoms, text.encode(errors="replace"), "fuzz" + ending) or []:
        assert 0 < len(atoms) <= MAX_ATOMS
        assert np.isfinite(atoms.positions).all()


def npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


BODIES = np.arange(15.0).reshape(5, 3)


def scene_refusal(data: bytes) -> str:
    with pytest.raises(InputError) as caught:
        read_scene(data, "scene.npz")
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")
    return str(caught.value)


def test_scene_of_one_frame_and_of_several() -> None:
    alone = read_scene(npz(positions=BODIES), "a.npz")
    assert alone.positions.shape == (1, 5, 3)
    assert (alone.masses == 1).all()
    assert not alone.velocities.any()
    assert not alone.charges.any()
    frames = np.stack([BODIES, BODIES + 1]).astype(np.float32)
    several = read_scene(
        npz(positions=np.asfortranarray(frames), velocities=frames, charges=np.arange(5), x=BODIES),
        "a.npz",
    )
    np.testing.assert_array_equal(several.positions, frames)
    assert several.charges.tolist() == [0, 1, 2, 3, 4]
    assert several.times.tolist() == [0, 1]


def test_scene_from_a_path(tmp_path: Path) -> None:
    np.savez(tmp_path / "s.npz", positions=BODIES)
    assert read_scene(tmp_path / "s.npz").positions.shape == (1, 5, 3)


@pytest.mark.parametrize(
    ("arrays", "word"),
    [
        ({"velocities": BODIES}, "got none"),
        ({"positions": BODIES[:, :2]}, "shape"),
        ({"positions": np.zeros((0, 3))}, "shape"),
        ({"positions": np.float64(3)}, "shape"),
        ({"positions": BODIES * np.nan}, "finite"),
        ({"positions": BODIES * 0}, "bodies 1 and 2"),
        ({"positions": np.arange(153.0).reshape(51, 3)}, "50 bodies"),
        ({"positions": np.zeros((2001, 1, 3))}, "2000 frames"),
        ({"positions": BODIES, "velocities": BODIES[:4]}, "velocities"),
        ({"positions": BODIES, "charges": np.ones((5, 1))}, "charges"),
        ({"positions": BODIES, "masses": np.zeros(5)}, "masses"),
        ({"positions": BODIES, "charges": np.full(5, np.inf)}, "charges"),
        ({"positions": BODIES.astype(str)}, "plain numbers"),
        ({"positions": np.array([{"a": 1}], dtype=object)}, "plain numbers"),
        ({"positions": BODIES.astype(complex)}, "plain numbers"),
    ],
)
def test_each_fault_of_a_scene_is_named(arrays: dict, word: str) -> None:
    assert word in scene_refusal(npz(**arrays))


def member(header: bytes, body: bytes = b"", name: str = "positions.npy") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        magic = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little")
        archive.writestr(name, magic + header + body)
    return file.getvalue()


@pytest.mark.parametrize(
    "header",
    [
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (100000000000, 3), }\n",
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (" + b"9" * 300 + b", 3), }\n",
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (-5, -3), }\n",
        b"{'descr': '|O', 'fortran_order': False, 'shape': (5, 3), }\n",
        b"{'descr': [('a', '|O')], 'fortran_order': False, 'shape': (5, 3), }\n",
        b"__import__('os').system('true')\n",
        b"(" * 9000 + b"\n",
        b"\n",
    ],
)
def test_a_lying_array_header_is_refused_without_its_memory(header: bytes) -> None:
    scene_refusal(member(header, BODIES.tobytes()))


def test_a_zip_bomb_is_refused_before_it_is_unpacked() -> None:
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (2500000, 3), }\n"
    bomb = member(header, bytes(60_000_000))
    assert len(bomb) < 100_000
    began = time.perf_counter()
    assert "MB unpacked" in scene_refusal(bomb)
    assert time.perf_counter() - began < 0.05


def test_what_is_not_an_archive_is_refused() -> None:
    whole = npz(positions=BODIES)
    for data in (b"", WATER, whole[:-30], whole[:60], b"PK\x03\x04" + bytes(100), bytes(999)):
        scene_refusal(data)


@settings(FUZZ, max_examples=100)
@given(
    edits=st.lists(st.tuples(st.integers(0, 2000), st.binary(max_size=4)), min_size=1, max_size=4)
)
def test_any_damage_to_an_archive_gives_a_scene_or_one_sentence(edits: list) -> None:
    data = bytearray(npz(positions=BODIES, charges=np.ones(5)))
    for at, put in edits:
        at %= len(data)
        data[at : at + len(put)] = put
    scene = attempt(read_scene, bytes(data), "a.npz")
    assert scene is None or np.isfinite(scene.positions).all()


def test_arrays_are_measured_together_before_they_are_unpacked() -> None:
    size = 3_000_000  # zeros, 24 MB as float64: two of them are too many for a scene
    small = npz(
        positions=BODIES, velocities=np.zeros(size, np.uint8), masses=np.zeros(size, np.uint8)
    )
    assert len(small) < 20_000
    assert "MB unpacked" in scene_refusal(small)
