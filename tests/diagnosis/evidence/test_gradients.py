"""Forces against the slope of the energy, and the symmetry of their Jacobian."""

import pytest

from demetar.diagnosis.evidence.gradients import gradients
from tests.support import plain, strangers


def marks(f):
    return {k for k, v in gradients(plain.prepared(f, "ethanol")[0]).marks.items() if v}


def test_a_sound_gradient_is_right_everywhere():
    found = gradients(plain.prepared(plain.bonds, "ethanol")[0])
    assert not any(found.marks.values())
    assert found.numbers["error by particle"].max() < 1e-7


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a swirl", {"gradient-wrong", "jacobian-asymmetric"}),
        (
            "a wrong heavy atom",
            {"gradient-wrong", "gradient-right-somewhere", "jacobian-asymmetric"},
        ),
        ("a wrong sign", {"gradient-wrong", "gradient-by-a-factor"}),
    ],
)
def test_what_is_wrong_is_told(name, expected):
    assert marks(strangers.functions()[name][1]) == expected


def test_forces_alone_are_judged_by_their_jacobian():
    def alone(f):
        return lambda graph: {"forces": f(graph)["forces"]}

    assert marks(alone(plain.bonds)) == set()
    assert marks(alone(strangers.functions()["a swirl"][1])) == {"jacobian-asymmetric"}


def test_other_vectors_are_no_forces():
    assert gradients(plain.prepared(plain.squares)[0]).marks == {}
