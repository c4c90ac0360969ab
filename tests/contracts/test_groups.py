"""Every registered group is a group, acts on graphs as one, and has the generators it says."""

import re
from typing import Any

import numpy as np
import pytest

from demetar.core import registry
from demetar.core.graph import Graph
from demetar.core.padding import pad
from demetar.symmetry import action, elements, groups
from demetar.symmetry.elements import Elements
from tests.support.grouped import FILES, KINDS, NAMES, REAL, expected, kind, samples

PRODUCTS = ["E(3) x S_n", "Sim(3) x S_n", "T(3) x C_i"]


def traits(g: Elements) -> tuple[str, bool, bool]:
    return kind(g.matrix), bool(np.any(g.shift)), g.permutation is not None


@pytest.mark.parametrize("file", FILES)
def test_a_group_file_has_its_parts(file: str) -> None:
    module = registry.load("groups", file)
    missing = [
        part for part in ("NAME", "PARTS", "sample", "generators") if not hasattr(module, part)
    ]
    assert not missing, f"give demetar/symmetry/groups/{file}.py {', '.join(missing)}"
    read = re.sub(r"[^a-z0-9]", "", module.NAME.lower())
    assert read == file, f"rename the file to {read}.py, as {module.NAME} is read"
    assert groups.load(module.NAME).factors == groups.load(file).factors == (file,), (
        f"give every group a NAME of its own; {module.NAME} is read as another file"
    )
    assert expected(file)[0] in KINDS, f"name a kind among {', '.join(KINDS)} in EXPECTED"


def parts_of(group: groups.Group) -> set[str]:
    """The single groups that its samples and generators show it to contain."""
    drawn = group.sample(np.random.default_rng(0), 200, REAL)
    found = {"C_i"} if (np.linalg.det(drawn.matrix) < 0).any() else set()
    found |= {"T(3)"} if np.any(drawn.shift) else set()
    found |= {"S_n"} if drawn.permutation is not None else set()
    turns = [m for _, m, _ in group.generators() if np.any(m - m.T)]
    return found | ({"SO(3)"} if len(turns) == 3 else set())


@pytest.mark.parametrize("name", [*NAMES, "E(3) x S_n", "T(3) x O_h"])
def test_parts_are_what_samples_show(name: str) -> None:
    group = groups.load(name)
    assert set(group.parts) == parts_of(group), f"name the parts of {name} in PARTS of its file"


def test_a_group_with_wrong_parts_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry.load("groups", "se3"), "PARTS", ("T(3)", "SO(3)", "C_i"))
    assert set(groups.load("SE(3)").parts) != parts_of(groups.load("SE(3)")), "see a false C_i"


def test_rigid_groups_neither_scale_nor_renumber() -> None:
    assert set(groups.rigid()) == {"T(3)", "SO(3)", "O(3)", "C_i", "SE(3)", "E(3)", "O_h"}, (
        "let rigid() leave out what stretches or renumbers, and nothing else"
    )
    assert not groups.load("SE(3) x S_n").rigid, "a product that renumbers is not rigid"


@pytest.mark.parametrize("file", FILES)
def test_samples_are_of_the_group(file: str) -> None:
    g = samples(file)
    assert traits(g) == expected(file)[:3], (
        "draw elements of the kind that EXPECTED says, or correct EXPECTED"
    )
    assert g.matrix.dtype == g.shift.dtype == np.float64, "sample in float64; the measure rounds"
    assert len(g) == 16, "draw as many elements as are asked for"


@pytest.mark.parametrize("file", FILES)
def test_products_of_elements_stay_in_the_group(file: str) -> None:
    both = groups.compose(samples(file), samples(file, seed=1))
    matrix, shifted, permuted = expected(file)[:3]
    assert matrix in KINDS[kind(both.matrix)], (
        "draw from a group: a product of two samples has matrices of another kind"
    )
    assert shifted or not np.any(both.shift), (
        "draw from a group: a product of two samples shifts, its elements do not"
    )
    assert permuted == (both.permutation is not None), (
        "draw from a group: a product renumbers where its elements do not, or the reverse"
    )


@pytest.mark.parametrize("file", FILES)
def test_samples_differ_and_repeat_by_seed(file: str) -> None:
    first, again, other = samples(file), samples(file), samples(file, seed=1)
    assert (first.matrix == again.matrix).all(), (
        "draw from the generator that is given, and from nothing else"
    )
    assert (first.shift == again.shift).all(), (
        "draw from the generator that is given, and from nothing else"
    )
    flat = [np.concatenate([g.matrix.ravel(), g.shift.ravel()]) for g in (first, other)]
    permuted = first.permutation is not None and (first.permutation != other.permutation).any()
    assert permuted or (flat[0] != flat[1]).any(), "let another seed draw other elements"


@pytest.mark.parametrize("name", [*NAMES, *PRODUCTS])
def test_acting_twice_is_acting_with_the_product(name: str, scene: Graph) -> None:
    graph = pad(scene).astype(np.float64)
    outer, inner = samples(name, 1), samples(name, 1, seed=1)
    with elements.jax.enable_x64(True):
        once, order = action.act_on_graph(groups.compose(outer, inner)[0], graph)
        between, first = action.act_on_graph(inner[0], graph)
        twice, second = action.act_on_graph(outer[0], between)
        assert (np.asarray(order) == np.asarray(first)[np.asarray(second)]).all(), (
            "acting twice renumbers edges as the product does: x_i -> R x_p(i) + t"
        )
        assert once.positions.dtype == np.float64, "act in the precision of the graph"
    for field in ("senders", "receivers", "edge_mask", "node_mask", "graph_index", "charges"):
        assert (np.asarray(getattr(once, field)) == np.asarray(getattr(twice, field))).all(), (
            f"acting twice has to leave {field} as the product does"
        )
    for field in ("positions", "velocities"):
        np.testing.assert_allclose(getattr(once, field), getattr(twice, field), atol=1e-13)


@pytest.mark.parametrize("name", [*NAMES, *PRODUCTS])
def test_an_element_moves_what_it_should(name: str, scene: Graph) -> None:
    """x_i -> R x_p(i) + t, velocities without the shift, padding at rest, edges sorted."""
    graph, g = pad(scene).astype(np.float64), samples(name, 1)[0]
    p = np.arange(8) if g.permutation is None else g.permutation
    with elements.jax.enable_x64(True):
        moved, order = map(_host, action.act_on_graph(g, graph))
    x, v = np.asarray(graph.positions), np.asarray(graph.velocities)
    np.testing.assert_allclose(
        moved.positions[REAL], (x[p] @ g.matrix.T + g.shift)[REAL], atol=1e-13
    )
    np.testing.assert_allclose(moved.velocities, v[p] @ g.matrix.T, atol=1e-13)
    assert (moved.positions[~REAL] == 0).all(), "leave the places of padding 0"
    assert (moved.charges == np.asarray(graph.charges)[p]).all(), (
        "renumber charges with their particles"
    )
    assert (np.diff(moved.receivers) >= 0).all(), "sort edges by receiver after renumbering"
    pairs = {(p[s], p[r]) for s, r in zip(moved.senders, moved.receivers, strict=True)}
    assert pairs == set(zip(graph.senders.tolist(), graph.receivers.tolist(), strict=True)), (
        "renumber both ends of each edge"
    )
    assert (p[moved.senders] == graph.senders[order]).all(), (
        "say in the order which old edge each new one is"
    )


def _host(x: Any) -> Any:
    return elements.jax.device_get(x)


def test_permutations_leave_padding_in_place() -> None:
    permutation = samples("sn", 200).permutation
    assert permutation is not None, "give renumberings: S_n is nothing else"
    assert (permutation[:, ~REAL] == np.flatnonzero(~REAL)).all(), "leave padding in its place"
    assert (np.sort(permutation[:, REAL]) == np.flatnonzero(REAL)).all(), (
        "renumber each real particle once"
    )
    assert len({tuple(row) for row in permutation}) > 80, (
        "draw all of the 120 permutations of five with one probability"
    )  # of the 120 permutations of five


def test_a_cube_has_48_symmetries() -> None:
    """All are drawn, each maps the cube's corners onto themselves, half of them are improper."""
    found = {tuple(m.ravel()) for m in samples("oh", 2000).matrix}
    assert len(found) == 48, "a cube has 48 symmetries: draw each of them"
    corners = np.array(np.meshgrid(*[[-1.0, 1.0]] * 3)).reshape(3, 8)
    for m in (np.reshape(m, (3, 3)) for m in found):
        assert {tuple(c) for c in (m @ corners).T} == {tuple(c) for c in corners.T}, (
            "map the cube's corners onto themselves"
        )
    assert sum(np.linalg.det(np.reshape(m, (3, 3))) < 0 for m in found) == 24, (
        "half of the cube's symmetries are improper"
    )
