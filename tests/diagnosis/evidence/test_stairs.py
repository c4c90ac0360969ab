"""Rounding inside: steps where a motion of 1e-8 should be answered in proportion."""

import pytest

from demetar.diagnosis.evidence.stairs import stairs
from tests.support import plain, strangers


def marks(name):
    return {
        k for k, v in stairs(*plain.prepared(strangers.functions()[name][1])).marks.items() if v
    }


def test_float64_has_no_stairs():
    assert not any(stairs(*plain.prepared(plain.sound)).marks.values())
    assert not marks("harmonics in few digits"), "constants in few digits leave it smooth"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("rounded places", {"stairs", "float32-twin"}),
        ("a large constant", {"stairs", "stairs-of-value-only", "last-digit"}),
    ],
)
def test_stairs_say_what_is_rounded(name, expected):
    assert expected <= marks(name)


def test_the_value_alone_is_told_from_all():
    assert "stairs-of-value-only" not in marks("rounded places")
    assert "float32-twin" not in marks("a large constant")
