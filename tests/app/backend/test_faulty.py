"""The small model with faults at the page's g: each lands in its fingerprint, and can be taken back."""

import jax
import numpy as np
import pytest

from app.backend import molecules
from app.backend.measuring import faulty
from demetar.core.graph import from_atoms
from demetar.diagnosis import faults

ETHANOL = molecules.Source("ethanol")
G = molecules.Element((0.1, 0.2, 0.3, 0.927))
SEEN = (
    "breaks-T",
    "breaks-SO",
    "breaks-C_i",
    "breaks-S_n",
    "differs-at-once",
    "differs-after-another",
)


def measured(*words, element=G, source=ETHANOL):
    return faulty.measured(words, molecules.molecule(source), element)


@pytest.fixture(scope="module")
def sound():
    return measured()


def test_without_a_fault_rounding_is_all(sound):
    assert sound.worst == "rounding"
    assert all(1e-9 < d < 1e-5 for d in sound.delta["float32"].values())
    assert all(d < 1e-13 for d in sound.delta["float64"].values())
    assert max(sound.groups.values()) < 1e-12
    assert sound.again == sound.after == 0
    assert not any(sound.marks.values())
    assert set(sound.marks) == set(SEEN)


def expected(word):
    """What of the fault's fingerprint this page sees."""
    return {k: v for k, v in faults.load(word).fingerprint.items() if k in SEEN}


# tests/diagnosis/ holds each fault to its whole fingerprint; here one of each kind that the page tells apart
KINDS = {tuple(sorted(expected(word).items())): word for word in faulty.names()}


@pytest.mark.parametrize("word", sorted(KINDS.values()))
def test_a_fault_lands_in_its_fingerprint(word):
    found = measured(word)
    assert {k: found.marks[k] for k in expected(word)} == expected(word)


def test_a_structural_fault_is_told_from_rounding_and_from_few_digits():
    bias = measured("vector-bias")
    assert bias.worst == "structure"
    assert bias.delta["float64"]["dipole"] == pytest.approx(
        bias.delta["float32"]["dipole"], rel=1e-3
    )
    assert bias.groups["T"] < 1e-12 < 1e-3 < bias.groups["SO"]


def test_delta_is_that_of_an_independent_computation(sound):
    """‖D(g) f(x) − f(g·x)‖ over ‖D(g) f(x)‖ in float64, in NumPy."""
    f, graph = faults.make("vector-bias"), from_atoms(molecules.molecule(ETHANOL))
    matrix = molecules.matrix(G)
    with jax.enable_x64(True):
        here = f(graph).values
        there = f(graph.replace(positions=np.asarray(graph.positions) @ matrix.T)).values
    found = measured("vector-bias").delta["float64"]
    for name in ("forces", "dipole"):
        left = np.asarray(here[name].array) @ matrix.T
        apart = np.linalg.norm(left - np.asarray(there[name].array)) / np.linalg.norm(left)
        assert found[name] == pytest.approx(apart, rel=1e-6)


def test_taking_a_fault_back_gives_the_same_digits(sound):
    before = measured("vector-bias")
    both = measured("vector-bias", "axis-order")
    assert both.delta != before.delta
    assert measured("vector-bias") == before
    assert measured() == sound


def test_the_identity_moves_nothing_and_a_single_atom_can_be_asked():
    found = measured(element=molecules.Element((0.0, 0.0, 0.0, 1.0)))
    assert set(found.word.values()) == {"still"}
    one = molecules.Source("one.xyz", b"1\n\nO 0 0 0\n")
    assert measured("absolute-position", source=one).marks["breaks-T"]


def test_fingerprints_are_told_in_words():
    told = {mark: (text, stands) for mark, text, stands in faulty.expected("vector-bias")}
    assert told["breaks-T"] == ("T(3) holds", False)
    assert told["axis-111"] == ("all turns about (1, 1, 1) hold", True)
