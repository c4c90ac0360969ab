"""Comment lines of extended XYZ: what belongs to which key, and never anything but InputError."""

import io
import time

import ase
import ase.io
import numpy as np
import pytest
from ase.io.extxyz import key_val_dict_to_str
from hypothesis import given, settings
from hypothesis import strategies as st

from demetar.core.errors import InputError
from demetar.data.readers.comments import MAX_COMMENT, PLAIN, Comment, pairs, words_of


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("water", [("water", None)]),
        ("energy=-1.5", [("energy", "-1.5")]),
        ("energy = -1.5 done", [("energy", "-1.5"), ("done", None)]),
        ("a=1\tb=2", [("a", "1"), ("b", "2")]),
        ('note="guess energy=5 eV" energy=-76', [("note", "guess energy=5 eV"), ("energy", "-76")]),
        ("note='guess energy=5' energy=-76", [("note", "guess energy=5"), ("energy", "-76")]),
        (r'note="a \"quoted\" energy=5" e=1', [("note", 'a "quoted" energy=5'), ("e", "1")]),
        (r'path="C:\\run\\" energy=1', [("path", "C:\\run\\"), ("energy", "1")]),
        ("d=[0.1, 0.2, 0.3] e=1", [("d", "[0.1, 0.2, 0.3]"), ("e", "1")]),
        ("d=[[1, 2], [3, 4]] e=1", [("d", "[[1, 2], [3, 4]]"), ("e", "1")]),
        ('m={"a]": {"energy=5": [1]}} e=1', [("m", '{"a]": {"energy=5": [1]}}'), ("e", "1")]),
        ("d={0.1 0.2 0.3}", [("d", "{0.1 0.2 0.3}")]),
        ('"my key"=3 x', [("my key", "3"), ("x", None)]),
        ('"flag with energy=5" e=1', [("flag with energy=5", None), ("e", "1")]),
        ("Energie_µ=2 κλειδί=3", [("Energie_µ", "2"), ("κλειδί", "3")]),
        ("a= b=3", [("a", ""), ("b", "3")]),
        ("water's energy=1 it's", [("water's", None), ("energy", "1"), ("it's", None)]),
        ("'tis energy=1", [("'tis", None), ("energy", "1")]),
        ('open="runs on energy=1', [("open", "runs on energy=1")]),
        ("open=[1, 2 energy=1", [("open", "[1, 2 energy=1")]),
        ("= =1 e=2", [("e", "2")]),
    ],
)
def test_each_value_belongs_to_its_key(text, found):
    assert pairs(text) == found


def test_what_ase_writes_is_told_apart():
    """ASE's own writer of comments, with texts and arrays that its quoting must protect."""
    said = {
        "energy": -76.25,
        "note": 'a "b" energy=5 \\ c',
        "on": True,
        "dipole": np.array([0.1, 0.2, 0.3]),
        "nested": {"energy": 5.0, "list": [1, 2]},
        "words": np.array(["x", "y"]),
    }
    comment = Comment(key_val_dict_to_str(said), 2)
    assert comment.numbers("energy", 1) == [-76.25]
    assert comment.numbers("dipole", 3) == [0.1, 0.2, 0.3]
    assert comment.get("note") == said["note"]
    assert comment.keys() == list(said)


def test_the_cell_is_that_of_ase():
    atoms = ase.Atoms("He", cell=[[3, 0, 0], [1, 4, 0], [0.5, 0.25, 5]], pbc=[True, False, True])
    text = io.StringIO()
    ase.io.write(text, atoms, format="extxyz")
    cell, pbc = Comment(text.getvalue().split("\n")[1], 2).cell()
    assert cell is not None
    assert np.array_equal(cell, atoms.cell)
    assert pbc == (True, False, True)


@pytest.mark.parametrize(
    ("text", "pbc"),
    [
        ('Lattice="8 0 0 0 8 0 0 0 8"', (True, True, True)),
        ('Lattice="8 0 0 0 8 0 0 0 8" pbc="F F F"', (False, False, False)),
        ("Lattice=[[8,0,0],[0,8,0],[0,0,8]] pbc=[false, true, false]", (False, True, False)),
        ("lattice={8 0 0 0 8 0 0 0 8} PBC=F", (False, False, False)),
        ('Lattice="_JSON [8,0,0,0,8,0,0,0,8]" pbc="1 0 1"', (True, False, True)),
    ],
)
def test_a_cell_repeats_as_it_says(text, pbc):
    cell, found = Comment(text, 2).cell()
    assert cell is not None
    assert np.array_equal(cell, 8 * np.eye(3))
    assert found == pbc


def test_a_word_is_no_cell():
    assert Comment("Lattice = fcc", 2).cell() == (None, (False, False, False))
    assert Comment("Properties of water", 2).layout() is PLAIN


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("energy=1 energy=2", "once"),
        ("REF_energy=1 gap=2", "the keys REF_energy, gap"),
        ("water", "no key"),
        ("energy", "no key"),
        ('energy="1 2"', "'1 2'"),
        ("energy=1,5", "'1,5'"),
        ('energy="_JSON {\\"value\\": 1}"', "_JSON"),
        ("energy=low", "'low'"),
        ("energy=true", "'true'"),
    ],
)
def test_a_number_that_is_none_shows_its_text(text, said):
    with pytest.raises(
        InputError, match=r"^Expected .* in line 7, got .*; correct it\.$"
    ) as caught:
        Comment(text, 7).numbers("energy", 1)
    assert said in str(caught.value)


@pytest.mark.parametrize("text", ['energy="_JSON -76.5"', "energy=-7.65D+01", "energy=-7.65*^1"])
def test_numbers_in_other_words(text):
    assert Comment(text, 2).numbers("energy", 1) == [-76.5]


def test_columns_keep_their_names_and_places():
    said = "Properties=species:S:1:pos:R:3:lammps-q:R:1:f.x:R:3:kräfte:R:3"
    layout = Comment(said, 2).layout()
    assert [str(c) for c in layout.columns[2:]] == ["lammps-q:R:1", "f.x:R:3", "kräfte:R:3"]
    assert [c.start for c in layout.columns] == [0, 1, 4, 5, 8]
    assert layout.total == 11
    assert layout.named("F.X") == layout.columns[3]
    assert layout.named("q") is None


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ("species:S:1:pos:R", "name:kind:count"),
        ("species:S:1:pos:R:3:forces:R:3:forces:R:3", "twice"),
        ("species:S:1:pos:R:3:x:Q:1", "kinds"),
        ("species:S:1:pos:R:0", "999"),
        ("species:S:1:pos:R:2", "pos:R:3"),
        ("pos:R:3", "species:S:1"),
        ("", "name:kind:count"),
    ],
)
def test_columns_that_make_no_sense_are_refused(said, word):
    with pytest.raises(InputError, match="line 2") as caught:
        Comment(f'Properties="{said}"', 2).layout()
    assert word in str(caught.value)


def test_a_long_comment_is_refused_rather_than_cut():
    with pytest.raises(InputError, match="characters"):
        Comment("x" * MAX_COMMENT + " energy=1", 2)
    assert Comment("x" * (2 * MAX_COMMENT), 2).keys() == []


@pytest.mark.parametrize(
    "part", ['"', "'", "[", "{", "[ ", "\\", '\\" ', "a=", "=", '"a ', "'\\ ", "]", "a ["]
)
def test_reading_takes_linear_time(part):
    text = part * (MAX_COMMENT // len(part))
    began = time.perf_counter()
    pairs(text)
    assert time.perf_counter() - began < 1.0  # quadratic: minutes


ODD = st.text(alphabet="ab1 =\t\"'[]{},\\:.-_é\n", max_size=60)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(ODD)
def test_any_text_is_told_apart_without_an_error(text):
    comment = Comment(text, 2)
    for key, value in comment.pairs:
        assert key
        assert value is None or isinstance(words_of(value), list)
    for ask in (comment.layout, comment.cell, lambda: comment.numbers("a", 1)):
        try:
            ask()
        except InputError as error:
            assert "\n" not in str(error)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.text(max_size=40), st.floats(-1e9, 1e9))
def test_no_quoted_text_hides_or_makes_a_label(words, energy):
    quoted = words.replace("\\", "\\\\").replace('"', '\\"')
    for text in (f'note="{quoted}" energy={energy!r}', f'energy={energy!r} note="{quoted}"'):
        comment = Comment(text, 2)
        assert comment.numbers("energy", 1) == [energy]
        assert comment.get("note") == words
