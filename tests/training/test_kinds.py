"""Every kind of output goes through the whole engine: learnt, augmented, measured, answered."""

import dataclasses
from pathlib import Path

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
import pytest

import demetar
from demetar import models
from demetar.core import kinds, segments
from demetar.core.arrays import Array
from demetar.core.graph import Graph, from_arrays
from demetar.core.output import Output, Value
from demetar.data.sets import nbody
from demetar.data.systems import Systems
from demetar.models.nn import inputs as nf
from demetar.models.nn.layers import Dense
from demetar.runs import evaluate
from demetar.runs.config import Config
from demetar.runs.folder import lines
from demetar.training import fit


@dataclasses.dataclass(frozen=True)
class _Config:
    output: str = "state"
    inputs: str = "particles"


def quantity(graph: Graph, output: str) -> Array:
    """What the labels are twice of."""
    x, q = nf.from_centre(graph), nf.charges(graph)
    if output == "node_scalar":
        return jnp.sum(x * x, -1, keepdims=True)
    if output == "vector":
        return segments.graph_sum(graph, q * x)
    a, b, c = jnp.moveaxis(x, -1, 0)
    root = 3**0.5  # degree 2 in e3nn's order, which is x, y, z with y as the axis
    rest = [root * a * c, root * a * b, b * b - (a * a + c * c) / 2, root * b * c,
            root * (c * c - a * a) / 2]  # fmt: skip
    return segments.graph_sum(graph, jnp.stack([a * a + b * b + c * c, *rest], -1))


class Factor(nn.Module):
    """The right quantity times a number that has to be learnt."""

    config: _Config = _Config()

    @nn.compact
    def __call__(self, graph: Graph) -> Output:
        factor = Dense(1, bias=False, name="factor")(jnp.ones((1, 1), graph.positions.dtype))
        kind = self.config.output
        if kind == "state":
            moved = graph.positions + factor * graph.velocities
            values = [("positions", moved, kinds.POSITIONS)]
            values += [("velocities", factor * graph.velocities, kinds.VELOCITIES)]
            return Output({name: Value(array, what) for name, array, what in values})
        what = {"node_scalar": kinds.NODE_SCALAR, "vector": kinds.VECTOR, "tensor": kinds.TENSOR}[
            kind
        ]
        rows = factor * quantity(graph, kind)
        if kind != "vector":  # an invariant's mean has been taken off, which a factor cannot do
            constant = Dense(1, name="constant")(jnp.zeros((1, 1), rows.dtype))
            rows = rows + constant * jnp.eye(rows.shape[1], dtype=rows.dtype)[0]
        return Output({kind: Value(rows, what)})


def systems(kind: str, split: str, size: int | None) -> Systems:
    rng = np.random.default_rng(("train", "valid", "test").index(split))
    n, b = size or 40, 4
    x, v = rng.normal(size=(2, n * b, 3)).astype(np.float32)
    q = rng.normal(size=n * b).astype(np.float32)
    if kind == "state":
        targets = np.concatenate([x + 2 * v, 2 * v], 1)
    else:
        graphs = [slice(i * b, (i + 1) * b) for i in range(n)]
        made = [from_arrays(x[r], velocities=v[r], charges=q[r]) for r in graphs]
        targets = np.concatenate([2 * np.asarray(quantity(g, kind)) for g in made])
    return Systems(np.full(n, b), x, targets, "u", velocities=v, charges=q)


@pytest.mark.parametrize("kind", ["state", "node_scalar", "vector", "tensor"])
def test_a_kind_of_output_goes_through_the_engine(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEMETAR_HOME", str(tmp_path))
    monkeypatch.setattr(models, "create", lambda name, **given: Factor(_Config(kind)))
    monkeypatch.setattr(
        nbody,
        "systems",
        lambda split, target="positions", size=None, **_: systems(kind, split, size),
    )
    folder = fit.fit(
        Config(
            name=kind,
            model_config={"output": kind},
            train_size=40,
            valid_size=20,
            batch_size=10,
            epochs=30,
            evaluate_every=15,
            learning_rate=0.1,
            ema=0.5,
            augment="E(3)",
        )
    )
    first, last = lines(folder / "metrics.jsonl")
    assert last["valid"] < 0.2 * first["valid"] or last["valid"] < 1e-3
    for line in (first, last):
        # The smaller the error, the larger rounding's share of it: what rounding adds to it stays.
        added = max(line["share"].values()) * line["valid"] ** 2
        assert added < 1e-10, "augmentation and orbit turn labels rightly"
        assert max(line["delta"].values()) < 1e-5
    run = demetar.load(folder)
    scene = from_arrays(*np.eye(4, 3)[None], velocities=np.eye(4, 3), charges=np.ones(4))
    answer = run(scene)
    names = {"positions", "velocities"} if kind == "state" else {"positions"}
    assert set(answer.values) == names == set(run.rms)
    if kind != "state":
        right = 2 * np.asarray(quantity(scene, kind))
        assert answer["positions"] == pytest.approx(right, abs=0.2 * float(np.abs(right).max()))
    found = evaluate.evaluate(run, "valid", size=20)
    assert found["value"] == pytest.approx(min(first["valid"], last["valid"]), rel=1e-4)
    assert found["metric"] == kinds.QUANTITIES[kind].metric
    if kind == "state":
        parts = [found["errors"][k]["value"] for k in ("positions", "velocities")]
        assert found["value"] == pytest.approx(np.mean(parts), rel=1e-6)
        assert answer["velocities"] == pytest.approx(2 * np.eye(4, 3), abs=0.2)
