"""`demetar data`: what is listed, shown and fetched, and one sentence for what cannot be."""

import json

import numpy as np
import pytest

from demetar.cli import main
from demetar.core import registry
from demetar.data import describe
from tests.support import miniatures


@pytest.fixture
def root(mirror, monkeypatch, tmp_path):
    """An empty data folder; rMD17 and 3BPA stand, small, at the address that is asked."""
    miniatures.serve(mirror, monkeypatch)
    monkeypatch.setenv("DEMETAR_DATA", str(tmp_path))
    return tmp_path


def document(capsys, *arguments):
    assert main(["data", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_list_names_every_set_and_whether_it_is_here(root, capsys):
    rows = {row["name"]: row for row in document(capsys, "list")}
    assert list(rows) == registry.names("datasets")
    assert not rows["rmd17"]["here"]
    assert rows["rmd17"]["licence"] == "CC0"


def test_show_brings_nothing_and_says_how_to_get_it(root, capsys, mirror):
    about = document(capsys, "show", "rmd17", "--option", "molecule=uracil")
    assert about["statistics"] is None
    assert about["chosen"] == {"molecule": "uracil", "fold": "1"}
    assert main(["data", "show", "rmd17", "--option", "molecule=uracil"]) == 0
    assert "demetar data get rmd17 --option molecule=uracil" in capsys.readouterr().out
    assert mirror.asked == []
    assert not list(root.iterdir())


def test_get_then_show_gives_the_spread_of_labels(root, capsys):
    got = document(capsys, "get", "rmd17", "--option", "molecule=uracil")
    assert got["systems"] == {"train": 950, "valid": 50, "test": 1000}
    about = document(capsys, "show", "rmd17", "--option", "molecule=uracil")
    rmd17 = registry.load("datasets", "rmd17")
    data = rmd17.systems("train", molecule="uracil")
    for name, values in (("energy", data.targets), ("forces", data.forces)):
        row, values = about["statistics"][name], np.asarray(values, np.float64)
        assert row["mean"] == pytest.approx(values.mean())
        assert row["std"] == pytest.approx(values.std())
        assert (row["min"], row["max"]) == (values.min(), values.max())
        assert sum(row["histogram"]["counts"]) == values.size
        assert len(row["histogram"]["edges"]) == len(row["histogram"]["counts"]) + 1
    assert about["statistics"]["forces"]["unit"] == "meV/Å"
    assert about["splits"] == got["systems"]
    assert main(["data", "show", "rmd17", "--option", "molecule=uracil"]) == 0
    said = capsys.readouterr().out
    for part in ("CC0", "Christensen", "meV/Å", "Option fold", "train: 950", str(root)):
        assert part in said


def test_only_the_note_of_the_chosen_variant_is_said(root, capsys):
    notes = registry.load("datasets", "nbody").ABOUT.notes
    assert main(["data", "show", "nbody", "--option", "variant=clean"]) == 0
    said = capsys.readouterr().out
    assert notes["clean"] in said
    assert notes["published"] not in said


def test_equal_values_have_a_histogram_too():
    assert sum(describe.spread(np.full(7, -4e6))["histogram"]["counts"]) == 7
    assert sum(describe.spread(np.zeros(3))["histogram"]["counts"]) == 3


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("get", "rmd18"), "rmd17"),
        (("get",), "name"),
        ((), "action"),
        (("fly",), "an action among list"),
        (("show", "rmd17", "--option", "molecules=ethanol"), "did you mean 'molecule'"),
        (("show", "rmd17", "--option", "molecule"), "key=value"),
        (("get", "rmd17", "--option", "molecule=water"), "ethanol"),
        (("get", "rmd17", "--option", "fold=6"), "fold"),
        (("get", "nbody", "--option", "fold=6"), "variant"),
    ],
)
def test_what_cannot_be_is_one_sentence(root, capsys, arguments, word):
    assert main(["data", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert word in err


def test_offline_is_one_sentence_with_the_place_for_the_file(root, capsys, mirror):
    mirror.close()
    assert main(["data", "get", "rmd17"]) == 2
    err = capsys.readouterr().err
    assert str(root / "rmd17" / "rmd17.tar.bz2") in err
    assert err.count("\n") == 1
