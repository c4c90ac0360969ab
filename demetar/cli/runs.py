"""The commands about models and runs: `models`, `runs`, `measure`, `evaluate`, `card`."""

from __future__ import annotations

import argparse
import dataclasses
from typing import Any

from demetar.cli.tables import table


def add(name: str, p: argparse.ArgumentParser) -> None:
    """Adds the arguments of a command about models and runs to its parser."""
    calls = {
        "models": _models, "runs": _runs, "measure": _measure, "evaluate": _evaluate, "card": _card,
    }  # fmt: skip
    p.set_defaults(call=calls[name])
    if name == "measure":
        p.add_argument("run")
        p.add_argument("file")
        p.add_argument("--group", default="SO(3)")
        p.add_argument("--samples", type=int, default=64)
        p.add_argument("--seed", type=int, default=0)
        p.add_argument("--dtype", default="float32")
        p.add_argument("--memory", type=float, default=None, help="GB that it may hold at once")
    elif name == "evaluate":
        p.add_argument("run")
        p.add_argument("--split", default="test")
        p.add_argument("--size", type=int, default=None)
    elif name == "card":
        p.add_argument("run", nargs="*")
        p.add_argument("--all", action="store_true", help="of all shipped runs")


def _models(args: argparse.Namespace) -> Any:
    from demetar.core import registry

    args.text = _models_text
    found = {n: registry.load("models", n) for n in registry.names("models")}
    return [
        {
            "name": n,
            "title": m.TITLE,
            "symmetry": m.SYMMETRY,
            "outputs": list(m.OUTPUTS),
            "reference": m.REFERENCE,
        }
        for n, m in found.items()
    ]


def _models_text(rows: list[dict[str, Any]]) -> str:
    keys = ("name", "title", "symmetry", "reference")
    return table(("model", "title", "symmetry", "reference"), [[r[k] for k in keys] for r in rows])


def _runs(args: argparse.Namespace) -> Any:
    from demetar.core.disk import content
    from demetar.core.remarks import remark
    from demetar.runs.folder import fault, folders

    args.text = _runs_text
    rows = []
    for folder in folders():
        config, wrong = content(folder / "config.json"), fault(folder)
        if wrong:
            remark(f"The run {folder.name} is damaged: {wrong}")
        known = {k: config.get(k) for k in ("model", "dataset", "target")}
        rows.append({"name": folder.name, **known, "damaged": wrong or None})
    return rows


def _runs_text(rows: list[dict[str, Any]]) -> str:
    keys = ("name", "model", "dataset", "target")
    cells = [
        [row["name"] + " (damaged)" * bool(row["damaged"]), *(_cell(row[k]) for k in keys[1:])]
        for row in rows
    ]
    return table(("run", "model", "data set", "target"), cells)


def _cell(value: Any) -> str:
    return value if value and isinstance(value, str) and value.isprintable() else "–"


def _measure(args: argparse.Namespace) -> Any:
    import numpy as np

    import demetar

    run, graph = demetar.load(args.run), demetar.read(args.file)
    m = demetar.measure(
        run, graph, args.group, args.samples, args.seed, args.dtype, budget=args.memory
    )
    moving = m.elements.moving()

    def summary(d: np.ndarray) -> dict[str, float]:
        d = d[moving] if moving.any() else d  # the identity shows nothing
        return {"median": float(np.median(d)), "max": float(np.max(d))}

    return {
        "run": run.name,
        "file": args.file,
        "group": args.group,
        "samples": args.samples,
        "seed": args.seed,
        "dtype": args.dtype,
        "claimed": run.symmetry,
        "delta": {k: summary(v) for k, v in m.delta.items()},
        "rebuilt": {k: summary(v) for k, v in m.rebuilt.items()},
        "edges_changed": int(m.edges_changed.max()),
        "classic": {k: summary(v) for k, v in m.classic.items()},
        "absolute": {k: summary(v) for k, v in m.absolute.items()},
        "layers": [
            {"name": layer.name, **{k: summary(v) for k, v in layer.features.items()}}
            | ({} if layer.attention is None else {layer.weights: summary(layer.attention)})
            for layer in m.layers
        ],
        "verdict": _verdict(run, graph, m, args.memory),
    }


def _verdict(run: Any, graph: Any, m: Any, budget: float | None) -> dict[str, Any]:
    """What a second precision says; a word None and why, where that is beyond the budget."""
    import demetar
    from demetar.symmetry.instruments.verdict import SECOND, compare
    from demetar.symmetry.memory import BeyondBudget

    dtype = SECOND[m.dtype]
    try:
        second = demetar.measure(
            run, graph, m.group, dtype=dtype, elements=m.elements, layers=False, budget=budget
        )
    except BeyondBudget as error:
        return {"word": None, "sentence": f"No second precision was measured: {error}"}
    found = compare(m, second)
    return {
        "word": found.word,
        "sentence": found.sentence,
        "second": dtype,
        "ratio_of_precisions": found.expected,
        "outputs": {k: dataclasses.asdict(v) for k, v in found.findings.items()},
    }


def _evaluate(args: argparse.Namespace) -> Any:
    from demetar.runs.evaluate import evaluate
    from demetar.runs.run import load

    return {"run": args.run, **evaluate(load(args.run), args.split, args.size)}


def _card(args: argparse.Namespace) -> Any:
    from demetar.core.errors import InputError
    from demetar.runs.card import shipped, write
    from demetar.runs.run import load
    from demetar.training.monitor import of_run

    names = shipped() if args.all else args.run
    if bool(args.run) == args.all:
        raise InputError(
            f"Expected the name of a run or --all, got {'both' if args.all else 'neither'}; give one."
        )
    found = {name: write(load(name), of_run) for name in names}
    return found if len(found) > 1 else next(iter(found.values()))
