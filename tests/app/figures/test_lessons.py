"""What lessons draw: numbers arrive in the figures as they are."""

import numpy as np
import pytest

from app.figures import lessons as figures


def test_shapes_are_drawn_where_they_are() -> None:
    places = np.array([[0.0, 1.0], [2.0, 3.0]])
    figure = figures.shapes(
        {"p": [("x", places, [0, 1], "solid"), ("y", places, None, "sleeve")]}, 4
    )
    line, sleeve, _ = figure.data
    assert (list(line.x), list(line.y)) == ([0, 2], [1, 3])
    assert sleeve.line.width > line.line.width
    assert tuple(figure.layout.xaxis.range) == (-4, 4)


def test_zeros_lie_on_the_floor_of_a_logarithmic_axis() -> None:
    figure = figures.curves([0, 1], {"Δ": np.array([0.0, 0.5])}, "shift", marked=(1,))
    assert list(figure.data[0].y) == [figures.FLOOR, 0.5]
    assert len(figure.layout.shapes) == 1


@pytest.mark.parametrize("dark", [False, True])
def test_bars_have_a_colour_a_sign(dark: bool) -> None:
    bars = figures.bars(["a", "b"], np.array([1.0, -1.0]), "size", dark)
    assert bars.data[0].marker.color[0] != bars.data[0].marker.color[1]
