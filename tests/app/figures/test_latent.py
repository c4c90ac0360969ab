"""Codes: each letter stands where its code is, in the colour of its class."""

import re
from urllib.parse import unquote

import numpy as np
import pytest

from app.figures import latent


@pytest.mark.parametrize("dark", [False, True])
def test_codes_are_letters_in_the_colour_of_their_class(dark: bool) -> None:
    places = np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 9.0]])
    drawn = latent.plane(places, np.array([1, 0, 1]), "a<", 2, dark)
    picture = unquote(drawn)
    codes = re.findall(r"<text x='([\d.]+)%' y='([\d.]+)%' fill='(#\w+)'>([^<]*)<", picture)
    assert [c[3] for c in codes] == ["&lt;", "a", "&lt;"]
    assert codes[0][2] == codes[2][2] != codes[1][2]
    assert [float(c[0]) for c in codes] == [4, 50, 96]
    assert [float(c[1]) for c in codes] == [96, 73, 4], "up is up"
    assert "<b style='left:96.0%;bottom:96.0%" in drawn
    assert "<b" not in latent.plane(places, np.zeros(3, int), "a", None, dark)


def test_ten_classes_have_ten_colours() -> None:
    assert len(set(latent.HUES)) == 10
