"""What the N-body page shows: scenes, both ways around the square, roll-outs, the laws themselves."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from app.backend import nbody, rotations
from app.backend.measuring import bodies, motion, orbit, rollout
from app.backend.molecules import SHIFT, Element
from demetar.core import kinds
from demetar.core.errors import InputError
from demetar.core.graph import Graph
from demetar.core.output import Output, Value
from demetar.runs.run import Run, load

G = Element(rotations.quaternion((0.0, 0.0, 1.0), 57.2958))  # as a page keeps one radian about z
ALL = G._replace(invert=True, shift=True, renumber=3)
COLLISION = nbody.Source("nbody-5-collision")


def test_the_published_law_itself_does_not_turn() -> None:
    begin = nbody.start(COLLISION)
    assert begin.law == "published"
    assert nbody.twin(begin, G, "published").delta > 1e-4
    assert nbody.twin(begin, G, "clean").delta < 1e-9


@pytest.fixture(scope="module")
def runs(small_home: Path) -> dict[str, Run]:
    """A small run that turns and one that does not."""
    names = ("egnn-nbody", "set_transformer-nbody")
    return {name: load(small_home / "trained" / name) for name in names}


def test_a_start_moves_as_the_element_says() -> None:
    begin = nbody.start(COLLISION)
    moved = nbody.moved(begin, ALL)
    matrix = -Rotation.from_quat(G.rotation).as_matrix()
    order = np.random.default_rng(3).permutation(5)
    np.testing.assert_allclose(moved.positions, begin.positions[order] @ matrix.T + SHIFT)
    np.testing.assert_allclose(moved.velocities, begin.velocities[order] @ matrix.T)
    np.testing.assert_array_equal(moved.charges, begin.charges[order])
    assert nbody.twin(begin, ALL, "clean").delta < 1e-9


@pytest.mark.parametrize("element", [G, ALL])
def test_both_ways_are_what_the_run_says(runs: dict[str, Run], element: Element) -> None:
    run, begin = runs["set_transformer-nbody"], nbody.start(COLLISION)
    found = bodies.square(run, begin, element, "float64")
    moved = nbody.moved(begin, element)
    straight = np.asarray(run(nbody.to_graph(begin))["positions"])
    after = run(nbody.to_graph(moved))["positions"]
    np.testing.assert_allclose(found.first, straight, atol=1e-4)
    left = nbody.moved(dataclasses.replace(begin, positions=straight), element).positions
    np.testing.assert_allclose(found.left, left, atol=1e-4)
    np.testing.assert_allclose(found.right, after, atol=1e-4)
    again = nbody.relative(found.left, found.right, moved.positions)
    assert found.delta["positions"] == pytest.approx(again, rel=1e-6)
    ways = np.linalg.norm(np.subtract(*found.ways), axis=1).mean()
    assert found.apart == pytest.approx(ways)
    assert again > 1e-3


def test_a_curve_begins_at_nothing_and_ends_where_the_square_is(runs: dict[str, Run]) -> None:
    run, begin = runs["set_transformer-nbody"], nbody.start(COLLISION)
    half = Element((0.0, 0.0, 1.0, 0.0))
    curve = bodies.curve(run, begin, half, (0.0, 0.0, 1.0), "float64").by_metric
    square = bodies.square(run, begin, half, "float64")
    assert curve["l2"]["positions"][0] < 1e-12
    assert curve["l2"]["positions"][-1] == pytest.approx(square.delta["positions"], rel=1e-6)
    left, right = square.ways
    mae = np.abs(left - right).mean()
    assert curve["mae"]["positions"][-1] == pytest.approx(mae, rel=1e-6)


def test_roll_outs_turn_with_the_run_and_begin_with_the_square(runs: dict[str, Run]) -> None:
    begin = nbody.start(nbody.Source("nbody-5-clean"))
    for name, run in runs.items():
        found = rollout.rollout(run, begin, ALL)
        again = rollout.rollout(run, begin, ALL)
        assert found.delta == again.delta, "the same start, the same Δ to the last digit"
        assert found.first.shape == (rollout.STEPS + 1, 5, 3)
        np.testing.assert_array_equal(found.right[0], nbody.moved(begin, ALL).positions)
        one = bodies.square(run, begin, ALL, "float32")
        np.testing.assert_allclose(found.right[1], one.right, atol=1e-5)
        if name == "egnn-nbody":
            assert max(found.delta) < 1e-4
        else:
            assert found.delta[1] == pytest.approx(one.delta["positions"], rel=1e-3)
            assert found.delta[-1] > 1e-3


def test_a_roll_out_is_computed_in_the_precision_that_is_asked_for(runs: dict[str, Run]) -> None:
    begin, run = nbody.start(nbody.Source("nbody-3-clean")), runs["egnn-nbody"]
    fine, coarse = (rollout.rollout(run, begin, ALL, d).delta[1] for d in ("float64", "float32"))
    assert fine < 1e-12 < coarse
    with pytest.raises(InputError, match="float8"):
        run(nbody.to_graph(begin), "float8")


def test_all_rotations_of_bodies_and_who_looks_at_whom(runs: dict[str, Run]) -> None:
    begin, run = nbody.start(COLLISION), runs["set_transformer-nbody"]
    found = orbit.orbit(run, nbody.to_graph(begin), Element((0.0, 0.0, 0.0, 1.0)), "float32")
    worst = Element(rotations.quaternion(found.axis, found.degrees))
    square = bodies.square(run, begin, worst, "float32")
    assert square.delta["positions"] == pytest.approx(found.worst, rel=1e-2)
    assert found.median < found.worst
    assert found.spread > 1e-3
    for _, weights in square.attention:
        np.testing.assert_allclose(weights.sum(1), 1.0, atol=1e-4)
    assert square.attention


def test_a_step_begins_with_the_displacement_over_the_one_before() -> None:
    """A model that goes straight on: each step adds the same, and nothing else can be inferred."""

    class Straight:
        def __call__(self, graph: Graph, dtype: str) -> Output:
            places = np.asarray(graph.positions) + np.asarray(graph.velocities) * 1.0
            return Output({"positions": Value(places, kinds.POSITIONS)}, ())

    begin = nbody.start(nbody.Source("nbody-3-clean"))
    states = rollout.ahead(Straight(), begin)  # type: ignore[arg-type]
    for k, state in enumerate(states):
        np.testing.assert_allclose(state.positions, begin.positions + k * begin.velocities)
        np.testing.assert_allclose(state.velocities, begin.velocities, atol=1e-12)


def test_a_run_that_explodes_stays_where_it_was() -> None:
    class Lost:
        def __call__(self, graph: Graph, dtype: str) -> Output:
            return Output({"positions": Value(np.full((3, 3), np.nan), kinds.POSITIONS)}, ())

    begin = nbody.start(nbody.Source("nbody-3-clean"))
    states = rollout.ahead(Lost(), begin)  # type: ignore[arg-type]
    np.testing.assert_array_equal(states[-1].positions, begin.positions)


def test_the_clean_law_keeps_its_energy_and_a_wrong_law_does_not() -> None:
    begin = nbody.start(nbody.Source("nbody-5-clean"))
    energy = rollout.true_energy(begin, "clean")
    assert len(energy) == rollout.STEPS * nbody.PER_HORIZON + 1
    assert np.ptp(energy) < 1e-3 * abs(energy[0])
    path = nbody.path(begin, "clean", rollout.STEPS)
    wrong = rollout.potential(path, "published", begin.charges)
    right = rollout.potential(path, "clean", begin.charges)
    assert np.ptp(wrong - right) > 1e-3


def test_the_laws_themselves() -> None:
    found = bodies.simulated(nbody.start(COLLISION), G, (0.0, 0.0, 1.0))
    assert found.limited["published"] > 0 == found.limited["clean"]
    assert found.at["published"] > 1e-3
    assert found.at["clean"] < 1e-9
    assert max(found.along["published"]) > 1e-3
    assert max(found.along["clean"]) < 1e-9
    # half a turn about an axis leaves a limit on components alone
    assert found.along["published"][-1] < 1e-9
    calm = bodies.simulated(nbody.start(nbody.Source("nbody-5-published")), G, (0.0, 0.0, 1.0))
    assert calm.limited["published"] == 0
    assert max(calm.along["published"]) < 1e-9


def test_what_goes_over_the_channel_is_what_the_page_shows(runs: dict[str, Run]) -> None:
    begin = nbody.start(COLLISION)
    rolled = [rollout.rollout(run, begin, ALL) for run in runs.values()]
    straight = nbody.path(begin, "published", rollout.STEPS)
    first = tuple(r.first for r in rolled)
    view = motion.View(tuple(runs.values()), begin, "float32", ALL, "published", straight, first)
    (part, rows, truth), (second, verdicts) = view.answer(G.rotation, True)
    assert (part, second) == ("square", "verdict")
    assert [v["word"]["positions"] for v in verdicts] == ["rounding", "structure"]
    json.dumps([rows, truth], allow_nan=False)
    centre = nbody.moved(begin, ALL).positions.mean(0)
    for row, run, one in zip(rows, runs.values(), rolled, strict=True):
        square = bodies.square(run, begin, ALL, "float32")
        assert row["delta"] == square.delta
        assert len(row["layers"]) == len(square.layers)
        right = np.reshape(row["right"], (5, 3))
        np.testing.assert_allclose(right, square.ways[1], rtol=1e-3, atol=1e-3)
        places = np.reshape(row["rollout"], (-1, 5, 3)) + centre
        np.testing.assert_allclose(places, one.right, rtol=1e-3, atol=1e-2)
        assert row["deltas"] == pytest.approx(one.delta)
    true = nbody.twin(begin, ALL, "published", rollout.STEPS)
    path = np.reshape(truth["path"], (-1, 5, 3)) + centre
    np.testing.assert_allclose(path, true.moved, rtol=1e-3, atol=1e-2)
    assert truth["delta"] == true.delta > 1e-3


def test_errors_are_measured_against_the_simulator() -> None:
    begin = nbody.start(COLLISION)
    twin = nbody.twin(begin, G, "clean")
    found = nbody.trivial(begin, G, twin)
    end = nbody.path(begin, "clean")[-1]
    assert found["static"][0] == pytest.approx(np.mean((begin.positions - end) ** 2))
    onward = begin.positions + begin.velocities
    assert found["x + v·t"][0] == pytest.approx(np.mean((onward - end) ** 2))
    # What stays has no displacement: a hundredth of the extent is its scale, and enlarges rounding.
    assert all(delta < 1e-13 for *_, delta in found.values())


def test_shipped_scenes_start_where_the_benchmark_does() -> None:
    for name in nbody.shipped():
        begin = nbody.start(nbody.Source(name))
        assert begin.positions.shape == begin.velocities.shape
        assert np.isfinite(nbody.path(begin, begin.law)).all()
    with pytest.raises(InputError, match="molecule"):
        nbody.start(nbody.Source("ethanol"))
    with pytest.raises(InputError, match="did you mean"):
        nbody.start(nbody.Source("nbody-5-publishd"))


def test_rotations_are_composed_and_read_back() -> None:
    z = (0.0, 0.0, 1.0)
    both = rotations.after(rotations.quaternion(z, 30.0), rotations.quaternion(z, 60.0))
    axis, degrees = rotations.axis_angle(both)
    assert degrees == pytest.approx(90.0)
    assert axis == pytest.approx(z)
    assert rotations.axis_angle(rotations.quaternion((3.0, 0.0, 0.0), 0.0)) == (
        (0.0, 0.0, 1.0),
        0.0,
    )
    assert rotations.random_rotation(3) == rotations.random_rotation(3)
    first, second = rotations.quaternion((1.0, 0.0, 0.0), 90.0), rotations.quaternion(z, 90.0)
    matrix = Rotation.from_quat(rotations.after(second, first)).as_matrix()
    np.testing.assert_allclose(matrix @ [0, 1, 0], [0, 0, 1], atol=1e-12)
