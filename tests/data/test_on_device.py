"""Data that stay on the device: the same batches, and so the same training, as those sent to it."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jax
import numpy as np
import pytest

from demetar.core.errors import InputError
from demetar.data import loader, on_device
from demetar.data.loader import Loader
from demetar.data.sets import nbody
from demetar.data.systems import Systems
from demetar.runs.config import Config
from demetar.training import fit, stream

SIZES = np.array([3, 1, 4, 2, 3, 5, 2, 4], np.uint8)


def molecules() -> Systems:
    """Bent chains of carbon and oxygen in float64, with forces."""
    rng = np.random.default_rng(0)
    chains = [np.arange(n)[:, None] * [1.2, 0.3, 0] for n in SIZES]
    positions = np.concatenate(chains) + 0.05 * rng.normal(size=(SIZES.sum(), 3))
    return Systems(
        sizes=SIZES,
        positions=positions,
        unit="eV",
        targets=rng.normal(size=(len(SIZES), 1)),
        species=rng.choice([6, 8], len(positions)).astype(np.uint8),
        forces=rng.normal(size=positions.shape).astype(np.float32),
    )


def sent(calls: Any) -> list[Any]:
    return [jax.device_put(call) for call in calls]


@pytest.mark.parametrize("augment", ["", "SO(3)"])
@pytest.mark.parametrize("connect", [None, "bonds", 2.0, 0.1, "bodies"])
def test_batches_are_those_of_the_loader(connect: Any, augment: str) -> None:
    data = nbody.systems("train", size=16) if connect == "bodies" else molecules()
    source = Loader(data, 3, None if connect == "bodies" else connect)
    settings = Config(epochs=3, augment=augment, seed=4)
    usual = sent(stream.calls(source, settings, 1, 2))
    place = on_device.Resident(source)
    found = [place(call) for call in stream.calls(source, settings, 1, 2, draws=True)]
    assert len(found) == len(usual) > 2
    for a, b in zip(found, usual, strict=True):
        assert jax.tree.structure(a) == jax.tree.structure(b)
        for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
            assert x.dtype == y.dtype
            np.testing.assert_array_equal(x, y)


def test_a_training_is_the_same_to_the_last_bit(home: Path) -> None:
    told = {}
    for choice in ("host", "device"):
        config = Config(
            model="egnn",
            dataset="nbody",
            name=choice,
            train_size=40,
            valid_size=10,
            epochs=4,
            batch_size=10,
            evaluate_every=2,
            keep_data=choice,
            augment="SO(3)",
            model_config={"width": 8, "layers": 1},
        )
        fit.fit(config)
        lines = (home / "runs" / choice / "metrics.jsonl").read_text().splitlines()
        told[choice] = [
            {k: v for k, v in json.loads(line).items() if k in ("train_loss", "errors", "delta")}
            for line in lines
        ]
    assert told["host"] == told["device"]
    assert len(told["host"]) == 2


def test_data_stay_where_they_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Loader(molecules(), 3)
    assert not on_device.wanted("auto", source), "the CPU has no memory of its own"
    assert on_device.wanted("device", source)
    assert not on_device.wanted("host", source)
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    for limit, fits in ((1_000, False), (1_000_000, True)):
        device = SimpleNamespace(memory_stats=lambda limit=limit: {"bytes_limit": limit})
        monkeypatch.setattr(jax, "local_devices", lambda device=device: [device])
        assert on_device.wanted("auto", source) is fits
    device = SimpleNamespace(memory_stats=lambda: None)
    monkeypatch.setattr(jax, "local_devices", lambda: [device])
    assert not on_device.wanted("auto", source), "of unknown size"


def test_several_devices_are_sent_their_parts() -> None:
    source = Loader(molecules(), 4, parts=2)
    assert not on_device.wanted("auto", source)
    with pytest.raises(InputError, match="several devices"):
        on_device.wanted("device", source)


def test_a_draw_says_what_the_batch_is_of() -> None:
    source = Loader(molecules(), 3, 2.0)
    for draw, (graph, labels) in zip(source.draws(0, 1), source.epoch(0, 1), strict=True):
        assert isinstance(draw, loader.Draw)
        assert graph.positions.shape[0] == draw.nodes
        assert graph.senders.shape[0] == draw.edges
        np.testing.assert_array_equal(labels.target, source.systems.targets[draw.index])
