"""Each fault that can be switched on: its parts, fingerprint and cause, and that it can be taken back."""

import jax
import numpy as np
import pytest

from demetar.core.errors import InputError
from demetar.core.padding import pad
from demetar.diagnosis import faults
from demetar.diagnosis.asked import Asked
from demetar.diagnosis.diagnose import diagnose
from demetar.diagnosis.evidence.aimed import aimed
from demetar.diagnosis.evidence.gradients import gradients
from demetar.diagnosis.evidence.groups import groups
from demetar.diagnosis.evidence.laws import laws
from demetar.diagnosis.evidence.orientation import orientation
from demetar.diagnosis.evidence.precision import precision
from demetar.diagnosis.evidence.rebuilt import rebuilt
from demetar.diagnosis.evidence.repeatability import repeatability
from demetar.diagnosis.evidence.smoothness import smoothness
from demetar.diagnosis.evidence.stairs import stairs
from demetar.diagnosis.evidence.turns import turns
from demetar.diagnosis.moves import Ruler
from demetar.diagnosis.verdict import MADE, MARKS, decide
from tests.support import plain

WORDS = faults.names()
MOLECULES = plain.molecules()
MEASURED = {
    "repeatability": lambda asked, ruler: repeatability(asked),
    "groups": groups,
    "rounding inside": stairs,
    "precision ladder": lambda a, r: precision(a, r, ("float32",)),
    "aimed elements": aimed,
    "other laws": laws,
    "turns that hold": turns,
    "graph built again": rebuilt,
    "gradient": lambda asked, ruler: gradients(asked),
    "orientation spectrum": orientation,
    "smoothness": smoothness,
}
OF_ROWS = (  # what looks at rows of nodes or edges, or sums over them
    "atom-order", "axis-mean", "neighbour-limit", "nonconservative", "permuted-output",
    "singular-direction", "unconstrained", "vector-bias", "wrong-gradient",
)  # fmt: skip


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


def marks_of(word, measured):
    """The marks of the small model with that fault, by the pieces of evidence of these names."""
    asked = Asked(faults.make(word), MOLECULES["CHFClBr"])
    ruler = None if measured == ["repeatability"] else Ruler(asked)  # whose calls are a history too
    return {k: v for name in measured for k, v in MEASURED[name](asked, ruler).marks.items()}


@pytest.mark.parametrize("word", WORDS)
def test_a_fault_leaves_its_fingerprint(word):
    """By the evidence that makes these marks; benchmarks/diagnosis.py takes all, on three molecules."""
    expected = faults.load(word).fingerprint
    marks = marks_of(word, [name for name, made in MADE.items() if made & set(expected)])
    assert {k: marks.get(k, False) for k in expected} == expected


@pytest.mark.parametrize("word", WORDS)
def test_a_fingerprint_is_enough_to_name_the_fault(word):
    assert decide(faults.load(word).fingerprint)[0] == word


@pytest.mark.parametrize("word", ["sound", "wrong-gradient"])
def test_all_evidence_together_gives_the_word(word):
    """Tetrahedral methane, which hides an error best."""
    f = faults.sound() if word == "sound" else faults.load(word).make()
    found = diagnose(f, MOLECULES["methane"], seconds=1000)
    assert found.cause == word, found.report()


def test_taking_a_fault_back_gives_the_same_digits():
    graph = MOLECULES["CHFClBr"]
    before = answers(faults.make(), graph)
    broken = answers(faults.make("vector-bias", "axis-order"), graph)
    after = answers(faults.make(), graph)
    assert faults.make() is faults.sound()
    for name, rows in before.items():
        assert np.array_equal(rows, after[name])
        assert not np.allclose(rows, broken[name])


def test_two_faults_at_one_place_come_one_after_the_other():
    graph = MOLECULES["CHFClBr"]
    one = answers(faults.make("vector-bias"), graph)
    other = answers(faults.make("per-axis-gain"), graph)
    both = answers(faults.make("vector-bias", "per-axis-gain"), graph)
    assert not np.allclose(both["dipole"], one["dipole"])
    assert not np.allclose(both["dipole"], other["dipole"])


@pytest.mark.parametrize("word", ["", *OF_ROWS])
def test_padding_changes_nothing(word):
    """The explorer measures padded systems."""
    graph = MOLECULES["CHFClBr"]
    f = faults.make(word) if word else faults.sound()
    plain_rows, padded = answers(f, graph), answers(f, pad(graph))
    for name, rows in plain_rows.items():
        np.testing.assert_allclose(padded[name][: len(rows)], rows, rtol=1e-9, atol=1e-12)


def test_an_unknown_fault_is_answered_with_the_closest():
    with pytest.raises(InputError, match="did you mean 'parity'"):
        faults.load("paritty")
