"""What rotation augmentation does to LieConv(T3): its error and its Δ_EQ, with and without.

python benchmarks/lieconv.py [--sets rmd17 nbody] [--seeds 3] [--epochs 60] [--json FILE] [--write]

The same small LieConv is trained with --augment "" and "SO(3)" on frames of ethanol (energies and
forces), which lie in many orientations but not in all alike, and on charged bodies (variant clean),
whose scenes have no orientation to begin with. Before and after: Δ under SO(3) and T(3) on test systems,
and the test error on the systems as they are and on the same ones turned at random with their labels. Δ is
the root mean square of D(g) f(x) − f(g·x) in the unit of what has to be predicted: of the deviation
of the test energies from their mean, or of the displacement of the bodies. Trainings that FILE
already has are not done again. With --write they stand in trained/augmentation/result.json, which
the page Results reads, and in docs/ablation.md.
"""

import argparse
import dataclasses
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import marked
import numpy as np

from demetar.core import disk
from demetar.core.graph import from_arrays
from demetar.data.loader import Loader
from demetar.data.systems import Systems
from demetar.runs import evaluate, run
from demetar.runs.config import Config
from demetar.runs.run import Run
from demetar.symmetry import groups
from demetar.symmetry.equivariance import measure
from demetar.training import fit

MODEL = {"width": 64, "layers": 3}
SETS: dict[str, dict[str, Any]] = {
    "rmd17": {"dataset": "rmd17", "target": "energy", "train_size": 500, "valid_size": 50,
              "batch_size": 10},
    "nbody": {"dataset": "nbody", "target": "positions", "data_options": {"variant": "clean"},
              "train_size": 1000, "valid_size": 200, "batch_size": 50},
}  # fmt: skip
GROUPS = ("SO(3)", "T(3)")
ROOT = Path(__file__).resolve().parents[1]
STORED, PAGE = ROOT / "trained" / "augmentation" / "result.json", ROOT / "docs" / "ablation.md"
SYSTEMS, SAMPLES, TESTED = 16, 16, 200


def turned(systems: Systems, seed: int = 0) -> Systems:
    """Each system with its labels under a random rotation of its own."""
    g = groups.load("SO(3)").sample(np.random.default_rng(seed), len(systems), np.ones(1, bool))
    rows = np.repeat(g.matrix, systems.sizes, axis=0)

    def turn(x: np.ndarray | None) -> np.ndarray | None:
        return None if x is None else np.einsum("nij,nj->ni", rows, x)

    moved = {k: turn(getattr(systems, k)) for k in ("positions", "velocities", "forces")}
    targets = turn(systems.targets) if systems.per_node else systems.targets
    return dataclasses.replace(systems, **moved, targets=targets)


def size_of(systems: Systems) -> float:
    """Root mean square of what has to be predicted: displacement, or deviation from the mean."""
    if systems.per_node:
        return float(np.sqrt(np.mean((systems.targets - systems.positions) ** 2)))
    return float(systems.targets.std())


def deltas(subject: Run, systems: Systems) -> dict[str, float]:
    """Δ of the target by group, over SYSTEMS test systems and SAMPLES elements of each."""
    params = subject.params | {"mean": np.zeros(())}  # beside which the rest would have few digits
    subject = dataclasses.replace(subject, params=params)
    ends, found = np.cumsum(systems.sizes), {group: [] for group in GROUPS}
    for i in range(SYSTEMS):
        rows = slice(ends[i] - systems.sizes[i], ends[i])

        def take(x: np.ndarray | None, rows: slice = rows) -> np.ndarray | None:
            return None if x is None else x[rows]

        species = take(systems.species)
        graph = from_arrays(
            systems.positions[rows],
            None if species is None else species.astype(int),
            velocities=take(systems.velocities),
            charges=take(systems.charges),
        )
        for group in GROUPS:
            m = measure(subject, graph, group, SAMPLES, i, "float64", layers=False)
            entries = m.prediction[subject.config["target"]].size
            found[group] += list(m.absolute[subject.config["target"]] ** 2 / entries)
    return {g: float(np.sqrt(np.mean(v))) / size_of(systems) for g, v in found.items()}


def numbers(subject: Run, test: Systems) -> dict[str, float]:
    """Δ by group, and the test error as it is and turned (MSE of places, MAE of energies)."""
    c = subject.config
    systems = {"error": test, "error_turned": turned(test)}
    loaders = {k: Loader(s, c["batch_size"], c.get("connect")) for k, s in systems.items()}
    errors = {
        k: evaluate.errors(subject.model, subject.params, loader)["target"]
        for k, loader in loaders.items()
    }
    return deltas(subject, test) | errors


def one(name: str, augment: str, seed: int, epochs: int) -> dict[str, Any]:
    """One training: the numbers before and after it."""
    given = Config(
        model="lieconv",
        name=f"lieconv-{name}-{augment or 'none'}-{seed}".replace("(3)", "3"),
        model_config=MODEL,
        augment=augment,
        seed=seed,
        epochs=epochs,
        learning_rate=2e-3,
        ema=0.99,
        evaluate_every=max(epochs // 4, 1),
        **SETS[name],
    )
    trained = run.load(fit.fit(given))
    test = evaluate.systems(trained.config, "test", TESTED)
    model = run.template(trained, seed)["model"]
    fresh = dataclasses.replace(trained, params=trained.params | {"model": model})
    return {
        "set": name,
        "augment": augment,
        "seed": seed,
        "epochs": epochs,
        "before": numbers(fresh, test),
        "after": numbers(trained, test),
    }


def table(rows: list[dict[str, Any]]) -> str:
    """Median over the seeds (least to most), in Markdown."""
    keys = ("SO(3)", "T(3)", "error", "error_turned")
    lines = [
        "| data | augmentation | when | Δ SO(3) | Δ T(3) | test error | turned |",
        "|---" * 7 + "|",
    ]
    cases = sorted({(r["set"], r["augment"]) for r in rows})
    for data, augment in cases:
        for when in ("before", "after"):
            mine = [r[when] for r in rows if (r["set"], r["augment"]) == (data, augment)]
            cells = [
                f"{np.median(v):.3g} ({min(v):.3g} to {max(v):.3g})"
                for v in ([m[k] for m in mine] for k in keys)
            ]
            lines.append(f"| {data} | {augment or 'none'} | {when} | {' | '.join(cells)} |")
    return "\n".join(lines)


def write(rows: list[dict[str, Any]]) -> None:
    """Keeps the trainings for the page, and their table between the marks of docs/ablation.md."""
    STORED.parent.mkdir(exist_ok=True)
    disk.write_atomically(STORED, (json.dumps(rows, indent=1) + "\n").encode())
    page = marked.replaced(PAGE.read_text(), "augmentation", table(rows), "lieconv.py")
    disk.write_atomically(PAGE, page.encode())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--json", type=Path, help="keeps every training as soon as it is done")
    parser.add_argument("--write", action="store_true", help="keep the result for page and docs")
    a = parser.parse_args()
    os.environ["DEMETAR_DATA"] = str(disk.data_root().resolve())
    rows = json.loads(a.json.read_text()) if a.json and a.json.is_file() else []
    done = {(r["set"], r["augment"], r["seed"], r["epochs"]) for r in rows}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DEMETAR_HOME"] = folder
        for seed in range(a.seeds):
            for name in a.sets:
                for augment in ("", "SO(3)"):
                    if (name, augment, seed, a.epochs) in done:
                        continue
                    rows.append(one(name, augment, seed, a.epochs))
                    print(json.dumps(rows[-1]), flush=True)
                    if a.json:
                        a.json.write_text(json.dumps(rows, indent=1) + "\n")
    asked = [r for r in rows if r["epochs"] == a.epochs and r["set"] in a.sets]
    if a.write:
        write(asked)
    print(table(asked))


if __name__ == "__main__":
    main()
