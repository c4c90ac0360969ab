"""What lessons draw: numbers arrive in the figures as they are."""

import numpy as np
import pytest

from app.figures import lessons as figures


def test_matrices_stand_side_by_side_on_their_own_scales() -> None:
    named = {"a": np.diag([1.0, -2.0]), "b": np.full((4, 4), 5.0)}
    figure = figures.matrices(named)
    assert [t.zmax for t in figure.data] == [2, 5]
    assert [t.zmin for t in figure.data] == [-2, -5]
    assert figure.data[0].texttemplate is not None
    assert figure.data[1].texttemplate is None, "sixteen numbers would not be read"
    assert [a.text for a in figure.layout.annotations] == ["a", "b"]
    assert figure.layout.xaxis.domain[1] < figure.layout.xaxis2.domain[0]


def test_a_difference_of_rounding_is_pale_on_the_scale_of_what_differs() -> None:
    named = {"g·f(x)": np.ones((2, 2)), "difference": np.full((2, 2), 1e-17)}
    figure = figures.matrices(named, images=True, like={"difference": "g·f(x)"})
    assert [t.zmax for t in figure.data] == [1, 1]
    assert figure.data[0].zmin == 0
    signed = figures.matrices({"f": np.array([[-1.0, 0.5]])}, images=True)
    assert signed.data[0].zmin == -1


def test_equal_orbits_have_equal_colours() -> None:
    z = figures.labels({"orbits": np.array([[0, 1], [1, 0]])}).data[0].z
    assert z[0][0] == z[1][1] != z[0][1] == z[1][0]


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
def test_surfaces_and_bars(dark: bool) -> None:
    surface = {k: np.zeros((3, 4)) for k in "xyz"} | {"value": np.linspace(-1, 2, 12).reshape(3, 4)}
    figure = figures.spherical({"Y": surface, "g·Y": surface}, dark)
    assert (figure.data[0].scene, figure.data[1].scene) == ("scene", "scene2")
    assert (figure.data[0].cmin, figure.data[0].cmax) == (-2, 2), "zero is the middle of the scale"
    bars = figures.bars(["a", "b"], np.array([1.0, -1.0]), "size", dark)
    assert bars.data[0].marker.color[0] != bars.data[0].marker.color[1]
