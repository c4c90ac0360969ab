"""The orientation spectrum of black boxes."""

import numpy as np
import pytest

from demetar.diagnosis.evidence.orientation import orientation
from tests.support import plain, strangers


def evidence(name):
    return orientation(*plain.prepared(strangers.functions()[name][1]))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a field", {"low-degrees", "degree-1-only", "degrees-1-and-3"}),
        ("fourth powers", {"low-degrees", "high-degrees", "cubic-degrees"}),
        ("a ring of directions", {"high-degrees"}),
        ("gains and a bias by component", {"low-degrees"}),
        ("a perceptron", set()),
    ],
)
def test_degrees_tell_causes_apart(name, expected):
    found = {k for k, v in evidence(name).marks.items() if v}
    assert found == expected


def test_a_fourth_power_is_degree_four_alone():
    np.testing.assert_allclose(evidence("fourth powers").numbers["share"][3], 1, atol=1e-9)
