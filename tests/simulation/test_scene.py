"""Scenes for playback: the seed, the limits, and the sentences for wrong input."""

import numpy as np
import pytest

from demetar.core.errors import InputError
from demetar.simulation import protocols
from demetar.simulation.scene import MAX_BODIES, scene, trajectory
from demetar.simulation.starts import charged
from demetar.symmetry.elements import rotations


def test_scene_starts_where_the_benchmark_starts() -> None:
    x, v, charges = charged(1, 5, np.random.RandomState(43))
    made = scene(5, seed=43, steps=20, every=10)
    assert made.positions.shape == made.velocities.shape == (3, 5, 3)
    np.testing.assert_array_equal(made.positions[0], x[0])
    np.testing.assert_array_equal(made.velocities[0], v[0])
    np.testing.assert_array_equal(made.charges, charges[0])
    np.testing.assert_allclose(made.times, [0, 0.01, 0.02])


def test_scene_reaches_the_benchmarks_frames() -> None:
    data = protocols.generate(count=1, variant="clean")
    made = scene(5, seed=43, steps=protocols.TARGET_STEP, every=100)
    np.testing.assert_allclose(made.positions[31], data.positions[0], atol=1e-5)
    np.testing.assert_allclose(made.at(41).positions[0], data.target_positions[0], atol=1e-5)
    assert made.at(-1).positions.shape == (1, 5, 3)


@pytest.mark.parametrize("bodies", [1, 3, 10])
def test_given_charges_keep_the_seeds_start(bodies: int) -> None:
    drawn = scene(bodies, seed=5, steps=10, every=10)
    given = scene(bodies, np.zeros(bodies), seed=5, steps=10, every=10)
    np.testing.assert_array_equal(drawn.positions[0], given.positions[0])
    np.testing.assert_allclose(
        given.positions[1], given.positions[0] + 0.01 * given.velocities[0], atol=1e-12
    )


def test_trajectory_of_a_rotated_start_is_the_rotated_trajectory() -> None:
    made = scene(5, seed=1, steps=1000, every=100)
    turn = rotations(1, 0)[0]
    turned = trajectory(
        made.positions[0] @ turn.T, made.velocities[0] @ turn.T, made.charges, 1000, 100
    )
    np.testing.assert_allclose(turned.positions, made.positions @ turn.T, atol=1e-10)


def test_rotations_are_proper_and_uniform() -> None:
    turns = rotations(2000, 1)
    np.testing.assert_allclose(
        turns @ turns.mT, np.broadcast_to(np.eye(3), turns.shape), atol=1e-14
    )
    np.testing.assert_allclose(np.linalg.det(turns), 1, atol=1e-13)
    assert np.abs(turns.mean(axis=0)).max() < 0.06


GOOD = {"positions": np.eye(3), "velocities": np.zeros((3, 3)), "charges": np.ones(3)}


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"positions": np.full((3, 3), np.nan)}, "positions"),
        ({"velocities": np.zeros((2, 3))}, "velocities"),
        ({"charges": np.ones(4)}, "charges"),
        ({"masses": np.zeros(3)}, "masses"),
        ({"positions": np.zeros((MAX_BODIES + 1, 3))}, "bodies"),
        ({"positions": np.zeros((3, 3)), "variant": "published"}, "apart"),
        ({"steps": 10**9}, "steps"),
        ({"steps": 20_000, "every": 1}, "frames"),
        ({"every": 0}, "steps"),
        ({"variant": "wet"}, "variant"),
    ],
)
def test_trajectory_refuses_in_one_sentence(change: dict, word: str) -> None:
    with pytest.raises(InputError, match=rf"^[^\n]*{word}[^\n]*\.$"):
        trajectory(**{**GOOD, **change})


@pytest.mark.parametrize("bodies", [0, MAX_BODIES + 1])
def test_scene_refuses_too_few_and_too_many_bodies(bodies: int) -> None:
    with pytest.raises(InputError, match="bodies"):
        scene(bodies)
