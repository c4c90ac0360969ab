"""Groups: each axiom on each group, the sets that are none, order, representations and what is none."""

import numpy as np
import pytest

from app.pages.lessons import groups as page
from demetar.lessons import groups
from demetar.symmetry.elements import Elements, from_matrix
from demetar.symmetry.groups import compose

TURN = (0.0, 0.0, 0.5, 0.75**0.5)  # 60° about z


@pytest.mark.parametrize("group", groups.GROUPS)
def test_axioms_hold(group: str) -> None:
    for axiom, error in groups.axioms(group, seed=3).items():
        assert error < 1e-13, axiom


@pytest.mark.parametrize("group", groups.GROUPS)
def test_a_part_is_left_by_products(group: str) -> None:
    drawn = groups.drawn_subset(group, 3, 32)
    assert groups.outside_subset(group, drawn).max() < 1e-12, "its own elements belong to it"
    assert groups.outside(group, drawn).max() < 1e-12, "it is part of the group"
    found = groups.axioms(group, seed=3, subset=True)
    assert found["closure"] > 0.1
    assert found["associativity"] < 1e-13, "products stay associative"


def test_what_else_fails_without_closure() -> None:
    assert groups.axioms("O(3)", subset=True)["identity"] == 2, "the identity is no mirror image"
    assert groups.axioms("S_n", subset=True)["identity"] == 2, "the identity swaps nothing"
    assert groups.axioms("SO(2)", subset=True)["inverse"] > 0.1, "−30° is not from 0° to 90°"


@pytest.mark.parametrize("group", groups.GROUPS)
def test_strangers_are_seen(group: str) -> None:
    n = len(groups.POINTS)
    doubled = np.tile(np.zeros(n, int), (1, 1))
    stretched = Elements(1.5 * np.eye(3)[None], np.zeros((1, 3)), doubled)
    assert groups.outside(group, stretched)[0] >= 0.5
    mirror = from_matrix(np.diag([1.0, 1.0, -1.0]))
    assert (groups.outside(group, mirror)[0] > 1) == (group != "O(3)")


def test_order_matters_but_in_the_commutative_ones() -> None:
    apart = {g: groups.both_orders(g)["apart"] for g in groups.GROUPS}
    for group in ("T(3)", "SO(2)"):
        assert apart[group] < 1e-13
    for group in ("SO(3)", "O(3)", "SE(3)", "S_n"):
        assert apart[group] > 0.1


def test_composed_is_one_after_the_other() -> None:
    for group in groups.GROUPS:
        a, b = groups.drawn(group, 1, 4), groups.drawn(group, 2, 4)
        both = groups.moved(compose(b, a), groups.POINTS)
        for i in range(4):
            first = groups.moved(a[i : i + 1], groups.POINTS)[0]
            second = groups.moved(b[i : i + 1], first)[0]
            np.testing.assert_allclose(both[i], second, atol=1e-13)


@pytest.mark.parametrize("group", ["SO(3)", "O(3)"])
def test_representations_and_what_is_none(group: str) -> None:
    for kind in groups.TRUE:
        assert groups.homomorphism(kind, group, 5) < 1e-13, kind
    for kind in groups.FALSE:
        assert groups.homomorphism(kind, group, 5) > 0.1, kind
    assert set(groups.MATRICES) == {*groups.TRUE, *groups.FALSE}


def test_scalars_stay_and_vectors_turn() -> None:
    found = groups.three_numbers(TURN)
    assert found["as scalars"][0] < 1e-14
    assert found["as vector"][1] < 1e-14
    assert min(found["as scalars"][1], found["as vector"][0]) > 0.1
    np.testing.assert_allclose(found["vector"][0], [0.9, 2.4, 0.0])


def test_the_page_knows_the_same_sets_and_matrices() -> None:
    assert page.SUBSETS == groups.SUBSETS
    assert set(page.KINDS) == set(groups.MATRICES)
    assert set(page.FALSE) == set(groups.FALSE)
