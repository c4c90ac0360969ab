"""`demetar diagnose`: one JSON document, a report, one sentence for bad input."""

import json

import pytest

from demetar.cli import main

WATER = "3\nwater\nO 0 0 0\nH 0.96 0 0\nH -0.24 0.93 0\n"


@pytest.fixture
def water(small_home, monkeypatch, tmp_path):
    """A file, and the small runs as the project's."""
    monkeypatch.setenv("DEMETAR_HOME", str(small_home))
    file = tmp_path / "water.xyz"
    file.write_text(WATER)
    return str(file)


def test_the_document_has_the_cause_and_its_evidence(water, capsys):
    assert main(["diagnose", "egnn-qm9-homo", water, "--json", "--seconds", "500"]) == 0
    out = capsys.readouterr().out
    document = json.loads(out)
    assert list(document) == [
        "cause",
        "sentence",
        "evidence",
        "evaluations",
        "seconds",
        "runner_up",
    ]
    assert document["cause"] == "sound"
    assert document["evaluations"] > 100


def test_a_run_that_claims_less_is_unconstrained(water, capsys):
    assert main(["diagnose", "set_transformer-qm9-homo", water, "--seconds", "500"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("# unconstrained")
    assert "| groups |" in out
    assert (
        main(
            [
                "diagnose",
                "set_transformer-qm9-homo",
                water,
                "--group",
                "S_n",
                "--json",
                "--seconds",
                "500",
            ]
        )
        == 0
    )
    assert json.loads(capsys.readouterr().out)["cause"] == "sound"


@pytest.mark.parametrize(
    "wrong",
    [["none", "x.xyz"], ["egnn-qm9-homo", "none.xyz"], ["egnn-qm9-homo", "x", "--seconds", "0"]],
)
def test_bad_input_is_one_sentence(water, capsys, wrong):
    assert main(["diagnose", *wrong]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "Expected" in err
