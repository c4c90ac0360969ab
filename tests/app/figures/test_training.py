"""Curves of long runs, before they are drawn."""

import pytest

from app.figures import training


@pytest.mark.parametrize("count", [0, 1, 399, 400, 401, 1234, 20_000])
def test_long_curves_are_thinned_and_end_with_the_last_line(count: int) -> None:
    lines = [{"step": i} for i in range(count)]
    kept = [line["step"] for line in training.thinned(lines)]
    assert len(kept) == count if count <= training.MOST else 200 <= len(kept) <= training.MOST
    assert kept[-1:] == [line["step"] for line in lines[-1:]]
    assert len({b - a for a, b in zip(kept, kept[1:])}) <= 1
