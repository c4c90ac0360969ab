"""Confusion table of `demetar.diagnose`: seeded faults on three molecules, and every shipped run.

    python benchmarks/diagnosis.py                       # all, Markdown on standard output
    python benchmarks/diagnosis.py --only faults         # or runs, or strangers
    python benchmarks/diagnosis.py --only time           # how long twenty atoms take, of audit as well
    python benchmarks/diagnosis.py --names vector-bias,egnn-nbody --molecules ethanol
    python benchmarks/diagnosis.py --out rows.jsonl  # a line a case; what is there is not asked again

Faults are those of `demetar.diagnosis.faults`, in a small model; strangers the NumPy functions of
tests/support/strangers.py, in three molecules each; runs those under trained/, on a system
of the kind that each reads and on a symmetric one, held to what they claim. `--seconds` bounds each case; on
a machine that is shared it has to be generous, so the table gives processor time.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ase
import ase.build
import jax
import numpy as np

import demetar
from demetar.core.graph import Graph, from_arrays, from_atoms
from demetar.diagnosis import faults
from demetar.diagnosis.audit import audit
from demetar.diagnosis.audit.seeded import Potential

THREE = ("ethanol", "CHFClBr", "methane")
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
        "ethanol": ase.build.molecule("CH3CH2OH"),
        "CHFClBr": ase.Atoms("CHFClBr", CHIRAL),
        "methane": ase.build.molecule("CH4"),
        "benzene": ase.build.molecule("C6H6"),
    }
    return {name: from_atoms(atoms) for name, atoms in made.items()}


def scenes() -> dict[str, Graph]:
    """Charged particles: five anywhere, and a tetrahedron that flies apart."""
    rng = np.random.default_rng(0)
    corners = np.array([[0, 0, 0], [1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], float)
    signs = np.array([1.0, -1, 1, 1, -1])
    return {
        "scene": from_arrays(
            rng.normal(size=(5, 3)), velocities=rng.normal(size=(5, 3)), charges=signs
        ),
        "tetrahedron": from_arrays(corners, velocities=0.3 * corners, charges=np.ones(5)),
    }


def cases(only: str, names: set[str], systems: set[str]) -> Iterator[tuple[str, str, Any, Graph]]:
    """(what is expected, name of the system, function, graph)."""
    inputs = molecules()
    if only in ("", "faults"):
        for word in ["sound", *faults.names()]:
            for name in [s for s in inputs if s in (systems or THREE)]:
                if not names or word in names:
                    f = faults.sound() if word == "sound" else faults.make(word)
                    yield word, name, f, inputs[name]
    if only in ("", "strangers"):
        sys.path.insert(0, str(ROOT))
        from tests.support import strangers

        for name, (word, f) in strangers.functions().items():
            for system in [s for s in inputs if s in (systems or THREE)]:
                if not names or word in names:
                    yield word, f"{system}, {name}", f, inputs[system]
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


def stored(path: str) -> list[dict[str, Any]]:
    """The rows that a file has already; none where there is no file."""
    if not path or not Path(path).exists():
        return []
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


def asked(expected: str, system: str, f: Any, graph: Graph, seconds: float) -> dict[str, Any]:
    """One case as a row."""
    began = time.process_time()
    d = demetar.diagnose(f, graph, seconds=seconds)
    return {
        "expected": expected,
        "system": system,
        "cause": d.cause,
        "runner_up": d.runner_up,
        "evaluations": d.evaluations,
        "seconds": round(d.seconds, 1),
        "processor": round(time.process_time() - began, 1),
        "left_out": list(d.left_out),
        "load": round(os.getloadavg()[0], 1),
        "sentence": d.sentence,
    }


def table(rows: list[dict[str, Any]]) -> str:
    """All rows, the faults and what each was called, and how many were named, in Markdown."""
    keys = (
        "expected",
        "system",
        "cause",
        "runner_up",
        "evaluations",
        "processor",
        "seconds",
        "load",
    )
    lines = [f"| {' | '.join(keys)} |", "|---" * len(keys) + "|"]
    lines += ["| " + " | ".join(str(row[k] or "–") for k in keys) + " |" for row in rows]
    seeded = [row for row in rows if "(" not in row["expected"]]
    if seeded:
        lines += ["", "| fault | named |", "|---|---|"]
        for word in dict.fromkeys(row["expected"] for row in seeded):
            said = [row["cause"] for row in seeded if row["expected"] == word]
            other = ", ".join(f"{c} {said.count(c)}" for c in dict.fromkeys(said) if c != word)
            lines.append(
                f"| `{word}` | {said.count(word)} of {len(said)}{f' ({other})' if other else ''} |"
            )
        right = sum(row["expected"] == row["cause"] for row in seeded)
        lines.append(f"\nFaults and the sound model: {right} of {len(seeded)} named.")
    return "\n".join(lines)


def twenty() -> ase.Atoms:
    """Isobutane and two molecules of water, twenty atoms."""
    atoms = ase.build.molecule("isobutane")
    for k in (1, 2):
        water = ase.build.molecule("H2O")
        water.translate([4.0 * k - 6.0, 3.5, 1.0])
        atoms += water
    return atoms


class Slow(Potential):
    """A sound calculator that takes 50 ms more for every answer."""

    def finish(self, atoms: Any, results: dict[str, Any]) -> dict[str, Any]:
        """The same results, later."""
        time.sleep(0.05)
        return results


def timed() -> dict[str, Any]:
    """Seconds of diagnose with a function of 5 ms and of audit with a calculator of 50 ms, as by default."""
    small = {"sound": faults.sound(), "vector-bias": faults.load("vector-bias").make()}
    found: dict[str, Any] = {"load before": round(os.getloadavg()[0], 1)}
    for word, f in small.items():

        def slow(graph: Graph, f: Any = f) -> Any:
            time.sleep(0.005)
            return jax.device_get(f(graph))

        found[f"diagnose, {word}"] = asked(word, "twenty", slow, from_atoms(twenty()), 30.0)
    began = time.process_time()
    audited = audit(Slow, twenty())
    found["audit"] = {
        "cause": audited.cause,
        "evaluations": audited.evaluations,
        "seconds": audited.seconds,
        "processor": round(time.process_time() - began, 1),
        "complete": audited.complete,
    }
    return found | {"load after": round(os.getloadavg()[0], 1)}


def main() -> None:
    """Prints the table; each line as JSON on standard error, and into the file, as it comes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", choices=("", "faults", "strangers", "runs", "time"))
    parser.add_argument("--names", default="")
    parser.add_argument("--molecules", default="")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--out", default="")
    args = parser.parse_args()
    if args.only == "time":
        print(json.dumps(timed(), indent=1))
        return
    chosen = [set(filter(None, text.split(","))) for text in (args.names, args.molecules)]
    rows = stored(args.out)
    done = {(row["expected"], row["system"]) for row in rows}
    for expected, system, f, graph in cases(args.only, *chosen):
        if (expected, system) in done:
            continue
        rows.append(asked(expected, system, f, graph, args.seconds))
        line = json.dumps(rows[-1], ensure_ascii=False)
        print(line, file=sys.stderr, flush=True)
        if args.out:
            with open(args.out, "a", encoding="utf-8") as file:
                file.write(line + "\n")
    print(table(rows))


if __name__ == "__main__":
    main()
