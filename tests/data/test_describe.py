"""What is said of a data set."""

import pytest

from demetar.core import registry
from demetar.data import describe


@pytest.mark.parametrize("notes", [{}, {"": "Said of the whole set."}])
def test_a_set_may_have_notes_or_none(
    notes: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry.load("datasets", "points"), "NOTES", notes)
    said = describe.text(describe.describe("points", {}))
    assert ("Said of the whole set." in said) == bool(notes)
