"""Data efficiency: test error against the number of training systems, with and without symmetry.

Three ways to learn the charged N-body task from n systems: a plain message-passing network, the
same network shown every system turned by a random rotation of its own, and an equivariant network of
the same width and depth. The question and the log-log picture follow S. Batzner et al., "E(3)-equivariant
graph neural networks for data-efficient and accurate interatomic potentials", Nature
Communications 13, 2453 (2022), figure 5; the networks are those of V. G. Satorras, E. Hoogeboom,
M. Welling, ICML 2021, table 2. The force law is the clean one, whose targets turn with the inputs:
the published law is not quite rotation-equivariant, which would put a floor under one arm.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from demetar.core import registry
from demetar.core.disk import content, home, parsed, write_atomically
from demetar.core.errors import InputError
from demetar.core.graph import Graph
from demetar.data.loader import Loader
from demetar.data.systems import Systems
from demetar.runs import evaluate
from demetar.runs.config import Config
from demetar.runs.folder import lines, read_config
from demetar.runs.run import Run, load
from demetar.symmetry.equivariance import measure
from demetar.training.fit import fit

# Optimiser settings are those of the shipped N-body runs of the two networks.
ARMS: dict[str, dict[str, Any]] = {
    "plain": {"model": "gnn", "learning_rate": 2e-3, "weight_decay": 0.2},
    "augmented": {"model": "gnn", "learning_rate": 2e-3, "weight_decay": 0.2, "augment": "SO(3)"},
    "equivariant": {"model": "egnn", "learning_rate": 1e-3},
}
DATASET, TARGET, OPTIONS = "nbody", "positions", {"variant": "clean"}
TRIED = 16  # test systems on which Δ_EQ is measured, with 8 rotations each
ERRORS = ("error", "typical", "worst")
Progress = Callable[[dict[str, Any]], None]


@dataclasses.dataclass(frozen=True)
class Plan:
    """How large the experiment is. The same number of steps for every n, at most `batch` systems each."""

    sizes: tuple[int, ...] = (10, 30, 100, 300, 1000)
    seeds: tuple[int, ...] = (0, 1, 2)
    steps: int = 2_000
    batch: int = 50
    valid: int = 500  # of which the best checkpoint is chosen, the same systems for all
    test: int | None = None  # the whole split
    checks: int = 20  # evaluations of the validation systems during a run

    def points(self) -> list[tuple[str, int, int]]:
        """(arm, n, seed) of every run: a whole curve of every arm before the next seed."""
        return [(arm, n, s) for s in self.seeds for n in self.sizes for arm in ARMS]


FULL = Plan()
SMALL = Plan(sizes=(10, 100, 1000), seeds=(0,), steps=400, valid=200, test=500, checks=8)


def settings(plan: Plan, arm: str, n: int, seed: int) -> Config:
    """The configuration of one run of the experiment."""
    batch = min(plan.batch, n)
    per_epoch = n // batch
    epochs = max(1, round(plan.steps / per_epoch))
    every = max(1, epochs // plan.checks)
    return Config(
        **{"weight_decay": 1e-12, **ARMS[arm]},
        name=f"efficiency-{arm}-n{n}-s{seed}",
        dataset=DATASET,
        target=TARGET,
        data_options=OPTIONS,
        train_size=n,
        valid_size=plan.valid,
        batch_size=batch,
        epochs=epochs,
        evaluate_every=every,
        steps_per_call=min(per_epoch * every, 100),
        ema=0.99,
        seed=seed,
    )


def run(plan: Plan, out: Path, progress: Progress = lambda state: None) -> dict[str, Any]:
    """The result of the whole experiment, also written to `out` after every run.

    {"plan", "metric", "unit", "baselines", "points": [{"arm", "model", "n", "seed", "error",
    "typical", "worst", "delta", "steps", "seconds"}], "done", "seconds"}. Of the test systems' mean
    squared errors of positions, `error` is the mean, `typical` the median and `worst` the largest:
    a network that has seen few close encounters can err without bound on one, and the mean then
    tells of that system alone. `delta` is the median Δ_EQ under rotations.

    Runs lie under `runs/` as any other; those that `out` already holds for the same plan are not
    done again, and an interrupted one goes on. Raises InputError if a run of the same name was
    made with other settings.
    """
    begun, earlier = time.time(), _earlier(plan, out)
    out.parent.mkdir(parents=True, exist_ok=True)  # or it is told after the data were made
    module = registry.load("datasets", DATASET)
    result = {
        "plan": _stored(plan),
        "dataset": DATASET,
        "variant": OPTIONS["variant"],
        "metric": "MSE",
        "unit": f"({module.ABOUT.targets[TARGET].unit})²",
        "baselines": baselines(plan.test),
        "points": list(earlier.values()),
        "done": False,
        "seconds": 0.0,
    }
    points = plan.points()
    _write(out, result)  # what cannot be written is told before anything is trained
    for arm, n, seed in points:
        if (arm, n, seed) in earlier:
            continue
        state = {"done": len(result["points"]), "of": len(points), "arm": arm, "n": n, "seed": seed}
        progress(state)
        point = one(plan, arm, n, seed, lambda line, s=state: progress(s | {"step": line["step"]}))
        result["points"].append(point)
        result["seconds"] = sum(p["seconds"] for p in result["points"])
        _write(out, result)
    result["done"] = True
    result["wall"] = time.time() - begun
    _write(out, result)
    return result


def one(
    plan: Plan, arm: str, n: int, seed: int, progress: Progress = lambda line: None
) -> dict[str, Any]:
    """Trains (or goes on with) one run and gives its point of the result."""
    config = settings(plan, arm, n, seed)
    folder = home() / "runs" / config.name
    begun = folder / "config.json"
    if begun.is_file():
        _same(config, read_config(begun))
    if not _finished(folder):
        fit(config, resume=begun.is_file(), progress=progress)
    if not _finished(folder):
        raise InputError(
            f"Expected {config.name} to finish, got a stop; start the experiment again to go on."
        )
    trained = load(folder)
    data, done = (
        evaluate.systems(trained.config, "test", plan.test),
        lines(folder / "metrics.jsonl"),
    )
    found = evaluate.predict(trained.model, trained.params, Loader(data, 100))["target"]
    return {
        "arm": arm,
        "model": config.model,
        "n": n,
        "seed": seed,
        **_errors(found, data),
        "delta": _delta(trained),
        "steps": done[-1]["step"],
        "seconds": done[-1].get("seconds", 0.0),
        "best_step": min(done, key=lambda line: line["valid"])["step"],
    }


def _finished(folder: Path) -> bool:
    return content(folder / "status.json").get("state") == "finished"


def _errors(predicted: np.ndarray, data: Systems) -> dict[str, float]:
    """Mean, median and largest of the systems' mean squared errors."""
    squares = np.mean((predicted - data.targets.astype(np.float64)) ** 2, -1)
    each = np.add.reduceat(squares, np.cumsum(data.sizes) - data.sizes) / data.sizes
    return {
        "error": float(each.mean()),
        "typical": float(np.median(each)),
        "worst": float(each.max()),
    }


def baselines(test: int | None = None) -> dict[str, dict[str, float]]:
    """`error`, `typical` and `worst` of straight motion: for the time that fits best, and not at all."""
    module = registry.load("datasets", DATASET)
    train = module.systems("train", TARGET, size=module.TRAIN_SIZE, **OPTIONS)
    data = module.systems("test", TARGET, size=test, **OPTIONS)
    moved = train.targets.astype(np.float64) - train.positions
    time = float((moved * train.velocities).sum() / np.square(train.velocities).sum())
    return {
        "straight on": _errors(data.positions + time * data.velocities, data),
        "at rest": _errors(data.positions, data),
    }


def _same(config: Config, stored: dict[str, Any]) -> None:
    """Raises InputError if the run that is there was asked for with other settings."""
    now = dataclasses.asdict(config)
    now.pop("model_config")  # filled in when a run begins
    changed = [k for k, v in now.items() if k in stored and stored[k] != v]
    if changed:
        raise InputError(
            f"Expected {config.name} to be of this experiment, got another "
            f"{', '.join(changed)}; delete or rename that run."
        )


def _delta(trained: Run) -> float:
    """Median Δ_EQ of the positions over rotations of test systems, as held out as they come."""
    found = [
        float(
            np.median(
                next(iter(measure(trained, graph, "SO(3)", 8, i, layers=False).delta.values()))
            )
        )
        for i, graph in enumerate(_systems())
    ]
    return float(np.median(found))


def _systems() -> list[Graph]:
    found = registry.load("datasets", DATASET).systems("test", TARGET, size=TRIED, **OPTIONS)
    return [found.graph(i) for i in range(len(found))]


def _stored(plan: Plan) -> dict[str, Any]:
    return json.loads(json.dumps(dataclasses.asdict(plan)))


def _earlier(plan: Plan, out: Path) -> dict[tuple[str, int, int], dict[str, Any]]:
    """Points that the file holds already, if it is of the same plan."""
    try:
        found = parsed(out)
        if found["plan"] == _stored(plan):
            return {(p["arm"], p["n"], p["seed"]): p for p in found["points"]}
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return {}


def _write(out: Path, result: dict[str, Any]) -> None:
    write_atomically(out, (json.dumps(result, indent=1) + "\n").encode())
