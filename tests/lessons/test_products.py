"""Tensor products: the parts of v₁ ⊗ v₂, a published session, paths, parities, rules of layers."""

import numpy as np
import pytest

from app.pages.lessons import products as page
from demetar.lessons import products
from demetar.lessons.irreps import matrix, wigner

G = (0.1, -0.5, 0.7, 0.5)
NAMES = tuple(map(products.path_name, products.PATHS))


def test_the_three_parts_add_up_to_the_matrix() -> None:
    found = products.parts((0.3, -1.2, 2.0), (1.5, 0.4, -0.7))
    whole = found["scalar part"] + found["antisymmetric"] + found["symmetric traceless"]
    np.testing.assert_allclose(whole, found["matrix"], atol=1e-15)
    assert np.trace(found["symmetric traceless"]) == pytest.approx(0, abs=1e-15)
    np.testing.assert_allclose(found["axial"], np.cross((1.5, 0.4, -0.7), (0.3, -1.2, 2.0)))


def test_irreps_are_dot_cross_and_the_rest() -> None:
    a, b = np.array([0.3, -1.2, 2.0]), np.array([1.5, 0.4, -0.7])
    found = products.parts(tuple(a), tuple(b))["irreps"]
    assert abs(found["0e"][0]) == pytest.approx(abs(a @ b) / 3**0.5)
    np.testing.assert_allclose(found["1e"], np.cross(a, b) / 2**0.5, atol=1e-15)
    rest = products.parts(tuple(a), tuple(b))["symmetric traceless"]
    assert np.linalg.norm(found["2e"]) == pytest.approx(np.linalg.norm(rest))


def test_the_published_session_to_its_last_digit() -> None:
    found = products.published()
    assert found["scalar"] == 14
    assert found["length²"] == 14, "that |v₁|² is 14 as well is chance"
    assert products.parts(products.V1, (2.0, 5.0, 1.0))["trace"] == 15, "14 is the dot product"
    np.testing.assert_array_equal(found["before"], [13, -2, -3])
    np.testing.assert_array_equal(found["after"].round(4), [13, 1.5964, -3.2329])
    np.testing.assert_allclose(found["again"], found["after"], atol=1e-13)
    exact = products.published(np.pi)["after"].round(4)
    np.testing.assert_array_equal(exact, [13, 1.5981, -3.2321])


@pytest.mark.parametrize("invert", [False, True])
def test_the_cross_product_is_no_vector_under_inversion(invert: bool) -> None:
    found = products.split_errors(products.V1, products.V2, G, invert)
    assert max(found[k] for k in ("0e", "1e", "2e")) < 1e-13
    assert found["1e as 1o"] == pytest.approx(2 if invert else 0, abs=1e-13)


@pytest.mark.parametrize("name", NAMES)
def test_every_path_turns_and_has_its_parity(name: str) -> None:
    assert products.coupled((name,), G, True, False)["apart"] < 1e-13
    assert products.coupled((name,), G, False, True)["apart"] < 1e-13, "turns do not see parity"
    wrong = products.coupled((name,), G, True, True)["apart"]
    assert wrong < 1e-13 if name.endswith("0e") else wrong == pytest.approx(2)


def test_no_path_makes_nothing() -> None:
    assert products.coupled((), G, True, False) == {"sizes": {}, "errors": {}, "apart": 0.0}
    assert set(products.coupled(NAMES[:3], G, True, False)["sizes"]) == {"0e"}


@pytest.mark.parametrize("rule", products.RULES)
@pytest.mark.parametrize("invert", [False, True])
def test_rules_of_layers_hold_and_break(rule: str, invert: bool) -> None:
    assert products.rule(rule, G, invert, False) < 1e-12
    assert products.rule(rule, G, invert, True) > 1e-2


def test_features_turn_by_their_own_matrices() -> None:
    x, m = products.features(), matrix(G, True)
    turned = products.turned(x, m)
    np.testing.assert_array_equal(turned["0e"], x["0e"])
    np.testing.assert_allclose(turned["1o"][0, :, 0], m @ x["1o"][0, :, 0], atol=1e-14)
    np.testing.assert_allclose(
        turned["2e"][1, :, 2], wigner("2e", m) @ x["2e"][1, :, 2], atol=1e-14
    )


def test_the_page_offers_paths_and_rules_that_there_are() -> None:
    assert set(page.PATHS) <= set(NAMES)
    assert tuple(page.RULES) == products.RULES
