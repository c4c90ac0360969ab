"""Batches and calls: where they go on, how many steps a call has, over which systems errors are."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from demetar import models
from demetar.data.loader import Loader
from demetar.data.sets import nbody
from demetar.runs import evaluate
from demetar.runs.config import Config, resolve
from demetar.training import fit, stream
from tests.support.small import (
    config,
    lines,
    metrics,
    params,
    status,
)

pytestmark = pytest.mark.usefixtures("straight_bodies")


def resolved(**changes: Any) -> Config:
    return resolve(config("parts", **changes))[0]


def loader(size: int = 40, batch: int = 10) -> Loader:
    return Loader(nbody.systems("train", size=size), batch)


@pytest.mark.parametrize("augmentation", ["", "E(3)"])
def test_batches_go_on_where_they_stopped(augmentation: str) -> None:
    settings = resolved(augment=augmentation)
    for stack, ends in ((1, (1, 4, 13)), (3, (3, 4, 7, 23))):
        everything = steps(stream.calls(loader(), settings, 0, stack))
        assert len(everything) == 24
        for done in ends:
            rest = steps(stream.calls(loader(), settings, done, stack))
            assert len(rest) == 24 - done
            for a, b in zip(jax.tree.leaves(rest), jax.tree.leaves(everything[done:])):
                np.testing.assert_array_equal(a, b)


def test_calls_end_at_the_same_steps_after_a_stop() -> None:
    """At multiples of their length within each epoch of four batches."""
    lengths = [len(b[1].target) for b in stream.calls(loader(), resolved(), 0, 3)]
    assert lengths == [3, 1] * 6
    assert [len(b[1].target) for b in stream.calls(loader(), resolved(), 7, 3)] == [1] + [3, 1] * 4


def steps(calls: Iterator[Any]) -> list[Any]:
    """One by one."""
    return [
        jax.tree.map(lambda x, i=i: x[i], call)
        for call in calls
        for i in range(len(call[1].target))
    ]


def test_the_augmented_see_other_batches(home: Path, whole: Path) -> None:
    """An equivariant model learns from them what it would have learnt anyway; another one does not."""
    turned = fit.fit(config("turned", augment="E(3)"))
    for a, b in zip(metrics(turned), metrics(whole), strict=True):
        assert a["valid"] == pytest.approx(b["valid"], rel=1e-3)
    small = {"model": "gnn", "epochs": 2}
    plain, turned = (
        fit.fit(config(name, augment=g, **small)) for name, g in (("a", ""), ("b", "E(3)"))
    )
    a, b = metrics(plain)[0], metrics(turned)[0]
    assert a["valid"] != pytest.approx(b["valid"], rel=1e-3)
    assert a["share"]["SO(3)"] > 1e-4


def test_several_steps_in_one_call_are_the_same_steps(home: Path, whole: Path) -> None:
    """Scanned or not, to rounding."""
    together = fit.fit(config("together", steps_per_call=4))
    for a, b in zip(metrics(together), metrics(whole), strict=True):
        assert a["step"] == b["step"]
        assert a["valid"] == pytest.approx(b["valid"], rel=1e-3)


def test_errors_are_over_every_system_once() -> None:
    """A model that stands still, against the static baseline: batches of any size agree."""
    model = models.create("linear")
    still = {
        "model": {"scale": np.zeros(1, np.float32)},
        "mean": np.zeros(()),
        "scale": np.ones(()),
    }
    test = nbody.read(split="test", size=23)
    expected = nbody.nbody(nbody.read(size=5), test)["static"]
    for batch in (23, 10, 7):
        found = evaluate.errors(model, still, Loader(nbody.systems("test", size=23), batch))
        assert found["target"] == pytest.approx(expected, rel=1e-6)


def test_a_run_without_news_ends_early(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And halves its learning rate on the way, if asked to."""
    errors = iter([3.0, 4.0, 5.0, 6.0, 7.0, 8.0])
    monkeypatch.setattr(evaluate, "errors", lambda *_: {"target": next(errors)})
    waiting = {"evaluate_every": 1, "schedule": "plateau", "plateau_patience": 2, "warmup": 0}
    folder = fit.fit(config("early", patience=3, **waiting))
    assert status(folder)["state"] == "finished"
    assert [m["step"] for m in lines(folder)] == [4, 8, 12, 16]
    assert [m["learning_rate"] for m in lines(folder)] == pytest.approx([0.01, 0.01, 0.01, 0.005])


def test_bfloat16_is_measured_beside_float32(home: Path) -> None:
    """What the fewer digits cost in equivariance stands on every line."""
    folder = fit.fit(config("rough", precision="bfloat16", epochs=2))
    (line,) = lines(folder)
    assert set(line["delta"]) == set(line["delta_float32"])
    assert 1e-4 < line["delta"]["SO(3)"] < 0.1
    assert line["delta_float32"]["SO(3)"] < 1e-5
    assert line["share"]["SO(3)"] > 1e-9
    assert all(x.dtype == np.float32 for k, x in params(folder).items() if k.startswith("model"))
