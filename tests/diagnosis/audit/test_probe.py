"""What a calculator can be asked for, and what of it fails, is learnt from one structure."""

from typing import Any

import numpy as np
import pytest
from ase.build import molecule
from ase.calculators.calculator import Calculator, PropertyNotImplementedError, all_changes

from demetar.diagnosis.audit.evidence.noise import precision
from demetar.diagnosis.audit.probe import Probe
from demetar.diagnosis.audit.report import html, markdown
from demetar.diagnosis.audit.run import audit
from demetar.diagnosis.audit.seeded import Potential


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


class Coarse(Potential):
    """An energy of few digits, as sums in float16 have; its forces are whole."""

    coarse = 0.0

    def finish(self, atoms: Any, results: dict[str, Any]) -> dict[str, Any]:
        jitter = self.coarse * abs(results["energy"]) * np.sin(1e9 * atoms.positions).mean()
        energy = results["energy"] + jitter
        return {**results, "energy": energy, "free_energy": energy}


@pytest.mark.parametrize(("coarse", "word"), [(0.0, "float64"), (1e-8, "float64"), (1e-3, "low")])
def test_an_energy_of_few_digits_is_seen_beside_smooth_forces(coarse: float, word: str) -> None:
    made = Coarse()
    made.coarse = coarse
    probe, atoms = Probe(made, None), molecule("CH3CH2OH")
    atoms.rattle(0.05, seed=1)
    probe.explore(atoms)
    assert precision(probe, atoms, np.random.default_rng(0)).word == word
