"""Equivariance: which of the functions commute with turns, shifts, mirrors, at any amount."""

import numpy as np
import pytest

from app.pages.lessons import equivariance as page
from demetar.lessons import equivariance as lesson

COMMUTE = {
    "recolour": {"turns", "shifts", "mirrors"},
    "recolour by height": set(),
    "shift": {"shifts"},
    "shift along own side": {"turns", "shifts", "mirrors"},
    "norm": {"turns", "mirrors"},
    "largest component": set(),
}


@pytest.mark.parametrize("amount", [17.0, 50.0, 133.0])
def test_what_commutes_with_what(amount: float) -> None:
    found = lesson.table(amount)
    assert set(found) == set(COMMUTE)
    for name, row in found.items():
        for group, error in row.items():
            if group in COMMUTE[name]:
                assert error < 1e-14, (name, group)
            else:
                assert error > 1e-2, (name, group)


def test_the_largest_component_stays_at_quarter_turns() -> None:
    assert lesson.square("largest component", "turns", 90.0)["apart"] < 1e-14


def test_a_shift_misses_by_the_turned_arrow() -> None:
    found = lesson.square("shift", "turns", 90.0)
    missed = found["f(g·x)"].places - found["g·f(x)"].places
    a, b = lesson.STEP
    np.testing.assert_allclose(missed, np.tile([a + b, b - a], (len(missed), 1)), atol=1e-14)


@pytest.mark.parametrize("group", lesson.GROUPS)
def test_motions_keep_lengths(group: str) -> None:
    g = lesson.motion(group, 33.0)
    np.testing.assert_allclose(g.matrix @ g.matrix.T, np.eye(2), atol=1e-15)
    assert np.linalg.det(g.matrix) == pytest.approx(-1 if group == "mirrors" else 1)


def test_the_page_asks_for_functions_that_there_are() -> None:
    named = {f for kept, broken, _ in page.FUNCTIONS.values() for f in (kept, broken)}
    assert named == set(lesson.FUNCTIONS)
    assert set(page.GROUPS) == set(lesson.GROUPS)
