"""Jumps, kinks and ripples."""

import numpy as np
import pytest

from demetar.diagnosis.evidence.smoothness import smoothness
from tests.support import plain, strangers


def marks(f):
    return {k for k, v in smoothness(*plain.prepared(f, "ethanol")).marks.items() if v}


@pytest.mark.parametrize("f", [plain.sound, plain.bonds, plain.squares])
def test_a_sound_function_is_smooth(f):
    assert marks(f) == set()


def test_a_smooth_cutoff_is_smooth():
    f = strangers.pairwise(lambda d: np.where(d < 4.5, (1 - np.minimum(d / 4.5, 1) ** 2) ** 4, 0))
    assert marks(f) == set()


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        (lambda d: np.where(d < 4.5, 1 / d, 0), {"jump"}),
        (lambda d: np.where(d < 2.9, 1e-4, 0), {"jump"}),
        (lambda d: np.where(d < 6.0, np.exp(-d), 0), {"jump"}),
        (lambda d: 0.1 * np.abs(d - 2.6) * np.exp(-d), {"kink"}),
        (lambda d: np.maximum(4 - d, 0) * 0.01, {"kink"}),
        (lambda d: 1e-3 * np.sin(150 * d) * np.exp(-d / 3), {"ripples"}),
    ],
)
def test_where_it_is_not_smooth(extra, expected):
    assert marks(strangers.pairwise(extra)) == expected


def test_ties_are_seen():
    assert {"jump", "ties"} <= marks(strangers.nearest)


def test_a_force_that_jumps_alone_is_a_kink():
    def f(graph):
        x = np.asarray(graph.positions)
        r, square = plain.pairs(x)
        d = np.sqrt(square + np.eye(len(x)))
        on = np.where((d < 3.0) & ~np.eye(len(x), dtype=bool), 0.05, 0.0)
        energy = (on * (3.0 - d)).sum() / 2
        return {"energy": energy, "forces": ((on / d)[:, :, None] * r).sum(1)}

    assert marks(f) == {"kink"}
