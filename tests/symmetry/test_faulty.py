"""Faulty functions, the check that catches each, and the earlier check that did not.

The catalogue is that of faults that were really reported: neighbour lists, parity, scales, precision,
forces that are no gradient. A check that catches nothing here is no check.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from demetar.core import segments
from demetar.core.errors import InputError
from demetar.core.graph import Graph, connect, from_arrays
from demetar.core.output import Attention, Kind, Layer, Output, Value
from demetar.data.loader import Loader
from demetar.data.systems import Systems
from demetar.symmetry.elements import Elements, from_matrix, rotations
from demetar.symmetry.equivariance import measure
from demetar.symmetry.instruments.gradient import gradient_errors
from demetar.symmetry.instruments.jacobian import asymmetry
from demetar.symmetry.instruments.repeat import repeatability
from demetar.symmetry.instruments.spectrum import spectrum
from demetar.symmetry.instruments.verdict import verdict
from demetar.training import monitor

ENERGY, PSEUDO = Kind("1x0e", per="graph"), Kind("1x0o", per="graph")
PLACES, VECTORS = Kind("1x1o", affine=True), Kind("1x1o")
ROUNDING = {"float32": 1e-5, "float64": 1e-11}
VISIBLE = 1e-3


def value(name: str, array: Any, kind: Kind) -> Output:
    return Output({name: Value(array, kind)})


def lengths(graph: Graph) -> Any:
    return segments.norm(graph.positions[graph.receivers] - graph.positions[graph.senders])


def total(graph: Graph, per_edge: Any) -> Any:
    return jnp.sum(jnp.where(graph.edge_mask[:, None], per_edge, 0), 0, keepdims=True)


class Trained:
    """A function as a run is measured: with a rule of edges, a constant part, perhaps centred."""

    def __init__(
        self,
        call: Callable[[Graph], Output],
        rule: Callable[[Graph], Graph] = lambda graph: graph,
        constant: dict[str, Any] | None = None,
        rms: dict[str, float] | None = None,
        centred: bool = False,
    ) -> None:
        self.call, self.prepare, self.centred = call, rule, centred
        self.constant, self.rms = constant or {}, rms or {}

    def function(self, params: Any, graph: Graph) -> Output:
        return self.call(graph)

    def varying(self, graph: Graph) -> tuple[dict, dict]:
        return {}, self.constant


# --------------------------------------------------------------------- neighbours and their order


def first_neighbour(graph: Graph) -> Output:
    """An energy that reads the first neighbour of each particle: depends on the order of a list."""
    first = jnp.concatenate([jnp.ones(1, bool), graph.receivers[1:] != graph.receivers[:-1]])
    return value("energy", total(graph, jnp.where(first[:, None], lengths(graph), 0)), ENERGY)


def sum_of_lengths(graph: Graph) -> Output:
    """A sound energy of the edges that it is given."""
    return value("energy", total(graph, lengths(graph)), ENERGY)


def by_rule(near: Callable[[np.ndarray], np.ndarray]) -> Callable[[Graph], Graph]:
    """Edges between particles whose differences [n, n, 3] are `near` [n, n]."""

    def rule(graph: Graph) -> Graph:
        x = np.asarray(graph.positions)
        joined = near(x[:, None] - x[None]) & ~np.eye(len(x), dtype=bool)
        receivers, senders = np.nonzero(joined)
        whole = from_arrays(x, charges=graph.charges)
        return whole.replace(
            senders=senders.astype(np.int32),
            receivers=receivers.astype(np.int32),
            edge_mask=np.ones(len(senders), bool),
            max_edges=len(senders),
        )

    return rule


def box(difference: np.ndarray) -> np.ndarray:
    """A cutoff by the largest coordinate: a cube in place of a ball."""
    return np.abs(difference).max(-1) < 1.4


def ball(difference: np.ndarray) -> np.ndarray:
    return np.linalg.norm(difference, axis=-1) < 1.4


def capped(difference: np.ndarray) -> np.ndarray:
    """At most two neighbours, those that come first in the list: which ones depends on the order."""
    near = (np.linalg.norm(difference, axis=-1) < 3) & ~np.eye(len(difference), dtype=bool)
    return near & (np.cumsum(near, 1) <= 2)


@pytest.mark.parametrize(
    ("f", "rule", "group"),
    [
        (first_neighbour, lambda graph: connect(graph, None), "S_n"),
        (first_neighbour, None, "S_n"),
        (first_neighbour, None, "SO(3)"),
        (sum_of_lengths, by_rule(box), "SO(3)"),
        (sum_of_lengths, by_rule(capped), "S_n"),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_neighbour_list_breaks_only_a_rebuilt_graph(
    scene: Graph, f: Any, rule: Any, group: str, dtype: str
) -> None:
    m = measure(f if rule is None else Trained(f, rule), scene, group, 16, dtype=dtype)
    assert m.delta["energy"].max() < ROUNDING[dtype], "the earlier check: the graph moved"
    assert m.rebuilt["energy"].max() > VISIBLE
    assert m.largest().max() == m.rebuilt["energy"].max()
    assert (m.edges_changed.max() > 0) == (rule is not None and f is sum_of_lengths)


def test_a_sound_neighbour_list_holds_both_ways(scene: Graph) -> None:
    for group in ("SO(3)", "S_n", "E(3) x S_n"):
        m = measure(Trained(sum_of_lengths, by_rule(ball)), scene, group, 16, dtype="float64")
        assert m.largest().max() < ROUNDING["float64"]
        assert m.edges_changed.max() == 0


def test_a_rule_may_be_given_to_a_plain_function(scene: Graph) -> None:
    m = measure(sum_of_lengths, scene, "SO(3)", 8, rebuild=by_rule(box))
    assert m.rebuilt["energy"].max() > VISIBLE
    assert measure(sum_of_lengths, scene, "SO(3)", 8, rebuild=False).rebuilt == {}


# --------------------------------------------------------------------- parity


def triple(graph: Graph) -> Any:
    x = graph.positions[:3] - graph.positions[3]
    return jnp.linalg.det(x).reshape(1, 1)


def pseudoscalar(graph: Graph) -> Output:
    """A signed volume that is declared an ordinary scalar."""
    return value("energy", triple(graph), ENERGY)


@pytest.mark.parametrize("group", ["C_i", "O(3)", "E(3)"])
def test_a_pseudoscalar_is_no_scalar(scene: Graph, group: str) -> None:
    assert measure(pseudoscalar, scene, "SE(3)", 8).largest().max() < ROUNDING["float32"]
    for samples in (1, 2, 16):
        assert measure(pseudoscalar, scene, group, samples).delta["energy"].max() == pytest.approx(
            2
        )


@pytest.mark.parametrize("group", ["C_i", "E(3)"])
def test_the_share_of_a_pseudoscalar_is_seen(monkeypatch: pytest.MonkeyPatch, group: str) -> None:
    """Every system meets both hands; when all met the inversion alone, nothing was spread."""
    x = np.random.default_rng(0).normal(size=(400, 3, 3)).astype(np.float32)
    systems = Systems(np.full(100, 4), x.reshape(-1, 3), np.zeros((100, 1)), "")
    graph, labels = Loader(systems, 100).batch(np.arange(100))

    def volumes(graph: Graph) -> np.ndarray:
        rows = np.asarray(graph.positions)[:400].reshape(100, 4, 3)
        return np.linalg.det(rows[:, :3] - rows[:, 3:])[:, None]

    def share(target: np.ndarray) -> float:
        return monitor.shares(volumes, graph, target, "scalar", [group], samples=8)[group]

    zeros = np.zeros_like(labels.target)
    assert share(zeros) > 0.9, "the orbit's mean is zero: all of the error is spread"
    former = lambda name, count, rng: from_matrix(np.tile(-np.eye(3), (count, 1, 1)))  # noqa: E731
    monkeypatch.setattr(monitor, "elements", former)
    assert share(zeros) < 1e-10, "the earlier C_i"


# --------------------------------------------------------------------- scale


def mirrored(graph: Graph) -> Output:
    """An energy of a few hundred meV, 1.6 meV more for one hand than for the other."""
    return value(
        "energy", 100 * total(graph, lengths(graph)) / 20 + 0.8 * jnp.sign(triple(graph)), ENERGY
    )


def test_an_energy_is_measured_by_what_is_predicted(scene: Graph) -> None:
    f = Trained(mirrored, constant={"energy": np.array([[-4.2e6]])})
    m = measure(f, scene, "C_i", 1, dtype="float64")
    assert m.classic["energy"][0] < 1e-6, "the earlier scale: read as rounding of float32"
    assert m.delta["energy"][0] > VISIBLE
    assert m.absolute["energy"][0] == pytest.approx(1.6)
    assert m.prediction["energy"][0, 0] == pytest.approx(-4.2e6, rel=1e-3)
    assert verdict(f, scene, "C_i", 2).word == "structure"
    sound = Trained(sum_of_lengths, constant={"energy": np.array([[-4.2e6]])})
    assert measure(sound, scene, "E(3)", 8).largest().max() < 1e-5, "no digit goes to the constant"


def test_places_are_measured_by_their_displacement(scene: Graph) -> None:
    """A displacement of which a tenth does not turn: beside the size of the scene it looks small."""
    step = jnp.asarray([0.003, 0, 0])

    def f(graph: Graph) -> Output:
        moved = 0.02 * graph.velocities + step.astype(graph.positions.dtype)
        x = jnp.where(graph.node_mask[:, None], graph.positions + moved, 0)
        return value("positions", x, PLACES)

    m = measure(f, scene, "O(3)", 16, dtype="float64")
    size = np.sqrt(np.mean(np.sum((0.02 * scene.velocities + step) ** 2, -1)) * 5)
    np.testing.assert_allclose(m.scale["positions"], size, rtol=1e-6)
    assert m.delta["positions"].max() > 0.1
    assert m.classic["positions"].max() < 0.01


def test_a_known_size_of_the_prediction_is_the_floor(scene: Graph) -> None:
    """Where a network hardly moves anything, what it moves elsewhere is the measure."""

    def f(graph: Graph) -> Output:
        x = graph.positions + jnp.asarray([1e-9, 0, 0], graph.positions.dtype)
        return value("positions", jnp.where(graph.node_mask[:, None], x, 0), PLACES)

    known = measure(Trained(f, rms={"positions": 0.5}), scene, "C_i", 1, dtype="float64")
    assert known.delta["positions"][0] == pytest.approx(2e-9 * 5**0.5 / (0.005 * 15**0.5), rel=1e-5)


# --------------------------------------------------------------------- translations and the centre


def absolute(graph: Graph) -> Output:
    """An energy that reads where the system stands."""
    x = jnp.where(graph.node_mask[:, None], graph.positions, 0)
    return value("energy", jnp.sum(jnp.square(x)).reshape(1, 1), ENERGY)


def test_centring_hides_no_broken_translation(scene: Graph) -> None:
    """x is centred once, then moved; a model that says it needs no origin is caught if it does."""
    far = scene.replace(positions=scene.positions + 1e4)
    for f, graph in ((absolute, scene), (Trained(absolute, centred=True), far)):
        assert measure(f, graph, "T(3)", 8, dtype="float64").delta["energy"].max() > VISIBLE
    near, away = (measure(Trained(absolute, centred=True), g, "SO(3)", 4) for g in (scene, far))
    np.testing.assert_allclose(near.prediction["energy"], away.prediction["energy"], rtol=1e-5)


def test_places_come_back_where_they_were(scene: Graph) -> None:
    def still(graph: Graph) -> Output:
        return value("positions", graph.positions, PLACES)

    far = scene.replace(positions=scene.positions + 1e6)
    m = measure(Trained(still, centred=True), far, "E(3) x S_n", 4)
    np.testing.assert_allclose(m.prediction["positions"], far.positions, rtol=0, atol=1e-6)
    order = m.elements.permutation[0]
    there = far.positions[order] @ m.elements.matrix[0].T + m.elements.shift[0]
    for way in (m.predict_then_move, m.move_then_predict):
        np.testing.assert_allclose(way["positions"][0], there, rtol=0, atol=1e-5)


# --------------------------------------------------------------------- precision


def reciprocals(graph: Graph) -> Output:
    """A sound energy that loses digits far from the origin: differences of large coordinates."""
    r = jnp.where(graph.edge_mask[:, None], lengths(graph), 1)
    return value("energy", total(graph, 1 / (r + 0.1)), ENERGY)


def coarse(graph: Graph) -> Output:
    """The same with differences in bfloat16, as a fast product on an accelerator would give them."""
    r = (graph.positions[graph.receivers] - graph.positions[graph.senders]).astype(jnp.bfloat16)
    short = segments.norm(r).astype(graph.positions.dtype)
    return value(
        "energy", total(graph, 1 / (jnp.where(graph.edge_mask[:, None], short, 1) + 0.1)), ENERGY
    )


def leaning(graph: Graph) -> Output:
    """Four per cent of the answer depend on an axis: within what bfloat16 was excused for."""
    r = jnp.where(graph.edge_mask[:, None], lengths(graph), 1)
    x = (graph.positions[graph.receivers] - graph.positions[graph.senders])[:, :1]
    return value("energy", total(graph, (1 + 0.2 * x * x / r**2) / (r + 0.1)), ENERGY)


def constants_in_float32(graph: Graph) -> Output:
    """A frame whose constants are kept in float32: an orthogonal matrix but for 1e-8."""
    frame = jnp.asarray(rotations(1, 3)[0].astype(np.float32), graph.positions.dtype)
    turned = graph.replace(positions=jnp.matmul(graph.positions, frame, precision="highest"))
    return reciprocals(turned)


def pole(graph: Graph) -> Output:
    """A division by the height over a plane: no number for half of all rotations."""
    x = graph.positions[1] - graph.positions[0]
    return value("energy", jnp.sqrt(x[:1]).reshape(1, 1) + reciprocals(graph)["energy"], ENERGY)


@pytest.mark.parametrize(
    ("f", "dtype", "word"),
    [
        (reciprocals, "float32", "rounding"),
        (reciprocals, "float64", "rounding"),
        (reciprocals, "bfloat16", "rounding"),
        (coarse, "float32", "structure"),
        (leaning, "float32", "structure"),
        (leaning, "bfloat16", "structure"),
        (constants_in_float32, "float32", "mixed"),
        (pole, "float32", "structure"),
    ],
)
def test_two_precisions_tell_rounding_from_structure(
    scene: Graph, f: Any, dtype: str, word: str
) -> None:
    found = verdict(f, scene, "SO(3)", 16, dtype=dtype)
    assert found.word == word, found.sentence
    assert found.sentence.endswith(".")


def test_no_band_tells_what_the_verdict_tells(scene: Graph) -> None:
    """A sound model far out shows more than a broken one near by; only the ratio tells them apart."""
    far = scene.replace(positions=scene.positions + 115)
    sound = verdict(reciprocals, far, "SO(3)", 16)
    slightly = lambda graph: value(  # noqa: E731
        "energy", reciprocals(graph)["energy"] + 1e-7 * leaning(graph)["energy"], ENERGY
    )
    broken = verdict(slightly, scene, "SO(3)", 16)
    assert sound.findings["energy"].coarse > 10 * broken.findings["energy"].coarse
    assert sound.word == "rounding", sound.sentence
    assert broken.word == "mixed", broken.sentence
    centred = measure(Trained(reciprocals, centred=True), far, "SO(3)", 16)
    assert centred.largest().max() < 0.1 * sound.findings["energy"].coarse


# --------------------------------------------------------------------- weights


def weighing(gain: float, broken: float, per: str) -> Callable[[Graph], Output]:
    """A layer whose weights are gains of distances, of which a part depends on an axis."""

    def f(graph: Graph) -> Output:
        axis = jnp.abs(graph.positions[graph.receivers] - graph.positions[graph.senders])[:, :1]
        w = gain * (lengths(graph) + broken * axis)
        if per == "edge":
            count = len(w)
            i, j = (k.reshape(-1) for k in jnp.meshgrid(jnp.arange(count), jnp.arange(count)))
            mask = graph.edge_mask[i] & graph.edge_mask[j]
            seen = Attention(w[i] * w[j], i, j, mask, per="edge")
        else:
            seen = segments.message_weights(graph, w)
        return Output({}, (Layer("only", (), seen),))

    return f


@pytest.mark.parametrize("per", ["node", "edge"])
@pytest.mark.parametrize("gain", [1e-6, 1.0, 1e3])
def test_weights_without_a_bound_are_compared_with_their_size(
    scene: Graph, gain: float, per: str
) -> None:
    """Compared absolutely, sound ones of 1e3 failed 1e-5 and broken ones of 1e-6 passed it."""

    def worst(broken: float) -> float:
        layer = measure(weighing(gain, broken, per), scene, "E(3) x S_n", 8).layers[0]
        assert layer.attention is not None
        assert layer.weights == ("message weight" if per == "node" else "attention")
        return float(layer.attention.max())

    assert worst(0.0) < 1e-5
    assert worst(0.1) > 1e-3


# --------------------------------------------------------------------- orientation spectrum


def along(function: Callable[[Any], Any]) -> Callable[[Graph], Output]:
    """A sum over pairs of a function of their direction."""

    def f(graph: Graph) -> Output:
        r = graph.positions[graph.receivers] - graph.positions[graph.senders]
        unit = r / jnp.where(graph.edge_mask[:, None], segments.norm(r), 1)
        weight = lengths(graph) * (1 + 0.3 * (graph.receivers < graph.senders)[:, None])
        return value("energy", total(graph, weight * function(unit)), ENERGY)

    return f


@pytest.mark.parametrize(
    ("function", "degrees"),
    [
        (lambda u: jnp.ones_like(u[:, :1]), set()),
        (lambda u: 0.1 * u[:, :1], {1}),
        (lambda u: 0.1 * u[:, :1] * u[:, 1:2], {2}),
        (lambda u: 0.1 * jnp.sum(u**4, 1, keepdims=True), {4}),
        (lambda u: 0.1 * u[:, :1] ** 3, {1, 3}),
        (lambda u: 0.1 * u[:, :1] * u[:, 1:2] * u[:, 2:] * u[:, :1] ** 3, {2, 4, 6}),
    ],
)
def test_degrees_of_the_orientation_spectrum(
    scene: Graph, function: Any, degrees: set[int]
) -> None:
    """A polynomial of the direction has its own degrees and no others: a cubic frame has l = 4 first."""
    found = spectrum(along(function), scene, dtype="float64")["energy"]
    power = found.power[1:] / found.power[0] if not degrees else found.power[1:]
    seen = {l for l, p in enumerate(power, 1) if p > 1e-8 * max(found.power.sum(), 1)}
    assert seen == degrees
    assert found.beyond < 1e-12 * found.power.sum()


def test_a_bias_of_vectors_is_of_degree_one(scene: Graph) -> None:
    """Parseval: the power beside l = 0 is the mean square that the orientations differ by."""

    def f(graph: Graph) -> Output:
        bias = jnp.asarray([0.1, 0.1, 0.1], graph.positions.dtype)
        return value(
            "forces", jnp.where(graph.node_mask[:, None], graph.velocities + bias, 0), VECTORS
        )

    found = spectrum(f, scene, dtype="float64")["forces"]
    scale = np.square(scene.velocities + 0.1).sum()
    np.testing.assert_allclose(found.power[1], 5 * 0.03 / scale, rtol=1e-6)
    assert found.power[2:].max() < 1e-12
    assert found.beyond < 1e-12


def test_degrees_beyond_six_are_not_lost(scene: Graph) -> None:
    found = spectrum(along(lambda u: 0.1 * u[:, :1] ** 7 * u[:, 1:2]), scene, dtype="float64")[
        "energy"
    ]
    assert found.beyond > 1e-9


# --------------------------------------------------------------------- forces


def pair_energy(graph: Graph) -> Any:
    r = jnp.where(graph.edge_mask[:, None], lengths(graph), 1)
    return total(graph, jnp.exp(-r) * r)


def forces(graph: Graph) -> Any:
    return -jax.grad(lambda x: pair_energy(graph.replace(positions=x)).sum())(graph.positions)


def curl(graph: Graph) -> Any:
    """Sums along pairs, weighted by the receiver's charge alone: they turn well and have no energy."""
    assert graph.charges is not None
    r = graph.positions[graph.receivers] - graph.positions[graph.senders]
    weight = (1 + 0.3 * graph.charges[graph.receivers, None]) * jnp.exp(-lengths(graph))
    return segments.receive_sum(graph, r * weight)


def test_forces_without_an_energy_keep_an_asymmetry(scene: Graph) -> None:
    def f(graph: Graph) -> Output:
        found = {"conservative": forces(graph), "forces": curl(graph)}
        return Output({k: Value(v, VECTORS) for k, v in found.items()})

    assert measure(f, scene, "E(3) x S_n", 8, dtype="float64").largest().max() < 1e-11
    found = asymmetry(f, scene)
    assert found["forces"].min() > 0.01
    assert found["conservative"][-1] < 1e-5
    falls = found["conservative"][:-2] / found["conservative"][2:]  # a tenth of the step
    np.testing.assert_allclose(falls, 100, rtol=0.3)


def test_the_gradient_of_one_atom_is_checked(scene: Graph) -> None:
    """One atom's gradient is doubled along its direction to the centre: every invariance holds."""

    def f(graph: Graph, wrong: int = 2) -> Output:
        slope = -forces(graph)
        factor = jnp.where(graph.charges == -1, 1.0, 1.0).at[wrong].set(1.01)
        return Output(
            {
                "energy": Value(pair_energy(graph), ENERGY),
                "energy_gradient": Value(slope * factor[:, None].astype(slope.dtype), VECTORS),
            }
        )

    assert measure(f, scene, "E(3)", 8, dtype="float64").largest().max() < 1e-11
    errors = gradient_errors(f, scene)["energy_gradient"]
    assert (errors > 1e-3).tolist() == [False, False, True, False, False]
    assert np.delete(errors, 2).max() < 1e-8


# --------------------------------------------------------------------- repetition


def test_what_is_drawn_at_each_call_is_seen(scene: Graph) -> None:
    rng = np.random.default_rng(0)

    def f(graph: Graph) -> Output:
        """Lengths along a random frame that is drawn anew at each call, not quite orthogonal."""
        frame = rotations(1, int(rng.integers(1 << 31)))[0] * np.array([1.0, 1.0, 1.01])
        return reciprocals(graph.replace(positions=graph.positions @ frame))

    assert not repeatability(f, scene).exact
    assert repeatability(f, scene).again["energy"] > 1e-5
    still = measure(f, scene, elements=Elements(np.eye(3)[None], np.zeros((1, 3))))
    assert still.delta["energy"].max() < ROUNDING["float32"], "compiled, it is drawn once"


def test_what_a_call_leaves_behind_is_seen(scene: Graph) -> None:
    kept: list[Output] = []

    def stale(graph: Graph) -> Output:
        """Answers with edges of the call before, as a cached neighbour list does: here, all of it."""
        kept.append(reciprocals(graph))
        return kept[max(len(kept) - 2, 0)]

    found = repeatability(stale, scene)
    assert found.again["energy"] == 0, "asking twice does not show it"
    assert found.after["energy"] > VISIBLE
    assert repeatability(reciprocals, scene).exact


# --------------------------------------------------------------------- memory


def test_a_system_beyond_the_budget_is_refused_by_a_sentence(scene: Graph) -> None:
    many = from_arrays(np.random.default_rng(0).normal(size=(120, 3)), charges=np.ones(120))
    with pytest.raises(InputError, match=r"memory budget of 0.0002 GB.*120 particles"):
        measure(reciprocals, many, samples=4, budget=0.0002)
    whole = measure(leaning, many, samples=20, dtype="float64", budget=1.0)
    apart = measure(leaning, many, samples=20, dtype="float64", budget=0.05)
    np.testing.assert_allclose(whole.delta["energy"], apart.delta["energy"], rtol=1e-6)
    np.testing.assert_allclose(whole.rebuilt["energy"], apart.rebuilt["energy"], rtol=1e-6)


@pytest.mark.parametrize("wrong", ["0", "-1", "much", "nan"])
def test_a_budget_is_a_number(scene: Graph, monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setenv("DEMETAR_MEMORY", wrong)
    with pytest.raises(InputError, match="memory budget in GB"):
        measure(reciprocals, scene, samples=1)


def test_a_seed_below_zero_is_refused(scene: Graph) -> None:
    with pytest.raises(InputError, match="seed from 0 on, got -1"):
        measure(reciprocals, scene, seed=-1)
