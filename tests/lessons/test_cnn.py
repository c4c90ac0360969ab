"""CNN: the convolution against SciPy's; shifts, strides, borders; p4, its parts, angles and widths."""

import numpy as np
import pytest
from scipy.signal import correlate2d

from app.pages.lessons import cnn as page
from demetar.lessons import cnn


@pytest.mark.parametrize(("padding", "mode"), [("circular", "wrap"), ("zeros", "fill")])
def test_the_convolution_is_scipys(padding: str, mode: str) -> None:
    image, filters = cnn.digit(3, 24), np.random.default_rng(1).normal(size=(3, 3))
    ours = cnn.convolve(image[None], filters[None, None], padding, 2)[0]
    whole = correlate2d(image, filters, mode="same", boundary=mode)
    np.testing.assert_allclose(ours, whole[::2, ::2], atol=1e-14)


def test_digits_are_enlarged_not_changed() -> None:
    for width in (15, 24, 31):
        image = cnn.digit(0, width)
        assert image.shape == (width, width)
        assert image.min() >= 0
        assert 0.8 < image.max() <= 1
        assert not image[0].any(), "the border is quiet"


@pytest.mark.parametrize(("stride", "pool"), [(1, 1), (2, 1), (1, 2), (2, 2), (3, 4)])
def test_shifts_commute_on_the_grid_of_the_answer_only(stride: int, pool: int) -> None:
    found = cnn.by_shift(5, "random", "circular", stride, pool)
    wide = stride * pool
    on = np.arange(13) % wide == 0
    assert found[on].max() == 0
    assert wide == 1 or found[~on].min() > 1e-2


def test_zero_padding_breaks_at_the_border_alone() -> None:
    found = [cnn.shifted(0, s, "random", "zeros", 1, 1) for s in (8, 9, 10)]
    assert min(f["apart"] for f in found) > 1e-2
    assert max(f["inside"] for f in found) == 0
    assert np.isnan(cnn.shifted(0, 1, "random", "zeros", 3, 4)["inside"]), (
        "nothing is inside of 2 × 2"
    )


@pytest.mark.parametrize("index", [0, 4, 7])
def test_p4_commutes_with_quarter_turns(index: int) -> None:
    for degrees in (90.0, 180.0, 270.0):
        assert cnn.rotated(index, degrees, "p4", 2)["apart"] < 1e-14
        assert cnn.rotated(index, degrees, "p4", 1)["apart"] < 1e-14
        for broken in ("plain", "p4 without the cyclic shift"):
            assert cnn.rotated(index, degrees, broken, 2)["apart"] > 1e-2


def test_other_angles_cost_more_than_the_resampler() -> None:
    found = cnn.by_angle(0, 2)
    other = np.array(cnn.ANGLES) % 90 != 0
    assert np.all(found["p4"][other] > found["resampler"][other])
    assert np.all(found["plain"][1:] > found["p4"][1:])
    assert found["p4"][~other].max() < 1e-14
    assert found["resampler"][~other].max() == 0


def test_strides_ask_for_widths_4k_plus_3() -> None:
    by_width = dict(zip(cnn.WIDTHS, cnn.by_width(2)))
    for width, error in by_width.items():
        assert (error < 1e-14) if width % 4 == 3 else (error > 1e-2), width
    assert cnn.by_width(2, stride=1).max() < 1e-14, "without a stride any width does"


def test_filters_on_p4_turn_and_shift() -> None:
    filters = np.arange(36.0).reshape(4, 3, 3)
    turned = cnn.turned_filters(filters, True)
    np.testing.assert_array_equal(turned[1][1], np.rot90(filters[0]))
    np.testing.assert_array_equal(cnn.turned_filters(filters, False)[1][1], np.rot90(filters[1]))
    round_ = cnn.kernel("round")
    np.testing.assert_array_equal(np.rot90(round_), round_)
    assert np.abs(np.rot90(cnn.kernel("edge")) - cnn.kernel("edge")).max() > 0.1


def test_the_page_offers_networks_that_there_are() -> None:
    assert page.PADDINGS == cnn.PADDINGS
    for network in page.NETWORKS:
        assert cnn.rotated(0, 0.0, network, 2)["apart"] == 0
