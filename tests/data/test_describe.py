"""What is said of a data set."""

import dataclasses

import pytest

from demetar.core import registry
from demetar.data import describe


@pytest.mark.parametrize("notes", [{}, {"": "Said of the whole set."}])
def test_a_set_may_have_notes_or_none(
    notes: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    points = registry.load("datasets", "points")
    monkeypatch.setattr(points, "ABOUT", dataclasses.replace(points.ABOUT, notes=notes))
    said = describe.text(describe.describe("points", {}))
    assert ("Said of the whole set." in said) == bool(notes)
