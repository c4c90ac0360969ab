"""Calculators and functions come from objects, factories and files; errors name file, line and shapes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase.build import molecule
from ase.calculators.emt import EMT

import demetar
from demetar.cli import main
from demetar.core.errors import InputError
from demetar.diagnosis.audit.load import as_calculator, named
from demetar.testing import arrays_function

FILE = """
from ase.calculators.emt import EMT

class Tilted(EMT):
    def calculate(self, *args, **kwargs):
        super().calculate(*args, **kwargs)
        self.results["forces"] = self.results["forces"] + 0.02

def make(size=3):
    return Tilted()

ready = Tilted()
number = 3
def two(a, b): return EMT()
"""
OUTPUTS = {"energy": "1x0e per graph", "forces": "1x1o per node"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(FILE)
    return path


@pytest.mark.parametrize("name", ["Tilted", "make", "ready"])
def test_classes_factories_and_objects_are_taken(name: str, file: Path) -> None:
    calculator, factory = as_calculator(named(f"{file}:{name}"))
    assert isinstance(calculator, EMT)
    assert (factory is None) == (name == "ready")


@pytest.mark.parametrize(
    "text, words",
    [
        ("mine.py", "FILE.py:NAME"),
        ("none.py:x", "got none"),
        ("{file}:Tilde", "Tilted"),
        ("{file}:", "FILE.py"),
    ],
)
def test_wrong_places_are_told(text: str, words: str, file: Path) -> None:
    with pytest.raises(InputError, match=words):
        named(text.format(file=file))


@pytest.mark.parametrize(
    "source, line", [("x = 1\nx = y\n", 2), ("a = 1\nb = (\n", 2), ("import nothing_here\n", 1)]
)
def test_a_file_that_does_not_run_is_told_with_its_line(
    source: str, line: int, tmp_path: Path
) -> None:
    path = tmp_path / "bad.py"
    path.write_text(source)
    with pytest.raises(InputError, match=f"in line {line}"):
        named(f"{path}:x")


@pytest.mark.parametrize("name", ["number", "two"])
def test_what_is_no_calculator_is_refused(name: str, file: Path) -> None:
    with pytest.raises(InputError, match="Expected"):
        as_calculator(named(f"{file}:{name}"))


def test_the_command_prints_one_document_and_writes_a_report(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    structure, page = tmp_path / "ethanol.xyz", tmp_path / "out.html"
    molecule("CH3CH2OH").write(structure)
    assert main(["audit", f"{file}:make", str(structure), "--json", "--report", str(page)]) == 0
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert document["cause"] == "vector-bias"
    assert "evaluations of 9 atoms" in err
    assert page.read_text().startswith("<!doctype html>")


@pytest.mark.parametrize(
    "extra", [["--report", "x.pdf"], ["--seconds", "0"], ["--evaluations", "-1"]], ids=str
)
def test_the_command_refuses_in_a_sentence(
    extra: list[str], file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    structure = tmp_path / "water.xyz"
    molecule("H2O").write(structure)
    assert main(["audit", f"{file}:make", str(structure), *extra]) == 2
    assert "Expected" in capsys.readouterr().err
    assert main(["audit", f"{file}:make", str(tmp_path / "none.xyz")]) == 2


def pairs(x: Any, z: Any) -> tuple[Any, Any]:
    d = x[:, None] - x
    weight = np.exp(-(d**2).sum(-1))
    return weight.sum()[None], (d * weight[..., None]).sum(1)


def test_plain_arrays_become_an_output() -> None:
    graph = demetar.from_atoms(molecule("H2O"))
    output = arrays_function(pairs, OUTPUTS)(graph)
    assert np.shape(output["energy"]) == (1, 1)
    assert np.shape(output["forces"]) == (3, 3)


@pytest.mark.parametrize(
    "f, words",
    [
        (
            lambda x, z: (np.zeros(1), np.zeros(3)),
            r"shape \[3, 3\] .* from test_load.py:\d+.* got \[3\]",
        ),
        (lambda x, z: np.zeros(1), "Expected 2 arrays"),
        (lambda x, z: {"energy": np.zeros(1)}, "'forces' too"),
    ],
)
def test_wrong_shapes_name_the_line(f: Any, words: str) -> None:
    graph = demetar.from_atoms(molecule("H2O"))
    with pytest.raises(InputError, match=words):
        arrays_function(f, OUTPUTS)(graph)


def test_a_declaration_without_rows_is_refused() -> None:
    with pytest.raises(InputError, match="per node"):
        arrays_function(pairs, {"energy": "1x0e"})
