"""The precision ladder: what float32 costs, and what it should not cost."""

from demetar.diagnosis.evidence.precision import precision
from tests.support import plain, strangers


def evidence(f):
    return precision(*plain.prepared(f))


def test_a_sound_function_falls_with_the_precision():
    found = evidence(plain.bonds)
    assert not any(found.marks.values())
    assert max(found.numbers["float64"].values()) < 1e-13
    assert 1e-8 < max(found.numbers["float32"].values()) < 1e-5


def test_short_products_are_worse_than_float32():
    assert evidence(strangers.short_products).marks["worse-in-float32"]


def test_constants_in_float32_leave_its_size_in_float64():
    found = evidence(strangers.functions()["harmonics in few digits"][1])
    assert found.marks["float32-sized"]
    assert not evidence(strangers.functions()["gains"][1]).marks["float32-sized"]


def test_a_precision_that_cannot_be_computed_is_said():
    def f(graph):
        if graph.positions.dtype != "float64":
            raise TypeError("float64 only")
        return plain.bonds(graph)

    assert "cannot be computed in float32, bfloat16" in evidence(f).sentence
