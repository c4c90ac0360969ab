"""The audit names each seeded fault, calls what is sound sound, and keeps to its budget."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones

from demetar.core.errors import InputError
from demetar.diagnosis.audit import audit
from demetar.diagnosis.audit.evidence.noise import noise
from demetar.diagnosis.audit.seeded import FAULTS, Potential, faulty
from demetar.diagnosis.audit.seeded.faults import PERIODIC
from demetar.diagnosis.causes import CAUSES

WATER = molecule("H2O")
SALT = bulk("NaCl", "rocksalt", a=5.64, cubic=True)
LAWS = (
    "vector-norm",
    "mean-subtraction",
    "per-axis-gain",
)  # known by their forces, behind a sound energy
ONE = [(cause, list(v)[-1 if cause in LAWS else 0]) for cause, v in FAULTS.items()]


@pytest.mark.parametrize("cause, variant", ONE)
def test_a_fault_is_named(cause: str, variant: str) -> None:
    """One variant of each; benchmarks/audit.py has all, on three structures."""
    found = audit(FAULTS[cause][variant], SALT if cause in PERIODIC else WATER)
    assert found.cause == cause, found.sentence
    assert found.complete
    assert found.evaluations > 0


@pytest.mark.parametrize("atoms", [WATER, molecule("CH4"), molecule("CO2"), SALT], ids=str)
def test_a_sound_potential_is_sound(atoms: Atoms) -> None:
    found = audit(Potential, atoms)
    assert found.cause == "sound", found.sentence
    assert not [f.name for f in found.findings if f.broken]


@pytest.mark.parametrize("atoms", [bulk("Cu", cubic=True), WATER], ids=["crystal", "molecule"])
def test_effective_medium_theory_is_sound(atoms: Atoms) -> None:
    assert audit(EMT, atoms).cause == "sound"


def test_a_cutoff_with_a_shift_alone_is_a_kink_and_a_smooth_one_is_not() -> None:
    argon = bulk("Ar", a=5.3, cubic=True)
    argon.pbc = False
    argon.rattle(0.1)
    shifted = audit(LennardJones(sigma=3.4, epsilon=0.01, rc=8), argon)
    smooth = audit(LennardJones(sigma=3.4, epsilon=0.01, rc=8, ro=6, smooth=True), argon)
    assert (shifted.cause, smooth.cause) == ("force-kink", "sound")
    assert shifted.smallest is not None
    assert shifted.smallest["atoms"] == 2
    assert shifted.smallest["distance"] == pytest.approx(8, abs=1e-4)


def test_words_are_of_the_vocabulary() -> None:
    assert set(FAULTS) <= set(CAUSES)


def test_an_unknown_fault_is_refused_with_the_closest() -> None:
    with pytest.raises(InputError, match="vector-bias"):
        faulty("vector-bia")


def test_a_rotation_fault_is_shrunk_to_a_pair() -> None:
    found = audit(faulty("per-axis-gain"), molecule("CH3OH"))
    assert found.smallest is not None
    assert found.smallest["atoms"] == 2


def test_a_budget_is_kept_and_said_before() -> None:
    said: list[str] = []
    found = audit(Potential, WATER, evaluations=100, say=said.append)
    assert not found.complete
    assert found.cause == "not known", "what was not looked at is not sound"
    assert found.evaluations <= 104
    assert re.search(r"About \d+ evaluations of 3 atoms, at most 100", said[0])


class Interrupted(Potential):
    """Ctrl-C is pressed at the three-hundredth question."""

    count = 0

    def finish(self, atoms: Any, results: dict[str, Any]) -> dict[str, Any]:
        self.count += 1
        if self.count == 300:
            raise KeyboardInterrupt
        return {**results, "forces": results["forces"] + 0.02}


def test_an_interrupt_gives_what_there_is() -> None:
    found = audit(Interrupted(), WATER)
    assert not found.complete
    assert found["rotation"].broken


def test_noise_is_measured_beside_a_smooth_slope() -> None:
    rng = np.random.default_rng(0)
    x = 1e-3 * np.arange(10)
    smooth = np.sin(3 * x) + 40
    assert noise(smooth) < 1e-13
    found = np.median([noise(smooth + 1e-6 * rng.standard_normal(10)) for _ in range(50)])
    assert 3e-7 < found < 2e-6


@pytest.mark.parametrize("cause", ["vector-bias", "force-kink"])
def test_reports_are_whole_and_load_nothing(cause: str) -> None:
    found = audit(faulty(cause), WATER)
    document = json.loads(found.report("json"))
    assert {"cause", "sentence", "evidence", "evaluations", "seconds"} <= set(document)
    page = found.report("html")
    assert cause in page
    assert page.count("<svg") >= 3
    assert not re.search(r"https?://|src=|<script|<link|@import|url\(", page)
    assert f": {cause}\n" in found.report()
    with pytest.raises(InputError, match="html"):
        found.report("pdf")


def test_a_calculator_without_forces_is_audited_by_its_energy() -> None:
    class EnergyOnly(Potential):
        implemented_properties = ["energy"]

        def finish(self, atoms: Any, results: dict[str, Any]) -> dict[str, Any]:
            return {"energy": results["energy"] + 1e-3 * float(atoms.positions[:, 0].sum())}

    assert audit(EnergyOnly, WATER).cause == "absolute-position"


def test_what_cannot_be_asked_is_told_in_a_sentence() -> None:
    class Broken(Potential):
        def finish(self, atoms: Any, results: dict[str, Any]) -> dict[str, Any]:
            raise RuntimeError("no parameters for oxygen")

    with pytest.raises(InputError, match="no parameters for oxygen"):
        audit(Broken, WATER)
    with pytest.raises(InputError, match="got none"):
        audit(Potential, Atoms())
