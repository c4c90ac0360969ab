"""Each fault that can be switched on: its parts, fingerprint and cause, and that it can be taken back."""

import ase.build
import jax
import numpy as np
import pytest

from demetar.core.errors import InputError
from demetar.core.graph import from_atoms
from demetar.core.padding import pad
from demetar.diagnosis import faults
from demetar.diagnosis.diagnose import diagnose
from demetar.diagnosis.verdict import MARKS
from tests.support import plain

WORDS = faults.names()
MOLECULES = plain.molecules()
TURNS = ("ethanol", "CHFClBr", "methane")  # all three in benchmarks/diagnosis.py; here one a fault
OFF_AT_CALL = {"nondeterministic", "stale-state"}  # seen by calling, not inside a compiled function


def answers(f, graph):
    with jax.enable_x64(True):
        return {k: np.asarray(v.array) for k, v in f(graph).values.items()}


@pytest.mark.parametrize("word", WORDS)
def test_a_fault_has_its_parts(word):
    fault = faults.load(word)
    assert fault.report.endswith("."), f"end the REPORT of {word} with a full stop"
    assert fault.source == "" or fault.source.startswith("https://"), f"give {word} its SOURCE"
    assert fault.fingerprint, f"give {word} a FINGERPRINT"
    unknown = set(fault.fingerprint) - set(MARKS)
    assert not unknown, f"{word}: {unknown} are no marks of demetar.diagnosis.verdict"
    assert any(fault.fingerprint.values()), f"{word}: say what it leaves"


@pytest.mark.slow
@pytest.mark.parametrize("word", WORDS)
def test_a_fault_leaves_its_fingerprint_and_is_named(word):
    molecule = MOLECULES[TURNS[WORDS.index(word) % 3]]
    found = diagnose(faults.load(word).make(), molecule, seconds=1000)
    marks = {k: v for e in found.evidence for k, v in e.marks.items()}
    expected = faults.load(word).fingerprint
    assert {k: marks.get(k, False) for k in expected} == expected
    assert found.cause == word, found.report()


@pytest.mark.slow
@pytest.mark.parametrize("formula", ["CH3CH2OH", "CH4", "C6H6"])
def test_the_small_model_is_sound(formula):
    found = diagnose(faults.sound(), from_atoms(ase.build.molecule(formula)), seconds=1000)
    assert found.cause == "sound", found.report()


def test_taking_a_fault_back_gives_the_same_digits():
    graph = MOLECULES["ethanol"]
    before = answers(faults.make(), graph)
    broken = answers(faults.make("vector-bias", "axis-order"), graph)
    after = answers(faults.make(), graph)
    assert faults.make() is faults.sound()
    for name, rows in before.items():
        assert np.array_equal(rows, after[name])
        assert not np.allclose(rows, broken[name])


def test_two_faults_at_one_place_come_one_after_the_other():
    graph = MOLECULES["ethanol"]
    one = answers(faults.make("vector-bias"), graph)
    other = answers(faults.make("per-axis-gain"), graph)
    both = answers(faults.make("vector-bias", "per-axis-gain"), graph)
    assert not np.allclose(both["dipole"], one["dipole"])
    assert not np.allclose(both["dipole"], other["dipole"])


@pytest.mark.parametrize("word", ["", *sorted(set(WORDS) - OFF_AT_CALL)])
def test_padding_changes_nothing(word):
    """The explorer measures padded systems."""
    graph = MOLECULES["methane"]
    f = faults.make(word) if word else faults.sound()
    plain_rows, padded = answers(f, graph), answers(f, pad(graph))
    for name, rows in plain_rows.items():
        np.testing.assert_allclose(padded[name][: len(rows)], rows, rtol=1e-9, atol=1e-12)


def test_an_unknown_fault_is_answered_with_the_closest():
    with pytest.raises(InputError, match="did you mean 'parity'"):
        faults.load("paritty")
