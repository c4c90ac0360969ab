"""Growth with the angle and with the shift."""

from demetar.diagnosis.evidence.growth import growth
from tests.support import plain, strangers


def marks(name):
    return growth(*plain.prepared(strangers.functions()[name][1])).marks


def test_nothing_grows_where_nothing_breaks():
    assert not any(growth(*plain.prepared(plain.sound)).marks.values())


def test_a_bias_grows_with_the_angle_and_rounding_with_the_shift():
    assert marks("a bias") == {"grows-with-angle": True, "grows-with-shift": False}
    assert marks("rounded places")["grows-with-shift"]
