"""Other laws that fit exactly."""

import pytest

from demetar.diagnosis.evidence.laws import laws
from tests.support import plain, strangers


def marks(f):
    return {k for k, v in laws(*plain.prepared(f)).marks.items() if v}


def test_no_other_law_fits_a_sound_function_or_a_bias():
    assert marks(plain.sound) == set()
    assert marks(strangers.functions()["a bias"][1]) == set()


@pytest.mark.parametrize("order", [[1, 2, 0], [2, 0, 1], [1, 0, 2]])
def test_axes_in_another_order(order):
    def f(graph):
        return {k: v if k == "energy" else v[..., order] for k, v in plain.sound(graph).items()}

    assert marks(f) == {"axes-law"}


def test_rows_in_another_order_and_vectors_that_stay():
    assert "rows-elsewhere" in marks(strangers.functions()["reversed rows"][1])
    kept = plain.bonds(plain.molecules()["CHFClBr"])["forces"]
    assert "still-law" in marks(lambda graph: {"forces": kept})


def test_the_other_parity():
    import numpy as np

    def axial(graph):
        x = np.asarray(graph.positions)
        v = plain.vectors(x, plain.charges(graph, x))
        return {"dipole": np.cross(v, (v**2).sum(-1) @ v).sum(0)}

    assert marks(axial) == {"parity-law"}
