"""Attention: orbits counted another way, kernels that commute and that do not, neighbourhoods left behind."""

import itertools

import numpy as np
import pytest

from app.pages.lessons import attention as page
from demetar.lessons import attention

SPACES = tuple(attention.SPACES.values())


def group(space: str) -> list[tuple[int, ...]]:
    """All elements that the generators make."""
    n = len(attention.points(space))
    found, todo = {tuple(range(n))}, [tuple(range(n))]
    while todo:
        q = todo.pop()
        for p in attention.generators(space):
            product = tuple(int(p[i]) for i in q)
            if product not in found:
                found.add(product)
                todo.append(product)
    return sorted(found)


@pytest.mark.parametrize(("space", "order"), [("ring", 12), ("square", 4), ("bodies", 120)])
def test_orbits_are_as_many_as_burnside_counts(space: str, order: int) -> None:
    elements = group(space)
    assert len(elements) == order
    fixed = [sum(i == p for i, p in enumerate(g)) ** 2 for g in elements]
    assert attention.orbits(space).max() + 1 == sum(fixed) / order


@pytest.mark.parametrize("space", SPACES)
def test_orbits_are_carried_onto_themselves(space: str) -> None:
    found = attention.orbits(space)
    for p in attention.generators(space):
        np.testing.assert_array_equal(found[np.ix_(p, p)], found)


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("neighbours", ["all", "distance"])
def test_kernels_that_move_with_their_pairs_commute(space: str, neighbours: str) -> None:
    for name in attention.HOLDS:
        found = attention.commutes(space, name, neighbours)
        assert found["apart"] < 1e-13, name
        assert found["kernel"] < 1e-13, name
    found = attention.commutes(space, "free", neighbours)
    assert min(found.values()) > 0.1


def test_coordinates_are_allowed_only_where_they_move_along() -> None:
    for space in ("ring", "square"):
        assert attention.commutes(space, "coordinates", "all")["apart"] > 0.1
    assert attention.commutes("bodies", "coordinates", "all")["apart"] < 1e-13


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("name", attention.HOLDS)
def test_neighbourhoods_in_memory_stay_behind(space: str, name: str) -> None:
    assert attention.commutes(space, name, "list")["apart"] > 0.1


def test_the_three_steps_are_the_sum() -> None:
    for space, name in itertools.product(SPACES, attention.KERNELS.values()):
        found = attention.steps(space, name, "distance")
        np.testing.assert_allclose(found["out"], found["kernel"] @ found["f"], atol=1e-13)
        np.testing.assert_array_equal(found["product"], found["kernel"] * found["pulled"])


@pytest.mark.parametrize("name", ["distance", "content", "coordinates"])
def test_attention_weights_add_up_to_one(name: str) -> None:
    weights = attention.steps("square", name, "distance")["kernel"]
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-13)
    allowed = attention.mask("square", "distance", attention.points("square"))
    assert not weights[~allowed].any()


def test_the_page_offers_what_there_is() -> None:
    assert {said: name for name, said in page.SPACES.items()} == attention.SPACES
    assert {said: name for name, said in page.KERNELS.items()} == attention.KERNELS
    assert set(page.NEIGHBOURS) < set(attention.NEIGHBOURS.values())
