"""Δ_EQ of every shipped run on symmetric inputs: run × input × group × precision, both ways.

python benchmarks/symmetric_inputs.py [RUN ...] [--samples 8] [--json FILE] [--write]

Inputs are molecules or scenes with a symmetry of their own and one crooked system; groups are T(3),
SO(3), C_i and S_n, claimed or not; "moved" takes the edges along, "rebuilt" draws them again in a
fresh order. The table has the worst output (of an energy its gradient too) and where it is. Runs that
docs/symmetric-inputs.md has keep their lines unless they are named; those in FILE are not measured again.
"""

import argparse
import json
import math
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import jax

import demetar
from demetar.core import disk
from demetar.core.graph import Graph, connect, from_arrays
from demetar.runs.card import shipped
from demetar.symmetry import groups
from tests.support.symmetric import molecules, scenes

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "symmetric-inputs.md"
BOUND = {"float32": 1e-4, "float64": 1e-11}
COLUMNS = ("run", "group", "claimed", "float32", "where", "float64", "where")
HEAD = (
    "# Symmetric inputs\n\nMade by `python benchmarks/symmetric_inputs.py`. The worst Δ_EQ of each shipped "
    "run over {inputs} inputs and {samples} elements a group, with the graph moved / built again, and the "
    "input that shows it. Scaled by what the run predicts. A claim that holds leaves rounding: about 1e-5 "
    "in float32 (gradients), 1e-13 in float64. S_n of a moved graph is 0 where the order of sums does "
    "not change.\n"
)


def systems(run: Any) -> dict[str, Graph]:
    """The inputs that the run can read, by name, with edges by its own rule."""
    length = float(getattr(run.model.config, "cutoff", None) or 3.0)
    kind = molecules if run.model.config.inputs == "atoms" else scenes
    found = {}
    for name, s in kind(0.9 * length, None).items():
        rows = {k: v for k, v in s.items() if k not in ("x", "v", "cutoff")}
        graph = from_arrays(s["x"], velocities=s.get("v"), **rows)
        found[name] = connect(graph, run.config.get("connect"))
    return found


def measured(name: str, samples: int) -> list[dict[str, Any]]:
    """One row for each group, precision and input of a run; a run that refuses an input says why."""
    run, rows = demetar.load(name), []
    for system, graph in systems(run).items():
        for group in groups.SINGLE:
            for dtype in ("float32", "float64"):
                row: dict[str, Any] = {"run": name, "input": system, "group": group, "dtype": dtype}
                row["claimed"] = group in groups.load(run.symmetry).parts
                try:
                    m = demetar.measure(run, graph, group, samples, 0, dtype, layers=False)
                except demetar.InputError as error:
                    rows.append(row | {"refused": str(error)})
                    continue
                ways = {way: m.largest(way) for way in ("moved", "rebuilt")}
                rows.append(row | {k: float(v.max(initial=0.0)) for k, v in ways.items()})
    return rows


def line(rows: list[dict[str, Any]]) -> str:
    """One line of the table: a run and a group in both precisions."""
    cells = [rows[0]["run"], rows[0]["group"], "yes" if rows[0]["claimed"] else "no"]
    for dtype in ("float32", "float64"):
        mine = [r for r in rows if r["dtype"] == dtype and "moved" in r]
        if not mine:
            cells += ["–", ""]
            continue
        worst = max(mine, key=lambda r: max(r["moved"], r["rebuilt"]))
        both = [max(r[way] for r in mine) for way in ("moved", "rebuilt")]
        cells += [" / ".join(f"{x:.1e}" if x else "0" for x in both), worst["input"]]
    return "| " + " | ".join(cells) + " |"


def kept() -> dict[tuple[str, str], str]:
    """The lines that docs/symmetric-inputs.md has, by run and group."""
    found = {}
    for text in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in text.strip("| ").split("|")]
        if len(cells) == len(COLUMNS) and cells[1] in groups.SINGLE:
            found[cells[0], cells[1]] = text
    return found


def sizes(text: str) -> list[tuple[float, float, str]]:
    """(largest Δ, what rounding may leave, input) of a line for each precision that has one."""
    cells = [cell.strip() for cell in text.strip("| ").split("|")]
    pairs = zip(BOUND.values(), (cells[3:5], cells[5:7]), strict=True)
    return [(max(map(float, d.split("/"))), b, where) for b, (d, where) in pairs if d != "–"]


def summary(lines: dict[tuple[str, str], str]) -> str:
    """Which runs leave more than rounding of a group they claim, and the least of what is not claimed."""
    worst: dict[str, tuple[float, str]] = {}
    broken = []
    for (run, _), text in lines.items():
        claimed = "| yes |" in text
        if not claimed:
            broken.append(max((size for size, _, _ in sizes(text)), default=math.inf))
        for size, bound, where in sizes(text) if claimed else ():
            if size > bound:
                worst[run] = max(worst.get(run, (0.0, "")), (size, f"{run} on {where}: {size:.1e}"))
    above = "; ".join(told for _, told in worst.values()) or "none"
    single, double = BOUND["float32"], BOUND["float64"]
    return (
        f"\nOf {len({run for run, _ in lines})} runs, those that leave more than {single:.0e} in float32 or "
        f"{double:.0e} in float64 of a group they claim, each on its worst input: {above}. An autoencoder "
        "has no frame on an input that a turn leaves as it is, and makes rounding large there; a regression "
        "(WaveScatt) reads small differences of large features.\n\n"
        f"Of {len(broken)} groups that a run does not claim, the one it comes closest to keeping: "
        f"{min(broken):.1e} on its worst input."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Symmetric inputs.")
    parser.add_argument("runs", nargs="*", help="those to measure; the others keep their lines")
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--json", type=Path, help="keeps every measured number")
    parser.add_argument("--write", action="store_true", help="into docs/symmetric-inputs.md")
    args = parser.parse_args()
    found: list[dict[str, Any]] = []
    if args.json and args.json.is_file():
        found = json.loads(args.json.read_text())
    known, names = kept(), shipped()
    for name in args.runs or [n for n in names if (n, groups.SINGLE[0]) not in known]:
        if name in {r["run"] for r in found}:
            continue
        found += measured(name, args.samples)
        jax.clear_caches()  # each program holds mappings, of which a process may have 65,530
        print(name, file=sys.stderr, flush=True)
        if args.json:
            args.json.write_text(json.dumps(found))
    for run, group in {(r["run"], r["group"]) for r in found}:
        known[run, group] = line([r for r in found if (r["run"], r["group"]) == (run, group)])
    table = {(n, g): known[n, g] for n in names for g in groups.SINGLE if (n, g) in known}
    rule = "|" + "---|" * len(COLUMNS)
    head = HEAD.format(
        inputs=len({*molecules(1.0, None), *scenes(1.0, None)}), samples=args.samples
    )
    text = [head, f"| {' | '.join(COLUMNS)} |", rule, *table.values(), summary(table)]
    if args.write:
        disk.write_atomically(PAGE, ("\n".join(text) + "\n").encode())
    print("\n".join(text))


if __name__ == "__main__":
    main()
