"""What a calculator can be asked for, and what of it fails, is learnt from one structure."""

from typing import Any

import pytest
from ase.build import molecule
from ase.calculators.calculator import Calculator, PropertyNotImplementedError, all_changes

from demetar.diagnosis.audit.probe import Probe
from demetar.diagnosis.audit.report import html, markdown
from demetar.diagnosis.audit.run import audit


class Energies(Calculator):
    """Energies alone; whatever else it declares fails in the given way."""

    def __init__(self, declared: list[str], error: Exception) -> None:
        super().__init__()
        self.implemented_properties = ["energy", *declared]
        self.error = error

    def calculate(
        self, atoms: Any = None, properties: Any = ("energy",), system_changes: Any = all_changes
    ) -> None:
        super().calculate(atoms, properties, system_changes)
        if "energy" not in properties:
            raise self.error
        self.results = {"energy": 1.0}


@pytest.mark.parametrize(
    ("declared", "error", "told"),
    [
        (["forces", "dipole"], ValueError("no grid"), ["forces: ValueError: no grid", "dipole: "]),
        ([], PropertyNotImplementedError("forces"), []),
    ],
)
def test_what_is_declared_and_fails_is_named(
    declared: list[str], error: Exception, told: list[str]
) -> None:
    probe = Probe(Energies(declared, error), None)
    probe.explore(molecule("H2O"))
    assert not probe.has_forces
    assert len(probe.refusals) == len(told)
    for text in told:
        assert any(refusal.startswith(text) for refusal in probe.refusals)


def test_the_report_says_what_could_not_be_asked() -> None:
    found = audit(Energies(["forces"], ValueError("no <grid>")), molecule("H2O"), evaluations=60)
    assert "no <grid>" in markdown(found)
    assert "no &lt;grid&gt;" in html(found)
