"""Turns that hold although rotations break."""

import numpy as np
import pytest

from demetar.diagnosis.evidence.turns import turns
from tests.support import plain, strangers


def marks(f):
    return {k for k, v in turns(*plain.prepared(f)).marks.items() if v}


CASES = {
    "a bias": {"axis-111", "cyclic-turns", "swaps"},
    "gains": {"half-turns"},
    "a rectifier": {"cyclic-turns", "swaps"},
    "fourth powers": {"half-turns", "quarter-turns", "cyclic-turns", "swaps"},
    "a mean taken off": {"axis-111", "cyclic-turns", "swaps"},
    "a field": {"axis-other"},
    "a ring of directions": {"ring-turns", "half-turns"},
    "gains and a bias by component": set(),
    "a perceptron": set(),
}


@pytest.mark.parametrize("name", CASES)
def test_each_fault_leaves_its_turns(name):
    found = marks(strangers.functions()[name][1])
    if name == "a ring of directions":
        assert "ring-turns" in found
    else:
        assert found == CASES[name]


def test_a_lone_axis_is_found_in_any_direction():
    axis = np.array([0.6, 0.0, 0.8])
    found = turns(*plain.prepared(strangers.by_extra(lambda x, q, v: ((v @ axis) ** 2).sum())))
    np.testing.assert_allclose(np.abs(found.numbers["axis"]), axis, atol=1e-5)
    assert found.marks["axis-other"]
    assert not found.marks["axis-of-frame"]
