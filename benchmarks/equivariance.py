"""The contract table: each model × group × precision, what is claimed and the Δ_EQ that is found.

python benchmarks/equivariance.py [--samples 16] [--systems 2] [--json FILE] [--markdown FILE]

Models with their default configuration and random weights as large as trained ones, on both kinds of
input; and every run found under trained/ and runs/. Systems are five charged bodies, or sample
molecules. Claimed: at most 1e-5 in float32 and 1e-11 in float64; not claimed: at least 1e-3.
"""

import argparse
import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from demetar import models
from demetar.core import registry
from demetar.core.graph import Graph, from_arrays, from_atoms
from demetar.core.padding import pad
from demetar.data import samples
from demetar.models.nn.init import enlarged
from demetar.runs import folder, run
from demetar.runs.run import Run, template
from demetar.simulation import scene
from demetar.symmetry import groups
from demetar.symmetry.elements import Elements
from demetar.symmetry.equivariance import measure

GROUPS = ("T(3)", "SO(3)", "C_i", "O(3)", "SE(3)", "E(3)", "S_n", "E(3) x S_n", "Sim(3)")
LIMIT = {"float32": 1e-5, "float64": 1e-11}
VISIBLE = 1e-3
HUGE = 1e30  # stands for what overflows
GENERATORS = {  # what a group is made of, to tell whether a claim contains it
    "t3": {"T"}, "so3": {"R"}, "ci": {"I"}, "sn": {"S"}, "o3": {"R", "I"}, "se3": {"R", "T"},
    "e3": {"R", "I", "T"}, "sim3": {"R", "I", "T", "dilation"}, "oh": {"I"},
}  # fmt: skip
MOLECULES = ("ethanol", "glyoxal", "uracil", "pyrrole")  # 9 to 12 atoms: one rung of the ladder


def contains(claim: str, group: str) -> bool:
    """Whether a claimed group contains another one."""
    parts = [
        set().union(*(GENERATORS[f] for f in groups.load(name).factors)) for name in (claim, group)
    ]
    return parts[1] <= parts[0]


def random_run(name: str, inputs: str) -> Run:
    """The named model with its default configuration and enlarged random weights."""
    output = "positions" if inputs == "particles" else "scalar"
    config = {
        "model": name,
        "model_config": {"inputs": inputs, "output": output},
        "target": output,
        "unit": "",
        "connect": "bonds" if inputs == "atoms" else None,
    }
    made = Run(name, config, None)
    params = template(made)
    return dataclasses.replace(made, params=params | {"model": enlarged(params["model"])})


def systems(inputs: str, count: int) -> list[Graph]:
    """Random scenes of five charged bodies, or molecules from the samples."""
    if inputs == "atoms":
        found = [samples.load(name) for name in MOLECULES[:count]]
        return [from_atoms(atoms) for atoms in found if not isinstance(atoms, scene.Scene)]
    rng = np.random.default_rng(0)
    return [
        from_arrays(
            rng.normal(size=(5, 3)),
            velocities=rng.normal(size=(5, 3)),
            charges=rng.choice([-1.0, 1.0], 5),
        )
        for _ in range(count)
    ]


def elements(real: np.ndarray, count: int) -> Elements:
    """`count` elements of each of GROUPS in one batch: they share one compilation."""
    parts = [groups.load(g).covering(np.random.default_rng(0), count, real) for g in GROUPS]
    still = np.tile(np.arange(len(real)), (count, 1))
    return Elements(
        np.concatenate([p.matrix for p in parts]),
        np.concatenate([p.shift for p in parts]),
        np.concatenate([still if p.permutation is None else p.permutation for p in parts]),
    )


def rows_of(subject: Run, weights: str, count: int, samples_each: int) -> list[dict[str, Any]]:
    """Lines of the table for one model or run: group × precision, over all outputs."""
    inputs = subject.config["model_config"].get("inputs", "particles")
    graphs = [subject.prepare(g) for g in systems(inputs, count)]
    found = []
    for dtype, limit in LIMIT.items():
        deltas = []
        for graph in graphs:
            g = elements(np.asarray(pad(graph).node_mask), samples_each)
            m = measure(subject, graph, elements=g, dtype=dtype, layers=False)
            worst = np.nan_to_num(np.max(list(m.delta.values()), axis=0), nan=HUGE)
            deltas.append(np.minimum(worst, HUGE).reshape(len(GROUPS), -1))
        for group, values in zip(GROUPS, np.concatenate(deltas, axis=1), strict=True):
            claimed = contains(subject.symmetry, group)
            median, worst = float(np.median(values)), float(values.max())
            found.append(
                {
                    "run": subject.name,
                    "model": subject.config["model"],
                    "inputs": inputs,
                    "weights": weights,
                    "group": group,
                    "dtype": dtype,
                    "claimed": claimed,
                    "median": median,
                    "max": worst,
                    "holds": worst <= limit if claimed else None,
                    "breaks": None if claimed else median >= VISIBLE,
                }
            )
        print(f"{subject.name} {inputs} {weights} {dtype}", file=sys.stderr)
    return found


def table(rows: list[dict[str, Any]]) -> str:
    """The rows in Markdown, both precisions side by side."""
    lines = [
        "| model or run | input | weights | group | claimed | float32 median | max "
        "| float64 median | max |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    both = {(r["run"], r["inputs"], r["weights"], r["group"], r["dtype"]): r for r in rows}
    for (*key, group, dtype), row in both.items():
        if dtype == "float32":
            other = both[(*key, group, "float64")]
            numbers = [row["median"], row["max"], other["median"], other["max"]]
            cells = [*key, group, "yes" if row["claimed"] else "no", *(f"{x:.1e}" for x in numbers)]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def verdict(rows: list[dict[str, Any]]) -> str:
    """What does not do as it says: claims that fail, and models that break nothing at all."""
    failing = [
        f"{r['run']} {r['group']} {r['dtype']} {r['max']:.1e}" for r in rows if r["holds"] is False
    ]
    subjects = {(r["run"], r["inputs"], r["weights"]) for r in rows}
    broken = {(r["run"], r["inputs"], r["weights"]) for r in rows if r["breaks"]}
    unbroken = [" ".join(s) for s in sorted(subjects - broken)]
    return (
        f"claims that fail: {', '.join(failing) or 'none'}\n"
        f"no unclaimed group breaks: {', '.join(unbroken) or 'none'}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--samples", type=int, default=16, help="elements of each group")
    parser.add_argument("--systems", type=int, default=2, help="at most 4")
    parser.add_argument("--only", choices=["random", "trained"])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--markdown", type=Path)
    arguments = parser.parse_args()
    sizes = (arguments.systems, arguments.samples)
    rows = []
    if arguments.only != "trained":
        for name in models.names():
            for inputs in models.inputs(name):
                rows += rows_of(random_run(name, inputs), "random", *sizes)
    if arguments.only != "random":
        for name in folder.names():
            rows += rows_of(run.load(name), "trained", *sizes)
    print(table(rows))
    print(verdict(rows), file=sys.stderr)
    if arguments.markdown:
        arguments.markdown.write_text(table(rows) + "\n")
    if arguments.json:
        titles = {n: registry.load("models", n).TITLE for n in models.names()}
        arguments.json.write_text(json.dumps({"titles": titles, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
