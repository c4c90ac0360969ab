"""Confusion table of `demetar.diagnose`: seeded faults on three molecules, and every shipped run.

    python benchmarks/diagnosis.py                       # all, Markdown on standard output
    python benchmarks/diagnosis.py --only faults         # or runs
    python benchmarks/diagnosis.py --names vector-bias,egnn-nbody --molecules ethanol

Faults are those of `demetar.diagnosis.faults`, in a small model; runs those under trained/, on a system
of the kind that each reads and on a symmetric one, held to what they claim.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ase
import ase.build
import numpy as np

import demetar
from demetar.core.graph import Graph, from_arrays, from_atoms
from demetar.diagnosis import faults

ROOT = Path(__file__).resolve().parents[1]
CHIRAL = [
    (0, 0, 0),
    (0.63, 0.63, 0.6),
    (-0.8, -0.78, 0.77),
    (-1.0, 1.02, -1.01),
    (1.1, -1.12, -1.15),
]


def molecules() -> dict[str, Graph]:
    """An ordinary molecule, one without any symmetry, and two with much of it."""
    made = {
        "ethanol": ase.build.molecule("CH3CH2OH"), "CHFClBr": ase.Atoms("CHFClBr", CHIRAL),
        "methane": ase.build.molecule("CH4"), "benzene": ase.build.molecule("C6H6"),
    }  # fmt: skip
    return {name: from_atoms(atoms) for name, atoms in made.items()}


def scenes() -> dict[str, Graph]:
    """Charged particles: five anywhere, and a tetrahedron that flies apart."""
    rng = np.random.default_rng(0)
    corners = np.array([[0, 0, 0], [1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], float)
    signs = np.array([1.0, -1, 1, 1, -1])
    return {
        "scene": from_arrays(rng.normal(size=(5, 3)), velocities=rng.normal(size=(5, 3)), charges=signs),
        "tetrahedron": from_arrays(corners, velocities=0.3 * corners, charges=np.ones(5)),
    }  # fmt: skip


def cases(only: str, names: set[str], systems: set[str]) -> Iterator[tuple[str, str, Any, Graph]]:
    """(what is expected, name of the system, function, graph)."""
    inputs = molecules()
    if only in ("", "faults"):
        for word in ["sound", *faults.names()]:
            for name in systems or {"ethanol", "CHFClBr", "methane"}:
                if not names or word in names:
                    f = faults.sound() if word == "sound" else faults.load(word).make()
                    yield word, name, f, inputs[name]
    if only in ("", "runs"):
        for config in sorted((ROOT / "trained").glob("**/config.json")):
            run = demetar.load(config.parent)
            particles = run.config["model_config"].get("inputs", "particles") == "particles"
            chosen = scenes() if particles else {k: inputs[k] for k in ("ethanol", "methane")}
            for name, graph in chosen.items():
                if (not names or run.name in names) and (not systems or name in systems):
                    yield (
                        f"{config.parent.relative_to(ROOT / 'trained')} ({run.symmetry})",
                        name,
                        run,
                        graph,
                    )


def main() -> None:
    """Prints the table; each line as JSON on standard error as it comes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", choices=("", "faults", "runs"))
    parser.add_argument("--names", default="")
    parser.add_argument("--molecules", default="")
    parser.add_argument("--seconds", type=float, default=30.0)
    args = parser.parse_args()
    chosen = [set(filter(None, text.split(","))) for text in (args.names, args.molecules)]
    rows = []
    for expected, system, f, graph in cases(args.only, *chosen):
        d = demetar.diagnose(f, graph, seconds=args.seconds)
        row = {
            "expected": expected, "system": system, "cause": d.cause, "runner_up": d.runner_up,
            "evaluations": d.evaluations, "seconds": round(d.seconds, 1), "left_out": list(d.left_out),
            "load": round(os.getloadavg()[0], 1), "sentence": d.sentence,
        }  # fmt: skip
        print(json.dumps(row, ensure_ascii=False), file=sys.stderr, flush=True)
        rows.append(row)
    print("| case | system | diagnosis | runner-up | evaluations | seconds | load |")
    print("|---|---|---|---|---|---|---|")
    keys = ("expected", "system", "cause", "runner_up", "evaluations", "seconds", "load")
    for row in rows:
        print("| " + " | ".join(str(row[k] or "–") for k in keys) + " |")
    seeded = [row for row in rows if "(" not in row["expected"]]
    right = sum(row["expected"] == row["cause"] for row in seeded)
    print(f"\nFaults and the sound model: {right} of {len(seeded)} named.")


if __name__ == "__main__":
    main()
