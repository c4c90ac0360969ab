"""Files that can be taken for another structure than the one they hold: right, or refused."""

from pathlib import Path

import numpy as np
import pytest

from demetar.core.errors import InputError
from demetar.core.remarks import heard
from demetar.data.readers import read
from demetar.data.readers.lines import MAX_FRAMES
from demetar.data.readers.structures import MAX_BYTES, first_atoms, read_atoms
from tests.support.structure_files import CIF, MOL, V3000, WATER, refusal

ATOM_LINE = (
    "{:<6s}{:5d} {:<4s}{:1s}{:>3s} A{:4d}    {:8.3f}{:8.3f}{:8.3f}{:6.2f}  0.00          {:>2s}\n"
)


def pdb_line(
    name: str,
    x: float,
    alternate: str = "",
    element: str = "",
    residue: str = "VAL",
    occupancy: float = 1.0,
    number: int = 1,
) -> str:
    where = (x, 0.0, 0.0, occupancy, element)
    return ATOM_LINE.format("ATOM", 1, name, alternate, residue, number, *where)


@pytest.mark.parametrize(
    ("name", "residue", "symbol"),
    [
        ("HG11", "VAL", "H"),
        ("1HG1", "VAL", "H"),
        ("HH12", "ARG", "H"),
        ("HO5'", "DA", "H"),
        (" CA ", "ALA", "C"),
        ("CA  ", "ALA", "C"),
        ("CA  ", "CA", "Ca"),
        (" HG ", "SER", "H"),
        ("HG  ", "CYS", "H"),
        ("HG  ", "HG", "Hg"),
        (" OXT", "VAL", "O"),
        (" NE2", "HIS", "N"),
        ("CL1 ", "LIG", "Cl"),
        ("CL12", "LIG", "Cl"),
        ("C10A", "LIG", "C"),
        (" C1 ", "LIG", "C"),
        ("FE  ", "HEM", "Fe"),
        (" NA ", "HEM", "N"),
        ("SE  ", "MSE", "Se"),
        ("ZN  ", "ZN", "Zn"),
        ("HN1A", "LIG", "H"),
        ("BR1 ", "LIG", "Br"),
        (" D1 ", "DOD", "H"),
        (" SD ", "MET", "S"),
    ],
)
def test_without_an_element_column_the_names_columns_tell(
    name: str, residue: str, symbol: str
) -> None:
    for end in ("", "      1ABC 123"):  # as files before 1996 end
        line = pdb_line(name, 0.0, residue=residue).rstrip("\n").ljust(66) + end
        (atom,) = read_atoms(line.encode(), "a.pdb")
        assert atom.get_chemical_symbols() == [symbol]


@pytest.mark.parametrize("name", ["HG1 ", "CD1 ", "NE1 ", "CA1 ", "HO1 "])
def test_a_name_with_two_readings_is_refused(name: str) -> None:
    message = refusal(pdb_line(name, 0.0, residue="LIG").encode(), "a.pdb")
    assert "columns 77-78" in message
    assert name.strip() in message


def test_of_alternate_locations_one_stands_for_each_atom() -> None:
    text = pdb_line(" O  ", 0, element="O")
    text += pdb_line(" H1 ", 1, "B", "H", occupancy=0.4) + pdb_line(
        " H1 ", 1.1, "C", "H", occupancy=0.6
    )
    text += pdb_line(" H2 ", 2, "B", "H", occupancy=0.4) + pdb_line(
        " H2 ", 2.1, "C", "H", occupancy=0.6
    )
    text += pdb_line(" H3 ", 3, "B", "H", occupancy=0.4)
    with heard() as said:
        (found,) = read_atoms(text.encode(), "a.pdb")
    assert found.positions[:, 0].tolist() == [0, 1.1, 2.1, 3]
    assert "left out at others: 2" in said[0]
    tied = text.replace("0.60", "0.40")
    with heard():
        (found,) = read_atoms(tied.encode(), "a.pdb")
    assert found.positions[:, 0].tolist() == [0, 1, 2, 3]


def test_another_residue_at_the_same_place_is_an_alternate_too() -> None:
    text = pdb_line(" CB ", 0, "A", "C", "SER", 0.7) + pdb_line(" OG ", 1.4, "A", "O", "SER", 0.7)
    text += pdb_line(" CB ", 0.1, "B", "C", "CYS", 0.3) + pdb_line(
        " SG ", 1.8, "B", "S", "CYS", 0.3
    )
    text += pdb_line(" N  ", 5, "B", "N", "GLY", 0.5, number=2)
    with heard():
        (found,) = read_atoms(text.encode(), "a.pdb")
    assert found.get_chemical_formula() == "CNO"


@pytest.mark.parametrize("end", ["", "ENDMDL\n", "TER\n", "END\n", "TER\nENDMDL\n"])
@pytest.mark.parametrize(
    "begin", ["MODEL {}\n", "MODEL        {}\n", "CRYST1" + " " * 60 + "\n", "HEADER\n"]
)
def test_every_model_is_a_structure_of_its_own(begin: str, end: str) -> None:
    cell = "CRYST1    0.000    0.000    0.000  90.00  90.00  90.00 P 1           1\n"
    begin = cell if begin.startswith("CRYST1") else begin
    one = pdb_line(" O  ", 0, element="O") + pdb_line(" H1 ", 1, element="H")
    text = begin.format(1) + one + end + begin.format(2) + one + end
    found = read_atoms(text.encode(), "a.pdb")
    assert [atoms.get_chemical_formula() for atoms in found] == ["HO", "HO"]
    assert not found[0].pbc.any()


@pytest.mark.parametrize(
    "form", ["1.19D-1", "1.19d-01", "119.*^-3", "0.119D+00", "+.119d0", "1.19E-1"]
)
def test_exponents_of_other_languages(form: str) -> None:
    (water,) = read_atoms(WATER.replace(b"0.119", form.encode()), "a.xyz")
    assert water.positions[0, 2] == pytest.approx(0.119, rel=1e-15)


@pytest.mark.parametrize(
    ("symbol", "number"),
    [
        ("O1", 8),
        ("O12", 8),
        ("Na+", 11),
        ("Fe3+", 26),
        ("O2-", 8),
        ("Cl-1", 17),
        ("C_3", 6),
        ("C_R", 6),
        ("Hg1", 80),
        ("CL1", 17),
        ("D1", 1),
        ("17", 17),
        ("ZN2+", 30),
        ("Fe_up", 26),
    ],
)
def test_numbered_and_charged_symbols(symbol: str, number: int) -> None:
    (atom,) = read_atoms(f"1\n\n{symbol} 0 0 0\n".encode(), "a.xyz")
    assert atom.numbers.tolist() == [number]


@pytest.mark.parametrize("symbol", ["HG11", "CA1", "NE2", "HE1", "CD1"])
def test_capitals_with_two_readings_are_refused(symbol: str) -> None:
    message = refusal(f"1\n\n{symbol} 0 0 0\n".encode(), "a.xyz")
    assert f"{symbol[:2].capitalize()} or {symbol[0]}" in message


@pytest.mark.parametrize(
    "symbol", ["X1", "Bq", "O1x", "+", "Xx2", "H2O", "1H", "C--+++", "Na++++++"]
)
def test_other_words_are_no_elements(symbol: str) -> None:
    assert "periodic table" in refusal(f"1\n\n{symbol} 0 0 0\n".encode(), "a.xyz")


QM9 = (
    b"3\ngdb 3\t799.5\t437.9\t282.9\t1.85\t6.31\t-0.29\t0.07\t0.36\t19.0\t0.0214\t-76.404\t-76.401\t-76.4\t"
    b"-76.422\t6.002\t\nO\t-0.0343604951\t 0.9775395708\t 7.6*^-6\t-0.589706\n"
    b"H\t 0.0647664923\t 0.0205721989\t 2.1*^-6\t 0.294853\n"
    b"H\t 0.8717903737\t 1.3007924048\t 0.7*^-6\t 0.294853\n"
    b"1671.4\t3803.6\t3907.7\t\nO\tO\t\nInChI=1S/H2O/h1H2\tInChI=1S/H2O/h1H2\n"
)


def test_records_of_the_original_qm9_archive() -> None:
    found = read_atoms(QM9 + QM9, "dsgdb9nsd_000003.xyz")
    assert [atoms.get_chemical_formula() for atoms in found] == ["H2O", "H2O"]
    assert found[1].positions[0, 2] == 7.6e-6
    assert "line 6" in refusal(QM9.replace(b"InChI=1S/H2O/h1H2\tInChI", b"and more"), "a.xyz")


def test_statements_of_version_3000_go_on_after_a_dash() -> None:
    long = V3000.replace(b"2 H 0 0.763 -0.477 0", b"2 H 0 0.76-\nM  V30 3 -0.477 -\nM  V30 0 CHG=1")
    np.testing.assert_array_equal(
        read_atoms(long, "a.mol")[0].positions, read_atoms(V3000, "a.mol")[0].positions
    )
    assert "element" in refusal(V3000.replace(b"H 0 -0.763 -0.477 0", b"-"), "a.mol")


FLAT = MOL.replace(b"0.1190", b"0.0000").replace(b"-0.4770", b" 0.0000")
FLAT = FLAT.replace(b"    0.0000    0.7630", b"    0.5000    0.7630")
BARE = FLAT.replace(b" H ", b" C ")


@pytest.mark.parametrize("flat", [FLAT, BARE, BARE.replace(b" O ", b" N ")])
@pytest.mark.parametrize("said", ["2D", "3D", "  "])
def test_a_drawing_is_refused_and_a_flat_molecule_is_not(flat: bytes, said: str) -> None:
    data = flat.replace(b"  made by hand", f"  prog    0101000000{said}".encode())
    if said == "2D" or (said == "  " and b" H " not in flat):
        message = refusal(MOL + b"$$$$\n" + data, "a.sdf")
        assert "flat drawing" in message
        assert "line 12" in message
    else:
        assert len(read_atoms(data, "a.sdf")[0]) == 3


def test_2d_with_depth_is_a_molecule() -> None:
    data = MOL.replace(b"  made by hand", b"  prog    01010000002D")
    assert len(read_atoms(data, "a.mol")[0]) == 3


SITES = CIF.replace(
    b"_atom_site_fract_x", b"_atom_site_type_symbol\n_atom_site_occupancy\n_atom_site_fract_x"
)


def crystal(*sites: str, text: bytes = SITES) -> bytes:
    return text.split(b"Na 0 0 0")[0] + "\n".join(sites).encode() + b"\n"


@pytest.mark.parametrize(
    ("sites", "word"),
    [
        (("Na1 Na 0.5 0 0 0", "Cl1 Cl 1 0.5 0.5 0.5"), "occupancy of 0.5 at 'Na1'"),
        (("Na1 Na 0.95(1) 0 0 0",), "occupancy of 0.95"),
        (("Na1 Na 2 0 0 0",), "occupancy of 2"),
        (("Na1 Na 1 0 0 0", "K1 K 1 0 0 0"), "'Na1' and 'K1'"),
        (("Na1 Na 1 0 0 0", "K1 K 1 0.5 0.5 0"), "'Na1' and 'K1'"),  # by the centring of the cell
        (("Na1 Na 1 0 0 0", "K1 K 1 1.0001 0 0"), "'Na1' and 'K1'"),
    ],
)
def test_sites_that_atoms_share_are_refused(sites: tuple[str, ...], word: str) -> None:
    assert word in refusal(crystal(*sites), "a.cif")


def test_whole_sites_are_read_with_the_same_atom_listed_twice() -> None:
    sites = ("Na1 Na1+ 1.000 0 0 0", "Na2 Na . 0.5 0.5 0", "Cl1 CL ? 0.5 0.5 0.5")
    assert read_atoms(crystal(*sites), "a.cif")[0].get_chemical_formula() == "Cl4Na4"


def test_a_disorder_with_alternatives_is_refused() -> None:
    text = SITES.replace(b"_atom_site_occupancy", b"_atom_site_disorder_group")
    assert "disorder" in refusal(crystal("C1 C 1 0 0 0", "C2 C 2 0.1 0 0", text=text), "a.cif")
    assert len(read_atoms(crystal("C1 C . 0 0 0", text=text), "a.cif")[0]) == 4


@pytest.mark.parametrize(
    ("label", "symbol"), [("CL1", "Cl"), ("Cl1A", "Cl"), ("O1W", "O"), ("Ow1", "O"), ("H1'", "H")]
)
def test_labels_of_sites_tell_the_element(label: str, symbol: str) -> None:
    (found,) = read_atoms(crystal(f"{label} 0 0 0", text=CIF), "a.cif")
    assert set(found.get_chemical_symbols()) == {symbol}


def test_a_label_with_two_readings_and_a_row_cut_short_are_refused() -> None:
    assert "_atom_site_type_symbol" in refusal(crystal("HG11 0 0 0", text=CIF), "a.cif")
    assert "Wrong number" in refusal(CIF + b"K 0.1 0.2 0.3 0.4\n", "a.cif")


def test_one_frame_of_a_trajectory_of_any_length(tmp_path: Path) -> None:
    path = tmp_path / "long.xyz"
    with path.open("wb") as file:
        for _ in range(60):
            file.write(WATER * 4_000)
    assert path.stat().st_size > MAX_BYTES
    assert read(path).positions.shape == (3, 3)
    assert read(WATER * (MAX_FRAMES + 1), "a.xyz").positions.shape == (3, 3)
    assert len(first_atoms(WATER * 5, "a.xyz", 3)) == 3
    assert read(WATER + b"broken", "a.xyz").positions.shape == (3, 3)
    with pytest.raises(InputError, match="10 MB"):
        read_atoms(path)


@pytest.mark.parametrize(
    ("comment", "said"),
    [
        ('Lattice="9 0 0 0 9 0 0 0 9"', 1),
        ('Lattice="9 0 0 0 9 0 0 0 9" pbc="T F F"', 1),
        ('Lattice="9 0 0 0 9 0 0 0 9" pbc="F F F"', 0),
        ("water", 0),
    ],
)
def test_a_cell_that_no_model_uses_is_said(comment: str, said: int) -> None:
    with heard() as remarks:
        read(WATER.replace(b"water", comment.encode()), "a.xyz")
    assert len(remarks) == said
    assert all("periodic cell" in text for text in remarks)


@pytest.mark.parametrize("far", [0, 99, 101, 1e4])
def test_places_far_from_the_origin_are_said(far: float) -> None:
    rows = "".join(f"H {far} 0 {i}\n" for i in range(2))
    with heard() as said:
        read(f"2\n\n{rows}".encode(), "a.xyz")
    assert bool(said) == (far > 100)
    assert all("float32" in text for text in said)
