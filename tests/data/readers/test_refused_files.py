"""Files that cannot be right: each is refused with one sentence, at once."""

import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demetar.core.errors import InputError
from demetar.data.readers.lines import MAX_ATOMS, MAX_FRAMES
from demetar.data.readers.structures import MAX_BYTES, PARSERS, read_atoms
from tests.support.readers import FUZZ, GOOD, attempt, pdb
from tests.support.structure_files import CIF, MOL, V3000, WATER, refusal

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
