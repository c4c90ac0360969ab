"""How elements of the groups are drawn, named and generated."""

import numpy as np
import pytest
from scipy.linalg import expm, logm

from demetar.core.errors import InputError
from demetar.symmetry import elements, groups
from demetar.symmetry.elements import Elements
from tests.support.grouped import FILES, KINDS, NAMES, REAL, expected, kind, samples


def affine(g: Elements) -> np.ndarray:
    """The elements as [s, 4, 4] acting on (x, 1)."""
    a = np.zeros((len(g), 4, 4))
    a[:, :3, :3], a[:, :3, 3], a[:, 3, 3] = g.matrix, g.shift, 1
    return a


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
