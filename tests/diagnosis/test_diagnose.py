"""diagnose(): what it hands back, how it is stopped, what it says of functions that cannot be asked."""

import json

import numpy as np
import pytest

import demetar
from demetar.core.errors import InputError
from demetar.core.output import Kind, Output, Value
from demetar.core.padding import batch
from demetar.diagnosis import faults
from demetar.diagnosis.asked import Asked, Stopped
from demetar.diagnosis.verdict import MADE
from tests.support import plain, strangers

ETHANOL = plain.molecules()["ethanol"]
LONG = 1000.0  # seconds: where a verdict is asked for, however busy the machine is
FIELDS = ["cause", "sentence", "evidence", "evaluations", "seconds", "runner_up"]


def faulty(name):
    return strangers.functions()[name][1]


def test_what_is_handed_back():
    found = demetar.diagnose(faulty("a bias"), ETHANOL, seconds=LONG)
    assert (found.cause, found.runner_up) == ("vector-bias", "mean-subtraction")
    assert "inversion breaks" in found.sentence
    document = json.loads(json.dumps(found.document(), allow_nan=False))
    assert list(document) == FIELDS
    assert sum(e["evaluations"] for e in document["evidence"]) <= document["evaluations"]
    assert {"groups", "turns that hold"} <= {e["name"] for e in document["evidence"]}
    report = found.report()
    assert report.startswith("# vector-bias\n")
    assert "Let layers on vectors have no bias" in report


def test_progress_is_told_and_ends_at_one():
    told = []
    demetar.diagnose(
        plain.bonds,
        ETHANOL,
        seconds=LONG,
        progress=lambda fraction, text: told.append((fraction, text)),
    )
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    assert "smoothness" in {text for _, text in told}


def test_whoever_does_not_want_it_any_more_is_heard():
    asked = []

    def f(graph):
        asked.append(0)
        return plain.bonds(graph)

    with pytest.raises(Stopped):
        demetar.diagnose(f, ETHANOL, seconds=LONG, progress=lambda fraction, text: fraction < 0.1)
    whole = demetar.diagnose(plain.bonds, ETHANOL, seconds=LONG).evaluations
    assert len(asked) < whole / 2


def test_what_does_not_fit_into_the_time_is_left_out_and_named():
    found = demetar.diagnose(plain.bonds, ETHANOL, seconds=1e-3)
    assert "smoothness" in found.left_out
    assert found.cause == "not known", "nothing is sound of which half was not looked at"
    assert {"groups", "rounding inside"} <= set(found.left_out), (
        "the limit holds from the first step on"
    )
    assert found.seconds < 1
    assert "Not looked at for lack of time" in found.sentence
    assert "smoothness" in found.report()


def test_a_function_is_held_to_the_group_it_is_asked_for():
    f = faulty("a perceptron")
    assert demetar.diagnose(f, ETHANOL, seconds=LONG).cause == "unconstrained"
    found = demetar.diagnose(f, ETHANOL, "T(3) x S_n", seconds=LONG)
    assert found.cause == "sound"
    assert "It claims T(3) x S_n only, and breaks SO(3)" in found.sentence
    found = demetar.diagnose(faulty("a triple product"), ETHANOL, "SE(3) x S_n", seconds=LONG)
    assert found.cause == "sound"


def refused(f, graph=ETHANOL):
    with pytest.raises(InputError) as error:
        demetar.diagnose(f, graph)
    text = str(error.value)
    assert text.startswith("Expected ")
    assert "got" in text
    assert "\n" not in text
    return text


def test_functions_that_fail_are_told_where():
    def f(graph):
        return {"energy": np.ones(3) @ np.ones(4)}

    text = refused(f)
    assert "ValueError in test_diagnose.py, line" in text


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"forces": np.zeros((4, 3))}, r"forces as one number, \[3\], \[9\] or \[9, 3\]"),
        ({"energy": "low"}, "real numbers as energy"),
        ({"energy": np.nan}, "finite numbers, got NaN or infinity in energy"),
        ({}, "at least one output"),
        (None, "real numbers as output"),
        (Output({"e": Value(np.zeros((2, 1)), Kind("1x0e", per="graph"))}), r"e of shape \[1, 1\]"),
    ],
)
def test_answers_that_are_none_are_told_what_is_expected(answer, said):
    import re

    assert re.search(said, refused(lambda graph: answer))


def test_systems_that_cannot_be_diagnosed():
    assert "batch of 2" in refused(plain.bonds, batch([ETHANOL, ETHANOL]))
    one = demetar.from_arrays(np.zeros((1, 3)), np.array([6]))
    assert "at least two particles" in refused(plain.bonds, one)
    assert "a run or a function" in refused("egnn-nbody")


def test_outputs_that_come_and_go_are_refused():
    calls = []

    def f(graph):
        calls.append(0)
        return plain.bonds(graph) if len(calls) < 4 else {"energy": 1.0}

    assert "outputs energy, forces at every call" in refused(f)


def test_no_cause_is_named_that_evidence_left_out_could_contradict(monkeypatch):
    """In haste a bias on vectors was called unconstrained, as if its turns had been seen to break."""
    monkeypatch.setattr(Asked, "affordable", lambda self, planned, compiled=0: planned <= 100)
    hasty = demetar.diagnose(faults.make("vector-bias"), ETHANOL, seconds=LONG)
    assert "turns that hold" in hasty.left_out
    assert hasty.cause == "not known"
    assert "vector-bias" in hasty.sentence
    assert set(hasty.left_out) <= {*MADE, "growth", "layers"}, "say in MADE which marks it makes"
