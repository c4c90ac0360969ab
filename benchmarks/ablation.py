"""Which invariant of the distance helps: reads the runs of experiments/invariants*.toml.

    demetar sweep experiments/invariants.toml
    python benchmarks/ablation.py [--write] [--json]

Errors on the test split, mean ± standard deviation over seeds; comparisons paired by seed; training
curves; the weights that the radial perceptrons give to each distance. With --write into
trained/ablation-invariants/result.json, which the page shows, and into the table of docs/ablation.md.
"""

import argparse
import itertools
import json
import re
from pathlib import Path

import jax.numpy as jnp
import numpy as np
from scipy import stats

from demetar import evaluate, models, run, train
from demetar.models.invariant_attention import Weights
from demetar.nn import radial

NAME = re.compile(r"invariant_attention-rmd17-([a-z]+)-([a-z]+)-s(\d+)")
INVARIANTS = ("norm", "inverse", "mixed", "learned", "bessel", "gaussian")
QUANTITIES = ("energy", "forces")
DISTANCES = np.round(np.arange(0.9, 2.0001, 0.025), 3)  # Å, where atoms of a molecule can be
RESULT = Path("trained/ablation-invariants/result.json")
MARKS = ("<!-- written by benchmarks/ablation.py -->", "<!-- until here -->")


# ---- what the runs say ------------------------------------------------------------------------


def read_runs() -> list[dict]:
    """Every finished run of the experiment: who it is, test errors, curves, settings, folder."""
    found = []
    for folder in run.folders():
        match, results = NAME.fullmatch(folder.name), folder / "results.json"
        if match is None or not results.is_file():
            continue
        errors = json.loads(results.read_text())["test"]["errors"]
        lines = train.lines(folder / "metrics.jsonl")
        found.append(
            {
                "molecule": match[1], "invariant": match[2], "seed": int(match[3]),
                "energy": errors["target"]["value"], "forces": errors["forces"]["value"],
                "epoch": [line["epoch"] for line in lines],
                "valid_energy": [line["errors"]["target"] for line in lines],
                "valid_forces": [line["errors"]["forces"] for line in lines],
                "seconds": lines[-1]["seconds"],
                "config": json.loads((folder / "config.json").read_text()),
                "folder": folder,
            }
        )  # fmt: skip
    return sorted(found, key=lambda r: (r["molecule"], INVARIANTS.index(r["invariant"]), r["seed"]))


def settings(runs: list[dict]) -> dict:
    """The settings that all runs share; refuses runs that differ in anything but what is compared."""
    varied = {"name", "seed", "model_config", "data_options", "device", "commit", "rms", "packages"}
    kept = [{k: v for k, v in r["config"].items() if k not in varied} for r in runs]
    inner = [
        {k: v for k, v in r["config"]["model_config"].items() if k != "invariant"} for r in runs
    ]
    assert all(k == kept[0] for k in kept), "runs with different settings cannot be compared"
    assert all(k == inner[0] for k in inner), "models with different settings cannot be compared"
    return kept[0] | {"model_config": inner[0], "device": runs[0]["config"]["device"]}


def table(runs: list[dict]) -> list[dict]:
    """Mean and standard deviation over seeds by molecule and invariant."""
    rows = []
    for (molecule, invariant), group in itertools.groupby(
        runs, key=lambda r: (r["molecule"], r["invariant"])
    ):
        chosen = list(group)
        row: dict = {"molecule": molecule, "invariant": invariant, "seeds": len(chosen)}
        for quantity in QUANTITIES:
            values = [r[quantity] for r in chosen]
            spread = float(np.std(values, ddof=1)) if len(values) > 1 else None
            row[quantity] = {"mean": float(np.mean(values)), "std": spread}
        rows.append(row)
    return rows


# ---- is it chance? ----------------------------------------------------------------------------


def paired(a: np.ndarray, b: np.ndarray) -> dict | None:
    """b against a, paired, on the logarithm of the errors; None below two pairs.

    `change` exp(mean d) − 1 with its 95 % interval by Student's t; `p` of the exact two-sided
    sign-flip test of mean d = 0 (all 2^n assignments); `dz` mean d / its standard deviation.
    """
    d = np.log(b) - np.log(a)
    n = len(d)
    if n < 2:
        return None
    test = stats.permutation_test(
        (d,), lambda x, axis: np.mean(x, axis=axis), permutation_type="samples",
        n_resamples=2**n, vectorized=True,  # all of them: exact
    )  # fmt: skip
    spread = d.std(ddof=1)
    reach = stats.t.ppf(0.975, n - 1) * spread / np.sqrt(n)
    return {
        "pairs": n, "change": float(np.expm1(d.mean())),
        "interval": [float(np.expm1(d.mean() - reach)), float(np.expm1(d.mean() + reach))],
        "p": float(test.pvalue), "dz": float(d.mean() / spread) if spread else None,
    }  # fmt: skip


def holm(p: list[float]) -> list[float]:
    """Holm's adjusted p: the family-wise error rate stays below the level (Holm 1979)."""
    order = np.argsort(p)
    raised = np.maximum.accumulate([(len(p) - i) * p[k] for i, k in enumerate(order)])
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(raised, 1)
    return [float(value) for value in adjusted]


def comparisons(runs: list[dict]) -> list[dict]:
    """Every invariant against the norm, and mixed against inverse: by molecule, and over all of them.

    Pairs have the same molecule and seed, so the same frames in the same order. Holm's correction
    runs over the comparisons over all molecules; those of one molecule are description.
    """
    by_key = {(r["molecule"], r["invariant"], r["seed"]): r for r in runs}
    molecules = sorted({r["molecule"] for r in runs})
    present = [i for i in INVARIANTS if any(r["invariant"] == i for r in runs)]
    contrasts = [("norm", i) for i in present if i != "norm"]
    contrasts += [("inverse", "mixed")] if {"inverse", "mixed"} <= set(present) else []
    found = []
    for (a, b), quantity in itertools.product(contrasts, QUANTITIES):
        for place in ["all", *molecules]:
            keys = [
                (m, s) for m, i, s in by_key
                if i == a and (m, b, s) in by_key and place in ("all", m)
            ]  # fmt: skip
            first, second = (np.array([by_key[m, i, s][quantity] for m, s in keys]) for i in (a, b))
            row = paired(first, second) if keys else None
            if row:
                found.append({"quantity": quantity, "a": a, "b": b, "molecule": place} | row)
    pooled = [row for row in found if row["molecule"] == "all"]
    for row, adjusted in zip(pooled, holm([row["p"] for row in pooled])):
        row["p_holm"] = adjusted
    return found


# ---- what the models learned ------------------------------------------------------------------


def radial_weights(trained: run.Run) -> dict[str, np.ndarray]:
    """Root mean square weight by distance [DISTANCES], over layers, couplings and channels.

    By part: the invariant, or for mixed heads "norm heads" and "inverse heads". With the envelope.
    """
    c = models.create(trained.config["model"], **trained.config["model_config"]).config
    r = jnp.asarray(DISTANCES[:, None], jnp.float32)
    none = jnp.zeros((len(r), 0), jnp.float32)
    half = c.heads // 2 * (c.width // c.heads)
    parts = {"norm heads": slice(0, half), "inverse heads": slice(half, None)}
    parts = parts if c.invariant == "mixed" else {c.invariant: slice(None)}
    total: dict[str, list] = {}
    for layer in range(1, c.layers + 1):
        tree = trained.params["model"][f"attention_{layer}"]["weights"]
        perceptron = tree["inverse" if c.invariant in ("mixed", "learned") else c.invariant]
        width = c.width - half if c.invariant == "mixed" else c.width
        couplings = perceptron["Dense_1"]["bias"].shape[0] // width
        weights = Weights(c, couplings).apply({"params": tree}, r, none)
        weights = np.asarray(weights * radial.ENVELOPES[c.envelope](r, c.cutoff)[:, None])
        for part, channels in parts.items():
            total.setdefault(part, []).append(np.square(weights[:, :, channels]).mean((1, 2)))
    return {part: np.sqrt(np.mean(squares, axis=0)) for part, squares in total.items()}


def emphasis(runs: list[dict]) -> list[dict]:
    """Weights by distance relative to their mean over distances: mean and spread over seeds."""
    curves: dict[tuple, list] = {}
    for r in runs:
        for part, weights in radial_weights(run.load(r["folder"])).items():
            key = r["molecule"], r["invariant"], part
            curves.setdefault(key, []).append(weights / weights.mean())
    return [
        {
            "molecule": m, "invariant": i, "part": part,
            "mean": np.mean(rows, 0).round(4).tolist(), "std": np.std(rows, 0).round(4).tolist(),
        }
        for (m, i, part), rows in curves.items()
    ]  # fmt: skip


def lengths(runs: list[dict]) -> dict[str, list[float]]:
    """How often each distance occurs between atoms, per Å, in the validation frames by molecule."""
    found = {}
    for molecule in sorted({r["molecule"] for r in runs}):
        config = next(r["config"] for r in runs if r["molecule"] == molecule)
        systems = evaluate.systems(config, "valid")
        frames = systems.positions.reshape(len(systems.sizes), systems.sizes[0], 3)
        near = np.linalg.norm(frames[:, :, None] - frames[:, None], axis=-1)
        step = DISTANCES[1] - DISTANCES[0]
        edges = np.append(DISTANCES - step / 2, DISTANCES[-1] + step / 2)
        found[molecule] = np.histogram(near, edges, density=True)[0].round(4).tolist()
    return found


# ---- words ------------------------------------------------------------------------------------


def statement(result: dict) -> list[str]:
    """What the comparisons over all molecules say, one sentence each, and what they cannot say."""
    said = []
    for row in result["comparisons"]:
        if row["molecule"] != "all":
            continue
        low, high = row["interval"]
        verdict = "no difference shown" if row["p_holm"] > 0.05 else "a difference"
        said.append(
            f"{row['quantity'].capitalize()}, {row['b']} against {row['a']}: {row['change']:+.1%} "
            f"(95 % interval {low:+.1%} to {high:+.1%}, {row['pairs']} pairs, d_z "
            f"{row['dz']:.2f}, p = {row['p']:.2g}, after Holm {row['p_holm']:.2g}): {verdict}."
        )
    seeds = max(row["seeds"] for row in result["table"])
    said.append(
        f"With {seeds} seeds the smallest p that a comparison on one molecule can have is "
        f"{2 / 2**seeds:.2g}: a single molecule shows a direction, not significance."
    )
    return said


def text(result: dict) -> str:
    """The table and the statement in Markdown."""
    molecules = sorted({row["molecule"] for row in result["table"]})
    cells = {(r["molecule"], r["invariant"]): r for r in result["table"]}

    def cell(molecule: str, invariant: str, quantity: str) -> str:
        row = cells.get((molecule, invariant))
        if row is None:
            return "–"
        spread = "" if row[quantity]["std"] is None else f" ± {row[quantity]['std']:.1f}"
        return f"{row[quantity]['mean']:.1f}{spread}"

    present = [i for i in INVARIANTS if any(i == key[1] for key in cells)]
    head = "| invariant | " + " | ".join(f"{m} E | {m} F" for m in molecules) + " |"
    rows = [
        f"| {i} | " + " | ".join(cell(m, i, q) for m in molecules for q in QUANTITIES) + " |"
        for i in present
    ]
    s = result["settings"]
    note = (
        f"Test MAE, energies E in meV, forces F in meV/Å; mean ± standard deviation over seeds. "
        f"{s['train_size']} training frames, {s['epochs']} epochs of batches of {s['batch_size']}, "
        f"lmax {s['model_config'].get('lmax', 2)}."
    )
    lines = [head, "|" + "---|" * (1 + 2 * len(molecules)), *rows, "", note, ""]
    return "\n".join([*lines, *(f"- {sentence}" for sentence in result["statement"])])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])  # pyright: ignore
    parser.add_argument("--write", action="store_true", help="keep the result for page and docs")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    args = parser.parse_args()
    runs = read_runs()
    if not runs:
        raise SystemExit("no finished run: demetar sweep experiments/invariants.toml makes them")
    result: dict = {
        "settings": settings(runs), "table": table(runs), "comparisons": comparisons(runs),
        "distances": DISTANCES.tolist(), "emphasis": emphasis(runs), "lengths": lengths(runs),
        "runs": [{k: v for k, v in r.items() if k not in ("config", "folder")} for r in runs],
    }  # fmt: skip
    result["statement"] = statement(result)
    if args.write:
        target = run.home() / RESULT
        run.write_atomically(target, (json.dumps(result) + "\n").encode())
        page = run.home() / "docs" / "ablation.md"
        before, rest = page.read_text().split(MARKS[0])
        after = rest.split(MARKS[1])[1]
        content = f"{before}{MARKS[0]}\n\n{text(result)}\n\n{MARKS[1]}{after}"
        run.write_atomically(page, content.encode())
    print(json.dumps(result) if args.json else text(result))


if __name__ == "__main__":
    main()
