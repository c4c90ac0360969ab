"""The commands of many runs, `sweep` and `efficiency`, and `lesson`, which trains what a lesson shows."""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from demetar.cli.tables import table as columns
from demetar.cli.terminal import say as write
from demetar.core.errors import InputError
from demetar.experiments.experiment import read
from demetar.experiments.sweep import Row, sweep


def _efficiency(args: argparse.Namespace) -> Any:
    from demetar.core.disk import home
    from demetar.experiments import efficiency

    out = Path(args.out) if args.out else home() / "runs" / "data_efficiency.json"
    result = efficiency.run(efficiency.SMALL if args.small else efficiency.FULL, out, _told)
    return [{"file": str(out), **point} for point in result["points"]]


def _lesson(args: argparse.Namespace) -> Any:
    from demetar.core import registry
    from demetar.core.disk import home

    module = registry.load("lessons", args.name)
    given = {} if args.steps is None else {"steps": args.steps}
    if not 1 <= given.get("steps", 1) <= 100_000 or args.seed < 0:
        raise InputError(
            f"Expected 1 to 100,000 steps and a seed from 0 on, got {args.steps} and {args.seed}; "
            "correct them."
        )
    if not hasattr(module, "train"):
        trains = [
            n for n in registry.names("lessons") if hasattr(registry.load("lessons", n), "train")
        ]
        raise InputError(
            f"Expected a lesson that trains something, got {args.name}; choose {' or '.join(trains)}."
        )
    folder = home() / "runs" / f"lesson-{args.name}"
    found = module.train(folder, seed=args.seed, told=_stepped, **given)
    write("")
    return {"folder": str(folder), **found}


def _stepped(what: str, done: int, steps: int) -> None:
    write(f"\r{what}: step {done} of {steps}   ", end="")


def _told(now: dict[str, Any]) -> None:
    text = f"\r{now['done']} of {now['of']}: {now['arm']}, n = {now['n']}, seed {now['seed']}"
    write(f"{text}, step {now.get('step', 0)}   ", end="")


def table(rows: Sequence[Row]) -> str:
    """The rows in columns for a terminal."""

    def number(value: float | None, digits: str) -> str:
        return "–" if value is None else format(value, digits)

    cells = [
        (
            row["name"],
            row["state"],
            number(row["best"], ".4g"),
            f"{number(row['test'], '.4g')} {row['unit']}".strip(),
            number(row["delta"], ".1e"),
        )
        for row in rows
    ]
    return columns(("run", "state", "best valid", "test", "Δ SO(3)"), cells)


def say(text: str) -> None:
    """Prints a line with the time on standard error."""
    write(f"{time.strftime('%H:%M:%S')}  {text}")


def add(name: str, p: argparse.ArgumentParser) -> None:
    """Adds the arguments of `sweep`, `efficiency` or `lesson` to its parser."""
    if name == "lesson":
        p.add_argument("name", help="of the lesson")
        p.add_argument(
            "--steps", type=int, help="of each training; left out: those of the shipped one"
        )
        p.add_argument("--seed", type=int, default=0, help="of the first parameters")
        p.set_defaults(call=_lesson)
        return
    if name == "efficiency":
        p.add_argument(
            "--small", action="store_true", help="nine short runs in about three minutes"
        )
        p.add_argument("--out", help="where the result goes; default: runs/data_efficiency.json")
        p.set_defaults(call=_efficiency)
        return
    p.add_argument("experiment")
    p.add_argument("--address", help="of a Ray cluster; this machine if left out")
    p.add_argument("--workers", type=int, help="runs at once; 0: one after another in this process")
    p.add_argument("--output", help="fsspec address that keeps every run folder a second time")
    p.add_argument("--resume", action="store_true", help="go on with what is not finished")
    p.add_argument("--mirror", action="append", default=[], metavar="NAME", help="as for train")
    p.add_argument("--only", nargs="+", default=[], metavar="NAME", help="such as 'egnn-*'")
    p.add_argument("--dry-run", action="store_true", help="check the experiment and list its runs")
    p.set_defaults(call=_sweep)


def _sweep(args: argparse.Namespace) -> Any:
    if args.workers is not None and args.workers < 0:
        raise InputError(f"Expected 0 or more workers, got {args.workers}; give their number.")
    # Settings are checked here and trained elsewhere: the check must not fill a GPU's memory.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    experiment = read(args.experiment)
    if args.dry_run:
        return [dataclasses.asdict(run) for run in experiment.runs]
    rows = sweep(
        experiment,
        args.output,
        args.workers,
        args.address,
        args.resume,
        args.mirror,
        say,
        args.only,
    )
    print(table(rows), file=sys.stderr)
    args.exit_code = int(any(row["state"] != "finished" for row in rows))
    return rows
