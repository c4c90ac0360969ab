"""Arrays as coloured squares: what is drawn has the numbers' order, scale and words."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from app.figures import pixels


def fills(drawn: str) -> list[list[str]]:
    """The colours of the squares of each panel."""
    return [re.findall(r"background:(rgb\([^']*)'", part) for part in drawn.split("cqh")[1:]]


def test_each_matrix_has_a_scale_of_its_own_about_zero() -> None:
    drawn = pixels.matrices({"a": np.diag([1.0, -2.0]), "b": np.full((4, 4), 5.0)})
    (one, zero, nought, two), five = fills(drawn)
    assert zero == nought != one
    assert len(set(five)) == 1
    assert five[0] not in (one, two), "5 of 5 is darker than 1 of 2, and not blue"
    assert re.findall(r"rgb[^>]*>([^<]+)", drawn) == ["1.00", "0.00", "0.00", "-2.00"]
    assert "title='row 1, column 1: -2'" in drawn
    assert drawn.index(">a</div>") < drawn.index(">b</div>")


def test_a_difference_of_rounding_is_pale_on_the_scale_of_what_differs() -> None:
    named = {"g·f(x)": np.ones((2, 2)), "difference": np.full((2, 2), 1e-17)}
    (alone,) = fills(pixels.matrices({"difference": named["difference"] * 1e6}, images=True))
    _, pale = fills(pixels.matrices(named, images=True, like={"difference": "g·f(x)"}))
    assert set(pale) == {"rgb(254,254,253)"} != set(alone)
    (ink,) = fills(pixels.matrices({"f": np.eye(2)}, images=True))
    assert set(ink) == {"rgb(0,0,0)", "rgb(254,254,253)"}
    (signed,) = fills(pixels.matrices({"f": np.array([[-1.0, 1.0]])}, images=True))
    assert set(ink).isdisjoint(signed), "what has a sign is no ink"


def test_equal_orbits_have_equal_colours() -> None:
    ((a, b, c, d),) = fills(pixels.labels({"orbits": np.array([[0, 1], [1, 0]])}))
    assert a == d != b == c


@pytest.mark.parametrize("name", ["<b>&", "D F Dᵀ"])
def test_a_large_array_is_one_picture_with_its_numbers_in_order(name: str) -> None:
    z = np.zeros((20, 30))
    z[2, 25] = -1
    drawn = pixels.matrices({name: z})
    data = base64.b64decode(re.findall(r"base64,([^']*)'", drawn)[0])
    image = np.asarray(Image.open(io.BytesIO(data)))
    assert image.shape == (20, 30, 3)
    assert np.argwhere((image != image[0, 0]).any(-1)).tolist() == [[2, 25]]
    assert image[2, 25, 2] > image[2, 25, 0], "what is negative is blue"
    assert "<b>&" not in drawn
