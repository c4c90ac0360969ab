"""Irreps: blocks found by number, D(g) of all degrees, parity, and the order of axes."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from app.pages.lessons import irreps as page
from demetar.lessons import irreps

G = (0.1, -0.5, 0.7, 0.5)  # normalised by SciPy
SIZES = {irreps.REDUCIBLE[0]: [1, 3, 5], irreps.REDUCIBLE[1]: [3, 3], irreps.REDUCIBLE[2]: [3, 7]}


@pytest.mark.parametrize("name", irreps.REDUCIBLE)
def test_blocks_of_known_sizes_hold_for_every_turn(name: str) -> None:
    columns, sizes = irreps.basis(name)
    assert sorted(sizes) == SIZES[name]
    np.testing.assert_allclose(columns.T @ columns, np.eye(len(columns)), atol=1e-12)
    for seed in range(3):
        g = tuple(Rotation.random(rng=np.random.default_rng(seed)).as_quat())
        assert irreps.blocks(name, g)["outside"] < 1e-12


@pytest.mark.parametrize("name", irreps.REDUCIBLE)
def test_turns_about_z_find_blocks_for_themselves_alone(name: str) -> None:
    about_z = (0.0, 0.0, 0.6, 0.8)
    assert irreps.blocks(name, about_z, True)["outside"] < 1e-12
    assert irreps.blocks(name, G, True)["outside"] > 0.1


def test_each_reducible_is_a_representation() -> None:
    a, b = irreps.matrix(G), irreps.OTHER
    for name in irreps.REDUCIBLE:
        product = irreps.reducible(name, a) @ irreps.reducible(name, b)
        np.testing.assert_allclose(product, irreps.reducible(name, a @ b), atol=1e-13)


@pytest.mark.parametrize("l", range(irreps.LMAX + 1))
@pytest.mark.parametrize("parity", ["e", "o"])
def test_wigner_is_orthogonal_and_multiplies(l: int, parity: str) -> None:
    for invert in (False, True):
        found = irreps.rotation_matrices(l, G, invert, parity)
        assert found["orthogonal"] < 1e-13
        assert found["product"] < 1e-13
        assert found["sign"] == pytest.approx(1 if parity == "e" else -1)
        assert found["D"].shape == (2 * l + 1, 2 * l + 1)


@pytest.mark.parametrize("l", range(irreps.LMAX + 1))
def test_harmonics_turn_and_have_their_own_parity(l: int) -> None:
    own, other = "eo"[l % 2], "oe"[l % 2]
    assert irreps.turned(l, G) < 1e-13
    assert irreps.parity(l, own) < 1e-13
    assert irreps.parity(l, other) == pytest.approx(2)
    size = (irreps.harmonics(irreps.SOME_POINTS, l) ** 2).sum(1)
    np.testing.assert_allclose(size, 2 * l + 1, rtol=1e-12)


@pytest.mark.parametrize("l", range(1, irreps.LMAX + 1))
def test_mixed_orders_of_axes_are_caught_and_mended(l: int) -> None:
    assert irreps.axes(l, G, True) < 1e-13
    assert irreps.axes(l, G, False) > 0.1
    about = tuple(np.append(np.ones(3) / 2, 0.5))  # 120° about (1 1 1) permutes the axes
    assert irreps.axes(l, about, False) < 1e-13, (
        "a turn that commutes with the permutation hides it"
    )


def test_degree_one_is_x_y_z_and_the_textbook_is_y_z_x() -> None:
    points = irreps.SOME_POINTS
    np.testing.assert_allclose(irreps.harmonics(points, 1), 3**0.5 * points, atol=1e-14)
    np.testing.assert_array_equal(irreps.CYCLE @ [1, 2, 3], [2, 3, 1])


def test_a_surface_turns_with_g() -> None:
    still, turned = irreps.surface(2, 1, (0, 0, 0, 1)), irreps.surface(2, 1, (0, 0, 1.0, 0))
    directions, faces = irreps.sphere()
    half = np.argmin(np.abs(directions[:, None] - directions * [-1, -1, 1]).sum(-1), axis=1)
    np.testing.assert_allclose(turned, still[half], atol=1e-13)
    assert np.abs(irreps.surface(2, 1, G) - still).max() > 0.1
    a, b, c = np.moveaxis(directions[faces], 1, 0)
    assert ((np.cross(b - a, c - a) * (a + b + c)).sum(1) > -1e-12).all(), "seen from outside"
    assert abs((still**2 * _share(directions)).sum() - 1 / 5) < 1e-3


def _share(directions: np.ndarray) -> np.ndarray:
    """The part of the sphere's area at each direction on circles of latitude, but for the two poles."""
    weight = np.sqrt(np.maximum(1 - directions[:, 2] ** 2, 0))
    return weight / weight.sum()


def test_the_page_offers_the_same() -> None:
    assert page.REDUCIBLE == irreps.REDUCIBLE
