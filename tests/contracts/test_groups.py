"""Every registered group is a group, acts on graphs as one, and has the generators it says."""

import re
from typing import Any

import numpy as np
import pytest
from scipy.linalg import expm, logm

from demetar.core import registry
from demetar.core.errors import InputError
from demetar.core.graph import Graph
from demetar.core.padding import pad
from demetar.symmetry import action, elements, groups
from demetar.symmetry.elements import Elements

FILES = registry.names("groups")
NAMES = groups.names()
PRODUCTS = ["E(3) x S_n", "Sim(3) x S_n", "T(3) x C_i"]
REAL = np.array([True] * 5 + [False] * 3)
# Matrices of a kind are also of each kind to its right.
KINDS = {
    "identity": {"identity", "±identity", "rotation", "orthogonal", "similarity"},
    "±identity": {"±identity", "orthogonal", "similarity"},
    "rotation": {"rotation", "orthogonal", "similarity"},
    "orthogonal": {"orthogonal", "similarity"},
    "similarity": {"similarity"},
}
EXPECTED = {  # kind of the matrices, whether shifts, whether permutations, dimension
    "ci": ("±identity", False, False, 0),
    "e3": ("orthogonal", True, False, 6),
    "o3": ("orthogonal", False, False, 3),
    "oh": ("orthogonal", False, False, 0),
    "se3": ("rotation", True, False, 6),
    "sim3": ("similarity", True, False, 7),
    "sn": ("identity", False, True, 0),
    "so3": ("rotation", False, False, 3),
    "t3": ("identity", True, False, 3),
}


def expected(file: str) -> tuple[str, bool, bool, int]:
    assert file in EXPECTED, f"say in EXPECTED what the elements of {file} look like"
    return EXPECTED[file]


def samples(name: str, count: int = 16, seed: int = 0) -> Elements:
    return groups.load(name).sample(np.random.default_rng(seed), count, REAL)


def kind(matrix: np.ndarray) -> str:
    """The narrowest kind that holds all the matrices [s, 3, 3]; raises if there is none."""
    square = np.swapaxes(matrix, 1, 2) @ matrix
    factor = square[:, 0, 0, None, None]
    np.testing.assert_allclose(square, factor * np.eye(3), atol=1e-13)
    if not np.allclose(factor, 1, atol=1e-13):
        return "similarity"
    if np.allclose(matrix, np.eye(3), atol=1e-13):
        return "identity"
    if np.allclose(matrix, matrix[:, :1, :1] * np.eye(3), atol=1e-13):
        return "±identity"
    return "rotation" if (np.linalg.det(matrix) > 0).all() else "orthogonal"


def traits(g: Elements) -> tuple[str, bool, bool]:
    return kind(g.matrix), bool(np.any(g.shift)), g.permutation is not None


def affine(g: Elements) -> np.ndarray:
    """The elements as [s, 4, 4] acting on (x, 1)."""
    a = np.zeros((len(g), 4, 4))
    a[:, :3, :3], a[:, :3, 3], a[:, 3, 3] = g.matrix, g.shift, 1
    return a


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


def test_rotations_are_uniform() -> None:
    """Haar measure: the mean matrix is 0, the mean squared entry 1/3, the mean squared trace 1."""
    r = samples("so3", 4000).matrix
    assert np.abs(r.mean(0)).max() < 0.05, "draw rotations uniformly: the mean matrix is 0"
    assert np.abs((r**2).mean(0) - 1 / 3).max() < 0.03, (
        "draw rotations uniformly: the mean squared entry is 1/3"
    )
    assert abs((np.trace(r, axis1=1, axis2=2) ** 2).mean() - 1) < 0.1, (
        "draw rotations uniformly: the mean squared trace is 1"
    )


@pytest.mark.parametrize("name", ["C_i", "O(3)", "E(3)", "Sim(3)", "T(3) x C_i"])
def test_signs_are_drawn_by_coins(name: str) -> None:
    """Half of the elements are improper, and neither their neighbours nor their index tell which."""
    signs = np.sign(np.linalg.det(samples(name, 4000).matrix))
    assert abs(signs.mean()) < 0.05, f"draw half of the elements of {name} improper"
    assert abs(np.mean(signs[1:] * signs[:-1])) < 0.05, (
        "let neighbouring elements have signs of their own coins"
    )
    assert abs(signs[::2].mean()) < 0.07, "let an element's place not tell its sign"
    assert groups.load(name).improper, f"name C_i in PARTS of {name} or of a factor"


@pytest.mark.parametrize("name", NAMES)
def test_few_elements_are_of_both_hands(name: str) -> None:
    group = groups.load(name)
    for seed in range(20):
        for count in (1, 2, 3):
            g = group.covering(np.random.default_rng(seed), count, REAL)
            signs = set(np.sign(np.linalg.det(g.matrix)))
            both = {-1.0} if count == 1 else {-1.0, 1.0}
            assert signs == (both if group.improper else {1.0}), (
                "let a few elements be of both hands; C_i in PARTS says whether there are two"
            )


def test_the_identity_is_told_from_what_moves() -> None:
    assert not elements.identity(3).moving().any(), "the identity moves nothing"
    assert elements.Elements(np.eye(3)[None], np.zeros((1, 3)), np.arange(8)[None]).moving() == [
        False
    ], "a renumbering of nobody moves nothing"
    assert samples("so3").moving().all(), "a rotation moves something"
    assert samples("t3").moving().all(), "a shift moves something"
    assert samples("sn").moving().any(), "a renumbering moves something"
    moving = samples("ci", 50).moving()
    assert (moving == (np.linalg.det(samples("ci", 50).matrix) < 0)).all(), (
        "of C_i the inversion alone moves something"
    )


@pytest.mark.parametrize("file", FILES)
def test_generators_span_the_tangent_space(file: str) -> None:
    """Logarithms of samples are combinations of the generators, whose exponentials are elements."""
    generators = groups.load(file).generators()
    assert len(generators) == expected(file)[3], (
        "give as many generators as EXPECTED says that the group has dimensions"
    )
    assert len({name for name, *_ in generators}) == len(generators), (
        "give each generator a name of its own"
    )
    if not generators:
        return
    tangents = np.zeros((len(generators), 4, 4))
    for row, (_, matrix, shift) in zip(tangents, generators, strict=True):
        row[:3, :3], row[:3, 3] = matrix, shift
    assert np.linalg.matrix_rank(tangents.reshape(len(tangents), -1)) == len(tangents), (
        "give generators of which none is a combination of the others"
    )
    g = samples(file)
    for a in affine(g)[np.linalg.det(g.matrix) > 0]:
        log = np.real(logm(a)).ravel()
        weights = np.linalg.lstsq(tangents.reshape(len(tangents), -1).T, log, rcond=None)[0]
        np.testing.assert_allclose(np.tensordot(weights, tangents, 1).ravel(), log, atol=1e-10)
    allowed, shifted = expected(file)[:2]
    for step in (1e-6, 0.7):
        moved = expm(step * tangents)
        assert allowed in KINDS[kind(moved[:, :3, :3])], (
            "the exponential of a generator leaves the group: check signs and transposes"
        )
        assert shifted or not moved[:, :3, 3].any(), (
            "the exponential of a generator shifts, the group's elements do not"
        )
    slope = (expm(1e-6 * tangents) - expm(-1e-6 * tangents)) / 2e-6
    np.testing.assert_allclose(slope, tangents, atol=1e-9)


def test_rotations_turn_counterclockwise() -> None:
    generators = {name: matrix for name, matrix, _ in groups.load("SO(3)").generators()}
    x, y, z = np.eye(3)
    assert (generators["rotation about z"] @ x == y).all(), (
        "turn counterclockwise: L_z takes x to y"
    )
    assert (generators["rotation about x"] @ y == z).all(), (
        "turn counterclockwise: L_x takes y to z"
    )
    assert (generators["rotation about y"] @ z == x).all(), (
        "turn counterclockwise: L_y takes z to x"
    )


@pytest.mark.parametrize(
    ("text", "factors"),
    [
        ("SO(3)", ("so3",)),
        ("so3", ("so3",)),
        ("E(3) x S_n", ("e3", "sn")),
        ("SE(3)×S_n", ("se3", "sn")),
        (" t3 * so3 * ci ", ("t3", "so3", "ci")),
    ],
)
def test_names_and_products_are_read(text: str, factors: tuple[str, ...]) -> None:
    group = groups.load(text)
    assert group.factors == factors, (
        "read names with and without brackets, and products by x, × or *"
    )
    assert groups.load(group.name).factors == factors, (
        "let a group's own name be read as that group"
    )
    assert len(group.generators()) == sum(len(groups.load(f).generators()) for f in factors), (
        "a product has the generators of its factors"
    )


@pytest.mark.parametrize(
    ("text", "hint"),
    [("SO(2)", "SO(3)"), ("SE(4)", "SE(3)"), ("Sim(4)", "Sim(3)"), ("E(3) x S_m", "S_n")],
)
def test_an_unknown_group_is_answered_with_the_closest(text: str, hint: str) -> None:
    with pytest.raises(InputError, match="did you mean") as caught:
        groups.load(text)
    assert repr(hint) in str(caught.value), f"name the closest group, {hint}"


@pytest.mark.parametrize("text", ["", "  ", "x", "nothing like it", "../o4", "e3 x"])
def test_nonsense_is_no_group(text: str) -> None:
    with pytest.raises(InputError, match="Expected a group among"):
        groups.load(text)
