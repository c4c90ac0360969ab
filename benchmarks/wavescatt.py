"""WaveScatt on QM9: closed-form fits, their error, and Δ against the grid's spacing.

python benchmarks/wavescatt.py [--train 800] [--test 200] [--target homo] [--features FOLDER]
                               [--model-config KEY=VALUE …] [--save NAME] [--json FILE]

Molecules are the first of QM9's training and of its test split (partition cormorant). Features are
computed once and kept in FOLDER, one file a split, which another call takes up where one was
interrupted. Two readouts are fitted, and the better one (by its leave-one-out error) predicts test
molecules that are turned at random, turned as a cube can be, or shifted, on its own grid and on finer
and coarser ones in the same box. With --save it becomes runs/NAME with its card, and is held to what it
predicts once more from the molecules themselves.
"""

import argparse
import dataclasses
import json
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np

from demetar import models
from demetar.cli.arguments import setting
from demetar.core import disk, registry
from demetar.core.graph import from_arrays
from demetar.data import standardise
from demetar.data.loader import Loader
from demetar.data.systems import Systems
from demetar.models import wavescatt
from demetar.runs import card, evaluate, folder, run
from demetar.runs.config import Config, resolve
from demetar.runs.run import Run
from demetar.symmetry import groups
from demetar.symmetry.equivariance import measure
from demetar.training.monitor import of_run

POINTS = (20, 24, 28, 32, 40, 48, 56)  # a side, in a box of the same length
BATCH = 10
EACH = 50  # batches, after which features are written and told of
CHECKED = 50  # molecules of the test that a saved run predicts anew
APART = 0.02  # of the test error: how far from what float64 made of the features; 0.004 measured
ROOM = 30 * BATCH, 70 * BATCH  # nodes and edges: enough for the largest molecules of QM9


def described(
    config: wavescatt.Config, systems: Systems, split: str, folder: Path | None
) -> tuple[np.ndarray, float]:
    """The features [systems, n] of the first molecules of a split, and the processor seconds they took.

    What the folder has is taken over, with the seconds that it took.
    """
    key = json.dumps(dataclasses.asdict(config) | {"readout": "", "ridge": 0.0})
    path, rows, spent = None if folder is None else folder / f"{split}.npz", [], 0.0
    if path is not None and path.is_file():
        with np.load(path, allow_pickle=False) as file:
            if str(file["key"]) == key and "seconds" in file:
                rows, spent = [file["rows"]], float(file["seconds"])
    loader = Loader(systems, BATCH, connect="bonds")  # no edge is read, so as few as can be
    function = jax.jit(lambda graph: wavescatt.describe(config, graph))
    began, known = time.process_time(), sum(map(len, rows))
    seconds = lambda: spent + time.process_time() - began  # noqa: E731
    for start in range(known, len(systems), BATCH):
        index = np.arange(start, min(start + BATCH, len(systems)))
        graph, _ = loader.batch(np.resize(index, BATCH), *ROOM)
        found = np.concatenate(jax.device_get(function(graph.astype(np.float32))), -1)
        rows.append(found[: len(index)])
        due = start // BATCH % EACH == EACH - 1 or start + BATCH >= len(systems)
        if due and path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            parts = {"rows": np.concatenate(rows), "key": np.array(key)}
            np.savez(path, allow_pickle=False, seconds=np.array(seconds()), **parts)
        if due:
            each = (time.process_time() - began) / (index[-1] + 1 - known)
            print(f"{split}: {index[-1] + 1} molecules, {each:.2f} s each", flush=True)
    return np.concatenate(rows)[: len(systems)].astype(np.float64), seconds()


def fitted(
    config: wavescatt.Config, target: str, name: str, features: np.ndarray, train: Systems
) -> tuple[Run, float]:
    """The run that ridge regression gives, and its leave-one-out error in the target's unit."""
    norm = standardise.fit(train, "scalar")
    standard = standardise.standardised(train, norm, "scalar").targets[:, 0].astype(np.float64)
    least = config.ridge * (1 - 1e-9)
    strengths = [s for s in wavescatt.STRENGTHS if s >= least] or [config.ridge]
    params, error = wavescatt.fit(features, standard, config.readout, strengths)
    asked = {k: v for k, v in dataclasses.asdict(config).items() if k not in ("inputs", "output")}
    given = Config(
        model="wavescatt",
        dataset="qm9",
        target=target,
        name=name,
        train_size=len(train),
        valid_size=BATCH,
        epochs=1,
        model_config=asked,
        connect="bonds",
    )
    return Run(name, resolve(given)[1], norm.params(params)), error * norm.scale


def spacing(made: Run, test: Systems, count: int, samples: int) -> list[dict[str, float]]:
    """Δ in the target's unit under turns and shifts, and relative to the gradient's size, by grid."""
    config, rows = made.model.config, []
    ends = np.cumsum(test.sizes)
    for points in POINTS:
        step = config.grid * config.spacing / points
        stored = made.config["model_config"] | {"grid": points, "spacing": step}
        other = Run(made.name, made.config | {"model_config": stored}, made.params)
        found: dict[str, list[float]] = {"turn": [], "cube": [], "shift": []}
        for i in range(count):
            atoms = slice(ends[i] - test.sizes[i], ends[i])
            graph = from_arrays(test.positions[atoms], test.species[atoms].astype(int))
            for key, group in (("turn", "SO(3)"), ("cube", "O_h"), ("shift", "T(3)")):
                elements = groups.load(group).sample(
                    np.random.default_rng(i), samples, np.ones(len(graph.species), bool)
                )
                m = measure(other, graph, elements=elements, dtype="float64", layers=False)
                found[key].append(float(np.median(m.absolute[made.config["target"]])))
        rows.append(
            {"points": points, "spacing": step} | {k: float(np.median(v)) for k, v in found.items()}
        )
        print(json.dumps(rows[-1]), flush=True)
    return rows


def slope(rows: list[dict[str, float]]) -> float:
    """The exponent p of Δ ∝ spacing^p, by least squares on the logarithms."""
    h, delta = (np.log([row[key] for row in rows]) for key in ("spacing", "turn"))
    return float(np.polyfit(h, delta, 1)[0])


def predicted(made: Run, features: np.ndarray) -> np.ndarray:
    """What the run predicts [systems, 1], in float64 from features that are already there."""
    x = features * made.params["model"]["standard"]["scale"]
    x = x + made.params["model"]["standard"]["bias"]
    value = x @ made.params["model"]["linear"]["kernel"] + made.params["model"]["linear"]["bias"]
    if "products" in made.params["model"]:
        matrix = made.params["model"]["products"]["kernel"]
        value += ((x @ matrix) * x).sum(1, keepdims=True) / x.shape[1] ** 0.5
    return value * made.params["scale"] + made.params["mean"]


def kept(made: Run, line: dict[str, float], rows: np.ndarray, test: Systems) -> tuple[float, float]:
    """Writes runs/NAME with its card; how far some test molecules predicted anew differ, and its error.

    `line` tells it as a training of one step, whose validation error is the leave-one-out one. Only a few
    molecules are turned for the share of the loss: each takes as long as its features.
    """
    place = disk.home() / "runs" / made.name
    few = Loader(test.first(CHECKED), BATCH, made.config["connect"])
    made.config["deviation"] = evaluate.deviation(made, few)
    made.config["plan"] = {"steps": 1, "trial_seconds": 0.0, "learning_rate": None}
    folder.save(place, made.config, made.params)
    disk.write_atomically(place / "metrics.jsonl", (json.dumps(line) + "\n").encode())
    state = {"state": "finished", "step": 1, "steps": 1, "started": time.time()}
    disk.write_atomically(place / "status.json", json.dumps(state).encode())
    loaded = run.load(made.name)
    found = evaluate.of_predictions(loaded, {"target": rows}, test, "test")
    card.write(loaded, lambda run: of_run(run, BATCH), found)
    again = evaluate.predict(loaded.model, loaded.params, few)["target"]
    return float(np.abs(again - rows[:CHECKED]).max()), found["value"]


def simple(train: Systems, test: Systems) -> dict[str, float]:
    """Test MAE of the training mean, and of a linear fit on the composition."""
    mean = train.targets.mean()
    norm = standardise.fit(
        dataclasses.replace(train, targets=train.targets - mean), "scalar", "fit"
    )
    by_element = standardise.reference_energies(test, norm.references) + norm.mean
    return {
        "mean": float(np.abs(test.targets - mean).mean()),
        "composition": float(np.abs(test.targets - mean - by_element).mean()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--train", type=int, default=800, help="molecules")
    parser.add_argument("--test", type=int, default=200, help="molecules")
    parser.add_argument("--target", default="homo")
    parser.add_argument("--features", type=Path)
    parser.add_argument("--systems", type=int, default=4, help="molecules of the spacing study")
    parser.add_argument("--samples", type=int, default=8, help="elements of each group there")
    parser.add_argument("--save", help="name of a run folder")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--model-config", nargs="+", type=setting, default=[], metavar="KEY=VALUE")
    a = parser.parse_args()
    settings = models.create("wavescatt", **dict(a.model_config)).config
    read = registry.load("datasets", "qm9").systems
    train, test = read("train", a.target, a.train), read("test", a.target, a.test)
    name = a.save or f"wavescatt-qm9-{a.target}"
    features, seconds = described(settings, train, "train", a.features)
    of_test, _ = described(settings, test, "test", a.features)
    result: dict[str, Any] = {"train": len(train), "test": len(test), "unit": train.unit}
    result["baselines"] = simple(train, test)
    found = []
    for readout in ("linear", "bilinear"):
        config = dataclasses.replace(settings, readout=readout)
        began = time.process_time()
        made, left_out = fitted(config, a.target, name, features, train)
        spent = seconds + time.process_time() - began
        mae = float(np.abs(predicted(made, of_test) - test.targets).mean())
        result[readout] = {"leave_one_out": left_out, "test_mae": mae}
        residual = (predicted(made, features) - train.targets) / made.params["scale"]
        line = {"step": 1, "epoch": 1.0, "train_loss": float(np.square(residual).mean())}
        found.append((made, line | {"valid": left_out, "seconds": spent, "processor": spent}))
    print(json.dumps(result), flush=True)
    made, line = min(found, key=lambda fit: fit[1]["valid"])
    if a.save:
        differs, error = kept(made, line, predicted(made, of_test), test)
        print(f"predicted anew, {CHECKED} molecules differ by {differs:.1e}", flush=True)
        if differs > APART * error:
            raise SystemExit(
                f"Expected at most {APART * error:.1e}; the run is not what was fitted."
            )
    result["spacing"] = spacing(made, test, a.systems, a.samples)
    result["exponent"] = slope(result["spacing"])
    print(f"Δ falls as spacing^{result['exponent']:.1f}")
    if a.json:
        a.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
