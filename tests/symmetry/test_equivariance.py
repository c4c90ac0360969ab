"""Δ_EQ against faults of known size, an independent NumPy computation, and analytic derivatives."""

import dataclasses
from typing import Any

import ase.build
import e3nn_jax as e3nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ase.collections import g2

from demetar.core.errors import InputError
from demetar.core.graph import Graph, from_arrays, from_atoms
from demetar.core.output import Attention, Feature, Kind, Layer, Output, Value, scalars
from demetar.core.padding import batch, pad, rung
from demetar.symmetry import comparison, elements, groups
from demetar.symmetry.comparison import LAYER_FLOOR
from demetar.symmetry.equivariance import measure, measure_arrays
from demetar.symmetry.instruments.lie import lie_derivative
from demetar.symmetry.scales import FLOOR

PLACES = Kind("1x1o", affine=True)
VECTORS = Kind("1x1o")
FAULT = np.array([0.01, 0.02, -0.03])
SKEW = np.array([[1.0, 0.5, 0], [0, 2, 0.25], [0.3, 0, -1]])
each_precision = pytest.mark.parametrize("dtype", ["float32", "float64"])


def places(graph: Graph) -> Output:
    """The positions themselves: commutes with everything."""
    return Output({"positions": Value(graph.positions, PLACES)})


def faulty(graph: Graph) -> Output:
    """Places with the constant FAULT added, a sheared velocity, and x-coordinates as an invariant."""
    real = graph.node_mask[:, None]
    x = graph.positions
    shifted = jnp.where(real, x + jnp.asarray(FAULT, x.dtype), 0)
    assert graph.velocities is not None
    sheared = graph.velocities @ jnp.asarray(SKEW, x.dtype).T
    total = jnp.sum(jnp.where(real, x, 0)[:, :1], 0, keepdims=True)
    first = graph.positions[graph.senders][:, :1]
    return Output(
        {
            "positions": Value(shifted, PLACES),
            "sheared": Value(sheared, VECTORS),
            "total": Value(total, Kind("1x0e", per="graph")),
            "edges": Value(first, Kind("1x0e", per="edge")),
        }
    )


def by_hand(graph: Graph, g: Any) -> dict[str, np.ndarray]:
    """Δ of `faulty` in float64 NumPy, without the library's own transformations."""
    x, v = graph.positions, graph.velocities
    names = ("positions", "classic", "sheared", "total", "edges")
    found: dict[str, list[float]] = {name: [] for name in names}
    for k in range(len(g)):
        r, t = g.matrix[k], g.shift[k]
        p = np.arange(len(x)) if g.permutation is None else g.permutation[k][: len(x)]
        y = x[p] @ r.T + t
        left, right = (x + FAULT)[p] @ r.T + t, y + FAULT
        found["positions"].append(np.linalg.norm(left - right) / np.linalg.norm(left - y))
        found["classic"].append(np.linalg.norm(left - right) / np.linalg.norm(left - left.mean(0)))
        left, right = v[p] @ SKEW.T @ r.T, v[p] @ r.T @ SKEW.T
        found["sheared"].append(np.linalg.norm(left - right) / np.linalg.norm(left))
        found["total"].append(abs(x[:, 0].sum() - y[:, 0].sum()) / abs(x[:, 0].sum()))
        # Each pair once as (receiver, sender): the order of edges does not matter to a norm.
        i, j = np.nonzero(~np.eye(len(x), dtype=bool))
        left, right = x[p][j, 0], y[j, 0]
        found["edges"].append(np.linalg.norm(left - right) / np.linalg.norm(left))
    return {k: np.array(d) for k, d in found.items()}


@each_precision
def test_delta_is_what_numpy_computes(scene: Graph, dtype: str) -> None:
    expected = by_hand(scene, groups.load("E(3) x S_n").sample(np.random.default_rng(0), 8, REAL))
    m = measure(faulty, scene, "E(3) x S_n", samples=8, dtype=dtype)
    tolerance = 1e-3 if dtype == "float32" else 1e-10
    np.testing.assert_allclose(m.classic["positions"], expected.pop("classic"), rtol=tolerance)
    for name, delta in expected.items():
        np.testing.assert_allclose(m.delta[name], delta, rtol=tolerance, err_msg=name)
        if name != "edges":  # they are in another order, so nothing stands beside them
            np.testing.assert_allclose(m.rebuilt[name], delta, rtol=tolerance, err_msg=name)
    assert m.rebuilt.keys() == m.delta.keys() - {"edges"}
    assert (m.edges_changed == 0).all()


REAL = np.array([True] * 5 + [False] * 3)


def test_elements_in_any_number_give_what_they_give_together(
    scene: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In rooms of every size, computed in chunks or, as on an accelerator, all at once."""
    drawn = groups.load("E(3) x S_n").sample(np.random.default_rng(0), 300, REAL)
    whole = by_hand(scene, drawn)
    del whole["classic"]
    assert all(
        lead >= 1 and (ways * room + lead) % chunk == 0 and lead <= 1 + ways * room // 8
        for ways in (1, 2)
        for room, lead, chunk in (comparison.rooms(count, ways) for count in range(1, 2_000))
    )
    at_once = (lambda count, ways, most: (count, 1, ways * count + 1),)
    for rooms in (comparison.rooms, *at_once):
        monkeypatch.setattr(comparison, "rooms", rooms)
        for count in (1, 3, 9, 41, 300):
            m = measure(faulty, scene, elements=drawn[:count], dtype="float64")
            for name, delta in whole.items():
                np.testing.assert_allclose(m.delta[name], delta[:count], rtol=1e-10, err_msg=name)


def test_a_fault_of_known_size_gives_that_delta() -> None:
    """x + ε under inversion: each of n particles is off by 2ε, and a square of side 2 has size √(2n)."""
    square = np.array([[1.0, 1, 0], [-1, 1, 0], [1, -1, 0], [-1, -1, 0]])

    def f(graph: Graph) -> Output:
        x = jnp.where(graph.node_mask[:, None], graph.positions + jnp.asarray([0.03, 0, 0.04]), 0)
        return Output({"x": Value(x, VECTORS)})

    m = measure(f, from_arrays(square), "C_i", 1, dtype="float64")
    size = np.sqrt(8 + 4 * 0.05**2)
    assert m.absolute["x"][0] == pytest.approx(2 * 0.05 * 2, rel=1e-7)
    assert m.delta["x"][0] == pytest.approx(0.2 / size, rel=1e-7)


@each_precision
def test_paths_and_prediction_come_without_padding(scene: Graph, dtype: str) -> None:
    m = measure(faulty, scene, "E(3) x S_n", samples=3, dtype=dtype)
    sizes = {"positions": (5, 3), "sheared": (5, 3), "total": (1, 1), "edges": (20, 1)}
    for name, shape in sizes.items():
        assert m.prediction[name].shape == shape
        assert m.predict_then_move[name].shape == m.move_then_predict[name].shape == (3, *shape)
        gap = np.linalg.norm(m.predict_then_move[name] - m.move_then_predict[name], axis=(1, 2))
        np.testing.assert_allclose(gap, m.absolute[name], rtol=1e-5)
        assert len(m.delta[name]) == 3
    np.testing.assert_allclose(m.prediction["positions"], scene.positions + FAULT, rtol=1e-6)
    assert m.kinds["positions"] == PLACES


def test_same_seed_same_elements(scene: Graph) -> None:
    first, again = (measure(faulty, scene, "E(3)", 4, seed=7) for _ in range(2))
    other = measure(faulty, scene, "E(3)", 4, seed=8)
    assert (first.delta["positions"] == again.delta["positions"]).all()
    assert (first.delta["positions"] != other.delta["positions"]).any()


def test_given_elements_are_used(scene: Graph) -> None:
    """Rotating by θ about z moves the fault by 2 sin(θ/2) times its part across z."""
    angles = np.array([0.0, 0.1, np.pi / 2, np.pi])
    matrices = np.stack(
        [[[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]] for a in angles]
    )
    m = measure(faulty, scene, elements=elements.from_matrix(matrices), dtype="float64")
    across = np.hypot(*FAULT[:2]) * 2 * np.sin(angles / 2) * np.sqrt(5)
    np.testing.assert_allclose(m.absolute["positions"], across, atol=1e-14)


class Known:
    """A function that knows the rms of its output, as a run does."""

    centred = False

    def __init__(self, function: Any, rms: dict[str, float], constant: dict | None = None) -> None:
        self.call, self.rms, self.constant = function, rms, constant or {}

    def function(self, params: Any, graph: Graph) -> Output:
        return self.call(graph)

    def prepare(self, graph: Graph) -> Graph:
        return graph

    def varying(self, graph: Graph) -> tuple[dict, dict]:
        return {}, self.constant


def nearly_nothing(graph: Graph) -> Output:
    """A dipole that symmetry forces to vanish, up to 1e-9 that does not turn."""
    noise = jnp.asarray([[1e-9, 0, 0]], graph.positions.dtype)
    return Output({"dipole": Value(noise, Kind("1x1o", per="graph"))})


def test_the_scale_does_not_vanish_with_the_output(scene: Graph) -> None:
    bare = measure(nearly_nothing, scene, "C_i", 1, dtype="float64")
    assert bare.delta["dipole"][0] == pytest.approx(2)
    floor = measure(Known(nearly_nothing, {"dipole": 0.5}), scene, "C_i", 1, dtype="float64")
    assert floor.delta["dipole"][0] == pytest.approx(2e-9 / (FLOOR * 0.5 * np.sqrt(3)))
    assert floor.absolute["dipole"][0] == bare.absolute["dipole"][0] == pytest.approx(2e-9)


def test_the_floor_leaves_larger_outputs_alone(scene: Graph) -> None:
    usual = measure(faulty, scene, "E(3)", 4, dtype="float64").delta["sheared"]
    floor = measure(Known(faulty, {"sheared": 0.1}), scene, "E(3)", 4, dtype="float64")
    np.testing.assert_allclose(floor.delta["sheared"], usual, rtol=1e-12)


def test_a_large_shift_cannot_hide_an_error(scene: Graph) -> None:
    """Places are measured about their centroid: an error of 1 stays of order 1 at a distance of 1e6."""

    def f(graph: Graph) -> Output:
        x = graph.positions
        wrong = jnp.where(graph.node_mask[:, None], x + jnp.sin(x), 0)
        return Output({"x": Value(wrong, PLACES)})

    far = elements.Elements(np.eye(3)[None], np.array([[1e6, 2e6, -1e6]]))
    assert measure(f, scene, elements=far, dtype="float64").delta["x"][0] > 0.1


def test_a_place_that_is_declared_a_vector_is_caught(scene: Graph) -> None:
    def f(graph: Graph) -> Output:
        return Output({"x": Value(graph.positions, VECTORS)})

    assert measure(places, scene, "T(3)", 4, dtype="float64").delta["positions"].max() < 1e-14
    assert measure(f, scene, "T(3)", 4, dtype="float64").delta["x"].min() > 0.1
    assert measure(f, scene, "O(3)", 4, dtype="float64").delta["x"].max() < 1e-14


def pseudovector(graph: Graph) -> Output:
    """Angular momenta x × v, declared with both parities, and the triple product as 0o and 0e."""
    assert graph.velocities is not None
    l = jnp.cross(graph.positions, graph.velocities)
    triple = jnp.sum(jnp.roll(graph.positions[:5], 1, 0) * l[:5], keepdims=True)[:, :1]
    return Output(
        {
            "1e": Value(l, Kind("1x1e")),
            "1o": Value(l, Kind("1x1o")),
            "0o": Value(triple.reshape(1, 1), Kind("1x0o", per="graph")),
            "0e": Value(triple.reshape(1, 1), Kind("1x0e", per="graph")),
        }
    )


def test_parity_is_told_apart(scene: Graph) -> None:
    rotated = measure(pseudovector, scene, "SO(3)", 4, dtype="float64").delta
    assert max(d.max() for d in rotated.values()) < 1e-13
    inverted = measure(pseudovector, scene, "C_i", 1, dtype="float64").delta
    assert inverted["1e"][0] < 1e-14
    assert inverted["0o"][0] < 1e-14
    assert inverted["1o"][0] == pytest.approx(2)
    assert inverted["0e"][0] == pytest.approx(2)


def test_precision_shows_in_delta(scene: Graph) -> None:
    """An equivariant computation that magnifies rounding: Δ follows the eps of each format."""

    def f(graph: Graph) -> Output:
        x = graph.positions
        for _ in range(6):
            x = x * jnp.sqrt(1 + jnp.sum(x * x, -1, keepdims=True)) / 2
        return Output({"x": Value(x, VECTORS)})

    worst = {
        dtype: measure(f, scene, "SO(3)", 8, dtype=dtype).delta["x"].max()
        for dtype in ("float64", "float32", "bfloat16")
    }
    assert 0 < worst["float64"] < 1e-13
    assert 1e-8 < worst["float32"] < 1e-5
    assert 1e-3 < worst["bfloat16"] < 0.2


# ------------------------------------------------------------------------------ layers and attention


def three_layers(broken: int | None = None, attention: bool = False) -> Any:
    """A function with a trace of three layers of which one does not turn."""

    def f(graph: Graph) -> Output:
        layers = []
        for i in range(3):
            v = graph.positions - jnp.sum(graph.positions, 0) / jnp.sum(graph.node_mask)
            length = jnp.sum(v * v, -1, keepdims=True)
            weights = jnp.exp(-length[graph.senders])
            if i == broken and not attention:
                v = v.at[:, 0].add(0.05)
            if i == broken and attention:
                weights = weights + 0.01 * graph.positions[graph.senders][:, :1]
            seen = Attention(weights, graph.senders, graph.receivers, graph.edge_mask)
            features = (Feature(v[..., None], "1o"), scalars(length))
            layers.append(Layer(f"layer {i}", features, seen))
        return Output({"positions": Value(graph.positions, PLACES)}, tuple(layers))

    return f


@each_precision
@pytest.mark.parametrize("attention", [False, True])
def test_the_first_broken_layer_is_found(scene: Graph, dtype: str, attention: bool) -> None:
    m = measure(three_layers(1, attention), scene, "E(3) x S_n", 4, dtype=dtype)
    assert m.first_broken_layer() == "layer 1"
    assert max(d.max() for d in m.layers[0].features.values()) < 1e-5
    where = m.layers[1].attention if attention else m.layers[1].features["1o"]
    assert where is not None
    assert where.min() > 1e-3
    if not attention:
        assert m.layers[1].features["0e"].max() < 1e-5


@each_precision
def test_no_layer_is_broken_where_none_is(scene: Graph, dtype: str) -> None:
    m = measure(three_layers(), scene, "E(3) x S_n", 4, dtype=dtype)
    assert m.first_broken_layer() is None
    assert [layer.name for layer in m.layers] == ["layer 0", "layer 1", "layer 2"]
    assert measure(three_layers(), scene, "E(3)", 4, layers=False).layers == ()


@pytest.mark.parametrize("gain", [1.0, 1e4])
def test_weights_are_compared_with_the_largest(scene: Graph, gain: float) -> None:
    """Weights that grow by 0.01 x_j: under inversion the largest change is 0.02 max|x|, at any gain."""

    def f(graph: Graph) -> Output:
        (layer, *_), own = three_layers(0, True)(graph).trace, None
        own = dataclasses.replace(layer.attention, weights=gain * layer.attention.weights)
        return Output({}, (dataclasses.replace(layer, attention=own),))

    m = measure(f, scene, "C_i", 1, dtype="float64")
    own = jax.device_get(m.trace[0].attention)
    largest = np.abs(own.weights[own.mask]).max() / gain
    assert m.layers[0].attention is not None
    change = 0.02 * np.abs(scene.positions[:, 0]).max()
    assert m.layers[0].attention[0] == pytest.approx(change / largest)


def test_a_vanishing_feature_is_measured_by_its_layer(scene: Graph) -> None:
    """1e-6 of vectors beside scalars of size 1 count as rounding at the layer's size."""

    def f(graph: Graph) -> Output:
        n = graph.positions.shape[0]
        dtype = graph.positions.dtype
        ones, noise = jnp.ones((n, 1, 4), dtype), jnp.full((n, 3, 1), 1e-6, dtype)
        layer = Layer("only", (Feature(ones, "0e"), Feature(noise, "1o")))
        return Output({}, (layer,))

    found = measure(f, scene, "C_i", 1, dtype="float64").layers[0].features
    entries, total = 5 * 3, np.sqrt((5 * 4 + 15 * 1e-12) / (5 * 4 + 15))
    expected = 2e-6 * np.sqrt(entries) / (LAYER_FLOOR * total * np.sqrt(entries))
    assert found["1o"][0] == pytest.approx(expected)
    assert found["0e"][0] == 0


# ------------------------------------------------------------------------------ infinitesimal


def linear(graph: Graph) -> Output:
    """A x per particle, as vectors: does not commute with rotations unless A is a multiple of 1."""
    moved = graph.positions @ jnp.asarray(SKEW, graph.positions.dtype).T
    return Output({"Ax": Value(moved, VECTORS)})


@each_precision
def test_lie_derivative_is_the_commutator(scene: Graph, dtype: str) -> None:
    """d/dt [f(e^{tX} x) − e^{tX} f(x)] = (A X − X A) x, and A s under a translation."""
    found = lie_derivative(linear, scene, "SE(3)", dtype)["Ax"]
    x = scene.positions
    size = np.linalg.norm(x @ SKEW.T)
    for name, matrix, shift in groups.load("SE(3)").generators():
        commutator = SKEW @ matrix - matrix @ SKEW
        expected = np.linalg.norm(x @ commutator.T + SKEW @ shift) / size
        assert found[name] == pytest.approx(expected, rel=1e-5 if dtype == "float32" else 1e-12)


def test_lie_derivative_is_the_slope_of_delta(scene: Graph) -> None:
    angle = 1e-4
    turn = np.array(
        [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    )
    delta = measure(faulty, scene, elements=elements.from_matrix(turn), dtype="float64").delta
    slopes = lie_derivative(faulty, scene, "SO(3)", "float64")
    for name, found in delta.items():
        assert found[0] / angle == pytest.approx(slopes[name]["rotation about z"], rel=1e-3), name


def test_lie_derivative_of_what_commutes_is_zero(scene: Graph) -> None:
    def f(graph: Graph) -> Output:
        """Places, velocities, their cross product, and a symmetric traceless tensor of degree 2."""
        x, v = graph.positions, graph.velocities
        assert v is not None
        tensor = e3nn.spherical_harmonics("2e", v, normalize=False).array
        return Output(
            {
                "x": Value(x, PLACES),
                "v": Value(v, VECTORS),
                "l": Value(jnp.cross(v, v[::-1]), Kind("1x1e")),
                "q": Value(tensor, Kind("1x2e")),
            }
        )

    moving = from_arrays(scene.positions, velocities=scene.velocities, charges=scene.charges)
    found = lie_derivative(f, moving, "SE(3)", "float64")
    assert max(max(d.values()) for d in found.values()) < 1e-13
    wrong = lie_derivative(nearly_nothing, scene, "SO(3)", "float64")["dipole"]
    assert wrong["rotation about y"] == pytest.approx(1)
    assert wrong["rotation about x"] == pytest.approx(0, abs=1e-12)


def test_a_dilation_scales_degree_by_degree(scene: Graph) -> None:
    """Sim(3) acts on degree l with the l-th power of its factor, finite and infinitesimal alike."""

    def f(graph: Graph) -> Output:
        x = graph.positions
        tensor = e3nn.spherical_harmonics("2e", x, normalize=False).array
        return Output({"x": Value(x, PLACES), "q": Value(tensor, Kind("1x2e"))})

    found = lie_derivative(f, scene, "Sim(3)", "float64")
    # Nothing is displaced: the scale is the floor, a hundredth of the size, and enlarges rounding.
    assert max(found["x"].values()) < 1e-13
    assert found["q"]["dilation"] < 1e-14
    delta = measure(f, scene, "Sim(3)", 4, dtype="float64").delta["x"]
    assert delta.max() < 1e-13


def test_lie_derivative_needs_infinitesimal_elements(scene: Graph) -> None:
    with pytest.raises(InputError, match="infinitesimal"):
        lie_derivative(linear, scene, "S_n")


# ------------------------------------------------------------------------------ plain arrays


@each_precision
def test_spherical_harmonics_are_equivariant(dtype: str) -> None:
    x = np.random.default_rng(0).normal(size=(7, 3))

    def f(rows: Any) -> Any:
        return e3nn.spherical_harmonics("0e + 1o + 2e + 3o", rows, normalize=True).array

    delta = measure_arrays(f, x, "1x1o", "0e + 1o + 2e + 3o", "O(3)", 8, dtype=dtype)
    assert delta.shape == (8,)
    assert delta.max() < (3e-6 if dtype == "float32" else 1e-14)


@pytest.mark.parametrize("wrong", ["0e + 1e + 2e + 3o", "0e + 1o + 2o + 3o", "0e + 1o + 2e + 3e"])
def test_a_wrong_parity_shows_in_improper_elements_only(wrong: str) -> None:
    x = np.random.default_rng(0).normal(size=(7, 3))

    def f(rows: Any) -> Any:
        return e3nn.spherical_harmonics("0e + 1o + 2e + 3o", rows, normalize=True).array

    delta = measure_arrays(f, x, "1x1o", wrong, "O(3)", 8, dtype="float64")
    apart = delta > 0.1
    assert 0 < apart.sum() < 8, "improper elements and proper ones are drawn"
    assert delta[~apart].max() < 1e-14
    assert measure_arrays(f, x, "1x1e", wrong, "SO(3)", 4, dtype="float64").max() < 1e-14


def test_inputs_declared_1e_hide_a_wrong_parity() -> None:
    """The trap of testing with positions as 1e: improper elements then act as proper ones."""
    x = np.random.default_rng(0).normal(size=(3, 3))
    triple = lambda rows: jnp.linalg.det(rows).reshape(1, 1)  # noqa: E731
    assert measure_arrays(triple, x, "1x1e", "1x0e", "O(3)", 8, dtype="float64").max() < 1e-13
    right = measure_arrays(triple, x, "1x1o", "1x0e", "O(3)", 8, dtype="float64")
    np.testing.assert_allclose(right.max(), 2, rtol=1e-12)


# ------------------------------------------------------------------------------ compilations, errors


@each_precision
def test_ten_molecules_compile_once_a_rung(dtype: str) -> None:
    """Traces of the function: the same number for each rung of the ladder, none when repeated."""
    names = ["CH4", "H2O", "C2H6", "C6H6", "CH3CH2OH", "NH3", "C4H4O", "isobutane", "CO2", "C5H5N"]
    assert set(names) <= set(g2.names)
    molecules = [from_atoms(ase.build.molecule(name)) for name in names]
    calls: list[tuple[int, int]] = []

    def f(graph: Graph) -> Output:
        calls.append((graph.positions.shape[0], graph.senders.shape[0]))
        return places(graph)

    measure(f, molecules[0], "E(3) x S_n", 8, dtype=dtype)
    once = len(calls)
    assert once > 0
    for samples in (8, 5):
        for molecule in molecules:
            measure(f, molecule, "E(3) x S_n", samples, dtype=dtype)
    rungs = {rung(molecule) for molecule in molecules}
    assert 1 < len(rungs) < len(molecules)
    assert len(calls) == once * len(rungs)
    assert set(calls) == rungs


def test_precisions_do_not_share_a_compilation(scene: Graph) -> None:
    """The same function in both precisions, in either order, gives each its own digits."""
    first = measure(faulty, scene, "SO(3)", 2, dtype="float64").delta["positions"]
    between = measure(faulty, scene, "SO(3)", 2, dtype="float32").delta["positions"]
    again = measure(faulty, scene, "SO(3)", 2, dtype="float64").delta["positions"]
    assert (between != first).any()
    np.testing.assert_allclose(between, first, rtol=1e-4)
    assert (first == again).all()
    assert not jax.config.jax_enable_x64


def test_numbers_of_samples(scene: Graph) -> None:
    for samples in (1, 8, 9, 41):
        m = measure(places, scene, "E(3)", samples)
        assert len(m.delta["positions"]) == len(m.elements) == samples
        assert m.move_then_predict["positions"].shape == (samples, 5, 3)


def test_a_padded_graph_measures_like_its_system(scene: Graph) -> None:
    """A caller may hand over a graph with more padding; the real nodes decide."""
    usual = measure(faulty, scene, "E(3)", 4, dtype="float64").delta["positions"]
    wide = measure(faulty, pad(scene, 12, 60), "E(3)", 4, dtype="float64").delta["positions"]
    np.testing.assert_allclose(wide, usual, rtol=1e-10)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"group": "SO(2)"}, "did you mean"),
        ({"dtype": "float16"}, "dtype among"),
        ({"samples": 0}, "at least one sample"),
    ],
)
def test_bad_settings_are_one_sentence(scene: Graph, settings: dict, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        measure(places, scene, **settings)


def test_a_batch_is_not_renumbered(scene: Graph) -> None:
    """Nodes of one system would take the places of another's."""
    with pytest.raises(InputError, match="one by one"):
        measure(faulty, batch([scene, scene]), "S_n", 2)
    assert len(measure(faulty, batch([scene, scene]), "SO(3)", 2).delta["positions"]) == 2


def test_plain_arrays_know_no_translations() -> None:
    with pytest.raises(InputError, match="without translations"):
        measure_arrays(lambda rows: rows**2, np.eye(3), "1x1o", "1x1o", "T(3)", 2)


def test_unknown_dtypes_are_refused_everywhere(scene: Graph) -> None:
    for call in (
        lambda: lie_derivative(linear, scene, dtype="flaot64"),
        lambda: measure_arrays(lambda rows: rows, np.eye(3), "1x1o", "1x1o", dtype="flaot64"),
    ):
        with pytest.raises(InputError, match="dtype among"):
            call()
