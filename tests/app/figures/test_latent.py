"""Codes and clouds: what is drawn stands where it is, by class, on one scale."""

import numpy as np
import pytest

from app.figures import latent


@pytest.mark.parametrize("dark", [False, True])
def test_codes_are_letters_in_the_colour_of_their_class(dark: bool) -> None:
    places = np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])
    figure = latent.plane(places, np.array([1, 0, 1]), "ab", 2, dark)
    codes, ring = figure.data
    assert list(codes.text) == ["b", "a", "b"]
    hues = codes.textfont.color
    assert hues[0] == hues[2] != hues[1]
    assert (ring.x[0], ring.y[0]) == (4, 5)
    assert len(latent.plane(places, np.zeros(3, int), "a", None, dark).data) == 1


def test_ten_classes_have_ten_colours() -> None:
    assert len(set(latent.HUES)) == 10
