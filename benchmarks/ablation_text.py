"""An ablation in words: what its comparisons say, and its table in Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ablation import Experiment

QUANTITIES = ("energy", "forces")


def statement(result: dict) -> list[str]:
    """What the comparisons over these molecules say, by molecule too, and what they cannot say."""
    said = []
    alone = {
        (row["quantity"], row["a"], row["b"], row["molecule"]): row["change"]
        for row in result["comparisons"]
        if row["molecule"] != "all"
    }
    for row in result["comparisons"]:
        if row["molecule"] != "all":
            continue
        low, high = row["interval"]
        size = "–" if row["dz"] is None else f"{row['dz']:.2f}"
        verdict = "no difference shown" if row["p_holm"] > 0.05 else "a difference"
        each = ", ".join(
            f"{key[3]} {change:+.0%}"
            for key, change in alone.items()
            if key[:3] == (row["quantity"], row["a"], row["b"])
        )
        said.append(
            f"{row['quantity'].capitalize()}, {row['b']} against {row['a']}, on these molecules: "
            f"{row['change']:+.1%} ({each}; 95 % interval {low:+.1%} to {high:+.1%}, {row['pairs']} pairs, "
            f"d_z {size}, p = {row['p']:.2g}, after Holm {row['p_holm']:.2g}): {verdict}."
        )
    seeds = max(row["seeds"] for row in result["table"])
    said.append(
        f"With {seeds} seeds the smallest p that a comparison on one molecule can have is "
        f"{2 / 2**seeds:.2g}: a single molecule shows a direction, not significance."
    )
    return said


def again(runs: list[dict], repeated: list[dict]) -> str:
    """How far apart the same configuration and seed end in two sweeps, in a sentence."""
    other = {(r["molecule"], r["seed"]): r for r in repeated if r["variant"] == "polynomial"}
    pairs = [
        (r, other[r["molecule"], r["seed"]])
        for r in runs
        if r["variant"] == "norm" and (r["molecule"], r["seed"]) in other
    ]
    energy, forces = (
        np.std([np.log(a[quantity] / b[quantity]) for a, b in pairs], ddof=1)
        for quantity in QUANTITIES
    )
    return (
        f"The norm was trained twice, here and among the envelopes ({len(pairs)} pairs of the same "
        f"settings and seed): the logarithms of their errors differ by a standard deviation of "
        f"{energy:.2f} in energy and {forces:.2f} in forces, without any difference in settings."
    )


def text(experiment: Experiment, result: dict) -> str:
    """The table and the statement in Markdown."""
    molecules = sorted({row["molecule"] for row in result["table"]})
    cells = {(r["molecule"], r["variant"]): r for r in result["table"]}

    def cell(molecule: str, variant: str, quantity: str) -> str:
        row = cells.get((molecule, variant))
        if row is None:
            return "–"
        spread = "" if row[quantity]["std"] is None else f" ± {row[quantity]['std']:.1f}"
        return f"{row[quantity]['mean']:.1f}{spread}"

    present = [v for v in experiment.variants if any(v == key[1] for key in cells)]
    head = (
        f"| {', '.join(experiment.settings)} | "
        + " | ".join(f"{m} E | {m} F" for m in molecules)
        + " |"
    )
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
