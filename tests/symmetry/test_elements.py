"""Representations against e3nn's spherical harmonics, and the action on values, features, attention."""

import e3nn_jax as e3nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from demetar.core.graph import Graph
from demetar.core.output import Attention, Feature, Kind, Value, scalars
from demetar.core.padding import pad
from demetar.symmetry import action, elements, groups
from demetar.symmetry import irreps as ir
from demetar.symmetry.elements import Elements

TURNS = {
    "random": Rotation.random(random_state=1).as_matrix(),
    "identity": np.eye(3),
    "about y": Rotation.from_euler("y", 0.4).as_matrix(),
    "half about z": Rotation.from_euler("z", np.pi).as_matrix(),
    "small about x": Rotation.from_euler("x", 1e-3).as_matrix(),
    "tiny": Rotation.from_rotvec([1e-5, 0, 2e-5]).as_matrix(),
    "inversion": -np.eye(3),
    "mirror": np.diag([1.0, 1, -1]),
}


def harmonics(degree: int, x: np.ndarray) -> np.ndarray:
    """Y_l [n, 2l+1] of e3nn, float64; of parity (−1)^l."""
    with jax.enable_x64(True):
        ir = e3nn.Irreps([e3nn.Irrep(degree, (-1) ** degree)])
        return np.asarray(e3nn.spherical_harmonics(ir, jnp.asarray(x), normalize=True).array)


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("degree", [0, 1, 2, 3, 4])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 2e-6), ("float64", 2e-14)])
def test_wigner_turns_spherical_harmonics(
    turn: str, degree: int, dtype: str, tolerance: float
) -> None:
    matrix = TURNS[turn]
    x = np.random.default_rng(0).normal(size=(40, 3))
    irrep = f"{degree}{'oe'[(degree + 1) % 2]}"
    with jax.enable_x64(dtype == "float64"):
        d = np.asarray(ir.wigner(irrep, jnp.asarray(matrix, dtype)))
    assert d.dtype == dtype
    expected = harmonics(degree, x @ matrix.T)
    assert np.abs(harmonics(degree, x) @ d.T.astype(np.float64) - expected).max() < tolerance


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_wigner_is_e3nns_own_matrix(degree: int) -> None:
    matrix = TURNS["random"]
    with jax.enable_x64(True):
        expected = e3nn.Irrep(degree, 1).D_from_matrix(jnp.asarray(matrix))
        mine = ir.wigner(f"{degree}e", jnp.asarray(matrix))
        np.testing.assert_allclose(mine, expected, atol=1e-12)


@pytest.mark.parametrize(
    ("irrep", "sign"), [("0e", 1), ("0o", -1), ("1e", 1), ("1o", -1), ("2e", 1), ("2o", -1)]
)
def test_inversion_acts_by_parity(irrep: str, sign: int) -> None:
    matrix = np.asarray(ir.wigner(irrep, -np.eye(3, dtype=np.float32)))
    np.testing.assert_allclose(matrix, sign * np.eye(len(matrix)), atol=3e-7)


def test_wigner_is_a_homomorphism() -> None:
    a, b = Rotation.random(2, random_state=3).as_matrix()
    with jax.enable_x64(True):
        for irrep in ("2e", "3o"):
            d = [np.asarray(ir.wigner(irrep, jnp.asarray(m))) for m in (a, -b, -a @ b)]
            np.testing.assert_allclose(d[0] @ d[1], d[2], atol=1e-13)


def element(permutation: np.ndarray | None = None) -> Elements:
    matrix = -TURNS["random"].astype(np.float32)
    return Elements(matrix, np.array([1.0, -2, 0.5], np.float32), permutation)


def test_a_mixed_value_is_turned_block_by_block() -> None:
    """2x0e + 1o + 1e + 0o in e3nn's flat order; only places are shifted."""
    rows = np.random.default_rng(0).normal(size=(4, 9)).astype(np.float32)
    g, order = element(), np.arange(3)
    kind = Kind("2x0e+1x1o+1x1e+1x0o")
    moved = np.asarray(action.act_on_value(g, Value(rows, kind), order))
    r = g.matrix
    expected = np.concatenate(
        [rows[:, :2], rows[:, 2:5] @ r.T, -rows[:, 5:8] @ r.T, -rows[:, 8:]], axis=1
    )
    np.testing.assert_allclose(moved, expected, atol=1e-6)
    places = Value(rows[:, 2:5], Kind("1x1o", affine=True))
    np.testing.assert_allclose(
        action.act_on_value(g, places, order), rows[:, 2:5] @ r.T + g.shift, atol=1e-6
    )


def test_multiplicities_are_turned_each() -> None:
    rows = np.random.default_rng(0).normal(size=(4, 6)).astype(np.float32)
    moved = action.act_on_value(element(), Value(rows, Kind("2x1o")), np.arange(3))
    expected = rows.reshape(4, 2, 3) @ element().matrix.T
    np.testing.assert_allclose(moved, expected.reshape(4, 6), atol=1e-6)


def test_features_are_turned_with_channels_last() -> None:
    values = np.random.default_rng(0).normal(size=(4, 3, 5)).astype(np.float32)
    moved = action.act_on_feature(element(), Feature(values, "1o"), np.arange(3))
    expected = np.einsum("ij,njc->nic", element().matrix, values)
    np.testing.assert_allclose(moved, expected, atol=1e-6)
    same = action.act_on_feature(element(), scalars(values[:, 0]), np.arange(3))
    np.testing.assert_array_equal(same, values[:, :1])


def test_rows_are_renumbered_by_what_they_belong_to(scene: Graph) -> None:
    graph = pad(scene).astype(np.float32)
    real = np.asarray(graph.node_mask)
    p = groups.load("S_n").sample(np.random.default_rng(0), 1, real).permutation[0]
    g = Elements(np.eye(3, dtype=np.float32), np.zeros(3, np.float32), p)
    moved, order = action.act_on_graph(g, graph)
    lengths = _lengths(graph)
    per_edge = Value(lengths[:, None], Kind("1x0e", per="edge"))
    np.testing.assert_allclose(
        action.act_on_value(g, per_edge, order)[:, 0], _lengths(moved), atol=1e-6
    )
    per_node = Value(np.asarray(graph.charges)[:, None], Kind("1x0e"))
    np.testing.assert_array_equal(
        action.act_on_value(g, per_node, order)[:, 0], np.asarray(moved.charges)
    )
    per_graph = Value(np.ones((1, 1), np.float32), Kind("1x0e", per="graph"))
    np.testing.assert_array_equal(action.act_on_value(g, per_graph, order), [[1]])
    edges = Feature(lengths[:, None, None], "0e", "edge")
    np.testing.assert_allclose(
        action.act_on_feature(g, edges, order)[:, 0, 0], _lengths(moved), atol=1e-6
    )


def _lengths(graph: Graph) -> np.ndarray:
    x = np.asarray(graph.positions)
    return np.linalg.norm(x[np.asarray(graph.senders)] - x[np.asarray(graph.receivers)], axis=1)


def test_attention_is_a_matrix_that_is_renumbered(scene: Graph) -> None:
    graph = pad(scene).astype(np.float32)
    p = np.array([3, 0, 4, 1, 2, 5, 6, 7])
    g = Elements(np.eye(3, dtype=np.float32), np.zeros(3, np.float32), p)
    moved, _ = action.act_on_graph(g, graph)

    def matrix(gr: Graph) -> np.ndarray:
        attention = Attention(_lengths(gr)[:, None], gr.senders, gr.receivers, gr.edge_mask)
        return np.asarray(action.attention_matrix(attention, 8))

    first = matrix(graph)
    assert first.shape == (8, 8, 1)
    assert first[1, 0, 0] == pytest.approx(
        np.linalg.norm(scene.positions[1] - scene.positions[0]), rel=1e-6
    )
    assert (first[5:] == 0).all()
    turned = np.asarray(action.act_on_attention(g, first, "node", jnp.arange(20)))
    np.testing.assert_allclose(turned, matrix(moved), atol=1e-6)
    np.testing.assert_array_equal(turned[0, 1], first[3, 0])


def test_a_matrix_makes_an_element() -> None:
    g = elements.from_matrix(np.eye(3))
    assert len(g) == 1
    assert not g.shift.any()
    assert g.permutation is None
    assert g.astype("float32").matrix.dtype == np.float32
