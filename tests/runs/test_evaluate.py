"""Errors of a run by system: their mean is the error, their spread its standard error."""

import numpy as np
import pytest

import demetar
from demetar.core.kinds import QUANTITIES
from demetar.data.loader import Loader
from demetar.data.sets import nbody
from demetar.runs import evaluate
from demetar.simulation.laws import law
from demetar.simulation.protocols import INPUT_STEP, TARGET_STEP
from demetar.simulation.simulate import simulate


@pytest.mark.parametrize("output", ["positions", "scalar"])
def test_the_error_is_the_mean_over_systems(output: str) -> None:
    rng = np.random.default_rng(0)
    data = nbody.systems("test", size=20)
    dim = 3 if QUANTITIES[output].per_node else 1
    rows = len(data.positions) if QUANTITIES[output].per_node else len(data)
    data = data.first(20)
    object.__setattr__(data, "targets", rng.normal(size=(rows, dim)))
    predicted = {"target": rng.normal(size=(rows, dim))}
    alone = evaluate.by_system(predicted, data, output)
    assert alone.shape == (20,)
    difference = predicted["target"] - data.targets
    whole = np.mean(difference**2) if output == "positions" else np.mean(np.abs(difference))
    assert alone.mean() == pytest.approx(whole, rel=1e-12)
    other = predicted["target"].copy()
    other[-1] += 1  # of the last system
    moved = evaluate.by_system({"target": other}, data, output)
    assert (moved[:-1] == alone[:-1]).all(), "each system has its own rows"
    assert moved[-1] != alone[-1]


def test_a_run_tells_its_standard_error_and_that_where_the_law_turns() -> None:
    run = demetar.load("egnn-nbody")
    found = evaluate.evaluate(run, "test", size=60)
    data = nbody.systems("test", size=60)
    places = evaluate.predict(run.model, run.params, Loader(data, 60, run.config.get("connect")))
    alone = ((places["target"] - data.targets) ** 2).reshape(60, -1).mean(1)
    assert found["value"] == pytest.approx(alone.mean(), rel=1e-5)
    assert found["error"] == pytest.approx(alone.std(ddof=1) / 60**0.5, rel=1e-5)
    never = nbody.parts("test", 60)["never limited"]
    part = found["parts"]["never limited"]
    assert part["systems"] == never.sum()
    assert 0 < never.sum() < 60
    assert part["value"] == pytest.approx(alone[never].mean(), rel=1e-5)


def test_where_the_limit_never_acts_the_future_is_that_without_it() -> None:
    """A wrong mask, such as that of other systems, would hold windows that the limit changes."""
    data = nbody.read(split="test", size=60)
    never = nbody.parts("test", 60)["never limited"]
    assert np.isfinite(law("published").limit)
    assert nbody.parts("test", 60, "clean") == {}
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    steps = (TARGET_STEP - INPUT_STEP,)
    start = data.positions.astype(float) @ turn.T, data.velocities.astype(float) @ turn.T
    turned = simulate(*start, data.charges, steps=steps, variant="published")
    error = np.abs(turned[0][0] @ turn - data.target_positions).max((1, 2))
    assert np.median(error[never]) < 1e-5 < np.median(error[~never])
    wrong = np.roll(never, 1)
    assert error[wrong].max() > 1e-2, "a mask of other systems is seen"
