"""What one choice in a model is worth: reads the runs of an experiment under experiments/.

    demetar sweep experiments/invariants.toml          # and invariants-beyond.toml
    python benchmarks/ablation.py invariants [--write] [--json]
    demetar sweep experiments/envelopes.toml
    python benchmarks/ablation.py envelopes [--write] [--json]
    demetar sweep experiments/equiformer.toml
    python benchmarks/ablation.py equiformer [--write] [--json]

Errors on the test split, mean ± standard deviation over seeds; comparisons paired by seed; training
curves; for the invariants the weights that the radial perceptrons give to each distance. With --write
into trained/ablation-<experiment>/result.json, which the page shows, and into the table of
docs/ablation.md; what that result holds of variants that have no run here is kept.
"""

import argparse
import itertools
import json
import re
from pathlib import Path
from typing import NamedTuple

import marked
import numpy as np
import radial_weights
from ablation_text import QUANTITIES, again, statement, text
from paired import holm, paired

from demetar.core import disk
from demetar.runs import folder as runs_folder
from demetar.runs.folder import folders

ROOT = Path(__file__).resolve().parents[1]


class Experiment(NamedTuple):
    """What an experiment compares; others are compared with the first variant."""

    model: str
    settings: tuple[str, ...]  # of the model, that make the variants
    variants: tuple[str, ...]
    also: tuple[tuple[str, str], ...] = ()  # further comparisons

    @property
    def name(self) -> re.Pattern:
        """Names of its runs: molecule, variant, seed."""
        return re.compile(rf"{self.model}-rmd17-([a-z]+)-({'|'.join(self.variants)})-s(\d+)")


EXPERIMENTS = {
    "invariants": Experiment(
        "invariant_attention",
        ("invariant",),
        ("norm", "inverse", "mixed", "learned", "bessel", "gaussian"),
        (("inverse", "mixed"),),
    ),
    "envelopes": Experiment("invariant_attention", ("envelope",), ("polynomial", "cosine", "none")),
    "equiformer": Experiment(
        "equiformer",
        ("messages", "attention"),
        ("nonlinear-mlp", "nonlinear-dot", "linear-mlp", "linear-dot"),
        (("linear-dot", "linear-mlp"),),
    ),
}


# ---- what the runs say ------------------------------------------------------------------------


def read_runs(experiment: Experiment) -> list[dict]:
    """Every finished run of the experiment: who it is, test errors, curves, settings, folder."""
    found = []
    for folder in folders():
        match, results = experiment.name.fullmatch(folder.name), folder / "results.json"
        if match is None or not results.is_file():
            continue
        errors = json.loads(results.read_text())["test"]["errors"]
        lines = runs_folder.lines(folder / "metrics.jsonl")
        found.append(
            {
                "molecule": match[1],
                "variant": match[2],
                "seed": int(match[3]),
                "energy": errors["target"]["value"],
                "forces": errors["forces"]["value"],
                "epoch": [line["epoch"] for line in lines],
                "valid_energy": [line["errors"]["target"] for line in lines],
                "valid_forces": [line["errors"]["forces"] for line in lines],
                "seconds": lines[-1]["seconds"],
                "config": json.loads((folder / "config.json").read_text()),
                "folder": folder,
            }
        )
    return ordered(experiment, found)


def ordered(experiment: Experiment, runs: list[dict]) -> list[dict]:
    """By molecule, variant and seed."""
    place = experiment.variants.index
    return sorted(runs, key=lambda r: (r["molecule"], place(r["variant"]), r["seed"]))


def settings(experiment: Experiment, runs: list[dict]) -> dict:
    """The settings that all runs share; refuses runs that differ in anything but what is compared."""
    varied = {"name", "seed", "model_config", "data_options", "device", "commit", "rms", "packages"}
    varied |= {"keep_data"}  # where the data lie, which changes no number
    kept = [{k: v for k, v in r["config"].items() if k not in varied} for r in runs]
    inner = [
        {k: v for k, v in r["config"]["model_config"].items() if k not in experiment.settings}
        for r in runs
    ]
    assert all(k == kept[0] for k in kept), "runs with different settings cannot be compared"
    assert all(k == inner[0] for k in inner), "models with different settings cannot be compared"
    return kept[0] | {"model_config": inner[0], "device": runs[0]["config"]["device"]}


def table(runs: list[dict]) -> list[dict]:
    """Mean and standard deviation over seeds by molecule and variant."""
    rows = []
    for (molecule, variant), group in itertools.groupby(
        runs, key=lambda r: (r["molecule"], r["variant"])
    ):
        chosen = list(group)
        row: dict = {"molecule": molecule, "variant": variant, "seeds": len(chosen)}
        for quantity in QUANTITIES:
            values = [r[quantity] for r in chosen]
            spread = float(np.std(values, ddof=1)) if len(values) > 1 else None
            row[quantity] = {"mean": float(np.mean(values)), "std": spread}
        rows.append(row)
    return rows


# ---- is it chance? ----------------------------------------------------------------------------


def comparisons(experiment: Experiment, runs: list[dict]) -> list[dict]:
    """Every variant against the first, and the further pairs: by molecule, and over all of them.

    Pairs have the same molecule and seed, so the same frames in the same order. Holm's correction
    runs over the comparisons over all molecules; those of one molecule are description.
    """
    by_key = {(r["molecule"], r["variant"], r["seed"]): r for r in runs}
    molecules = sorted({r["molecule"] for r in runs})
    present = [v for v in experiment.variants if any(r["variant"] == v for r in runs)]
    first = experiment.variants[0]
    contrasts = [(first, v) for v in present if v != first]
    contrasts += [pair for pair in experiment.also if set(pair) <= set(present)]
    found = []
    for (a, b), quantity in itertools.product(contrasts, QUANTITIES):
        for place in ["all", *molecules]:
            keys = [
                (m, s)
                for m, i, s in by_key
                if i == a and (m, b, s) in by_key and place in ("all", m)
            ]
            one, other = (np.array([by_key[m, i, s][quantity] for m, s in keys]) for i in (a, b))
            row = paired(one, other) if keys else None
            if row:
                found.append({"quantity": quantity, "a": a, "b": b, "molecule": place} | row)
    pooled = [row for row in found if row["molecule"] == "all"]
    for row, adjusted in zip(pooled, holm([row["p"] for row in pooled])):
        row["p_holm"] = adjusted
    return found


# ---- the result -------------------------------------------------------------------------------


def result_of(name: str, stored: dict | None = None) -> dict:
    """The whole result of an experiment: of the runs here, and of what `stored` has beyond them.

    Raises AssertionError if runs differ in more than what is compared.
    """
    experiment = EXPERIMENTS[name]
    here = read_runs(experiment)
    fresh = {(r["molecule"], r["variant"]) for r in here}
    earlier = [
        r for r in (stored or {}).get("runs", []) if (r["molecule"], r["variant"]) not in fresh
    ]
    common = settings(experiment, here) if here else (stored or {}).get("settings", {})
    if here and earlier and stored:
        assert {**stored["settings"], "device": ""} == {**common, "device": ""}, (
            "the stored runs have other settings and cannot be compared"
        )
    runs = ordered(experiment, [*earlier, *here])
    result: dict = {
        "settings": common,
        "table": table(runs),
        "comparisons": comparisons(experiment, runs),
        "runs": [{k: v for k, v in r.items() if k not in ("config", "folder")} for r in runs],
    }
    if name == "invariants":
        kept = [
            e
            for e in (stored or {}).get("emphasis", [])
            if (e["molecule"], e["variant"]) not in fresh
        ]
        result |= {
            "distances": radial_weights.DISTANCES.tolist(),
            "emphasis": [*kept, *radial_weights.emphasis(here)],
            "lengths": (stored or {}).get("lengths", {}) | radial_weights.lengths(here),
        }
    if not runs:
        return {}
    said = statement(result)
    envelopes = ROOT / "trained" / "ablation-envelopes" / "result.json"
    if name == "invariants" and envelopes.is_file():
        said.append(again(runs, json.loads(envelopes.read_text())["runs"]))
    return result | {"statement": said}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])  # pyright: ignore
    parser.add_argument("experiment", choices=EXPERIMENTS)
    parser.add_argument("--write", action="store_true", help="keep the result for page and docs")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    args = parser.parse_args()
    target = ROOT / "trained" / f"ablation-{args.experiment}" / "result.json"
    stored = json.loads(target.read_text()) if target.is_file() else None
    result = result_of(args.experiment, stored)
    if not result:
        raise SystemExit(
            f"no finished run: demetar sweep experiments/{args.experiment}.toml makes them"
        )
    shown = text(EXPERIMENTS[args.experiment], result)
    if args.write:
        target.parent.mkdir(exist_ok=True)
        disk.write_atomically(target, (json.dumps(result) + "\n").encode())
        page = ROOT / "docs" / "ablation.md"
        made = marked.replaced(page.read_text(), args.experiment, shown, "ablation.py")
        disk.write_atomically(page, made.encode())
    print(json.dumps(result) if args.json else shown)


if __name__ == "__main__":
    main()
