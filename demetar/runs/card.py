"""The card of a run: what it is, how it was made, what it reaches, how equivariant it is."""

from __future__ import annotations

import dataclasses
import json
import shlex
import time
from pathlib import Path
from typing import Any

import numpy as np

from demetar.core import registry
from demetar.core.disk import write_atomically
from demetar.data.sets import published_of
from demetar.data.systems import Systems
from demetar.runs import evaluate
from demetar.runs.config import restored
from demetar.runs.folder import lines
from demetar.runs.run import Run
from demetar.symmetry.equivariance import measure

GROUPS = ("T(3)", "SO(3)", "C_i", "S_n")
# Settings that `command` names first, or that do not change what comes out.
_ELSEWHERE = ("model", "dataset", "name", "model_config", "data_options", "checkpoint_seconds",
              "steps_per_call")  # fmt: skip


def deltas(run: Run, data: Systems, systems: int = 4, samples: int = 8) -> dict[str, Any]:
    """Δ_EQ: {group: {dtype: {"median", "max"}}} over systems and elements, the largest of any output.

    Of an energy that is its forces' Δ: beside its own value rounding is nothing.
    """
    found: dict[str, Any] = {}
    for group in GROUPS:
        for dtype in ("float32", "float64"):
            values = np.concatenate(
                [
                    np.max(
                        [*measure(run, g, group, samples, i, dtype, layers=False).delta.values()], 0
                    )
                    for i, g in enumerate(map(data.graph, range(min(systems, len(data)))))
                ]
            )
            row = {"median": float(np.median(values)), "max": float(values.max())}
            found.setdefault(group, {})[dtype] = row
    return found


def write(run: Run) -> dict[str, Any]:
    """Measures the run on the whole test split and writes results.json and CARD.md beside it."""
    assert run.folder is not None
    module = registry.load("datasets", run.config["dataset"])
    data = evaluate.systems(run.config, "test")
    results = {
        "test": evaluate.evaluate(run, "test"),
        "valid_best": min(
            (line["valid"] for line in lines(run.folder / "metrics.jsonl")), default=None
        ),
        "delta": deltas(run, data),
        "baselines": module.baselines(run.config["target"], **run.config.get("data_options", {})),
        "published": published(run.config),
        "measured": time.strftime("%Y-%m-%d"),
    }
    write_atomically(run.folder / "results.json", (json.dumps(results, indent=1) + "\n").encode())
    write_atomically(run.folder / "CARD.md", text(run, results, run.folder).encode())
    return results


def published(c: dict[str, Any]) -> float | None:
    """The paper's number for a run's model, data set, target and variant; None where none is."""
    module = registry.load("datasets", c["dataset"])
    return published_of(module, c["target"], c.get("data_options")).get(c["model"])


def text(run: Run, results: dict[str, Any], folder: Path) -> str:
    """The card in Markdown."""
    c, test = run.config, results["test"]
    model = registry.load("models", c["model"])
    done = lines(folder / "metrics.jsonl")
    last = done[-1] if done else {"epoch": 0, "step": 0, "seconds": 0}
    published = results["published"]
    rows = "\n".join(
        f"| {g} | {'yes' if g in claimed(run.symmetry) else 'no'} | "
        + " | ".join(f"{d[t]['median']:.1e} | {d[t]['max']:.1e}" for t in ("float32", "float64"))
        + " |"
        for g, d in results["delta"].items()
    )
    baselines = "\n".join(f"| {k} | {v:.4g} |" for k, v in results["baselines"].items())
    beside = "".join(
        f"| its {name.replace('_', ' ')}, {e['metric']} ({e['unit']}) | {e['value']:.4g} |\n"
        for name, e in test.get("errors", {}).items() if name != "target"
    )  # fmt: skip
    return f"""# {run.name}

{model.TITLE} on {c["dataset"]}, target {c["target"]}{_options(c)}. {model.REFERENCE}.

| test {test["metric"]} ({test["unit"]}, {test["systems"]} systems) | |
|---|---|
| **this run** | **{test["value"]:.4g}** |
{beside}| published | {"none for this variant" if published is None else f"{published:g}"} |
{baselines}

## How it was made

```
{command(c)}
```

{last["epoch"]:.0f} of {c["epochs"]} epochs ({last["step"]} steps of {c["batch_size"]}), seed {c["seed"]}, \
{last["seconds"] / 60:.0f} min on {c["device"]}, shared with other work. The parameters are the exponential \
average at the best of {len(done)} evaluations on the validation split ({results["valid_best"]:.4g}). \
{note_of(c)} {c.get("note", "")}

## Equivariance error

Δ_EQ, the largest of any output, over 4 test systems and 8 elements of each group. Claimed: {run.symmetry}.

| group | claimed | float32 median | max | float64 median | max |
|---|---|---|---|---|---|
{rows}

Packages: {", ".join(f"{k} {v}" for k, v in c["packages"].items())}. Measured {results["measured"]}.
"""


def claimed(symmetry: str) -> set[str]:
    """The single groups of GROUPS that a claim such as "E(3) x S_n" contains."""
    parts = {
        "E(3)": {"T(3)", "SO(3)", "C_i"}, "SE(3)": {"T(3)", "SO(3)"}, "O(3)": {"SO(3)", "C_i"},
        "O_h": {"C_i"},
    }  # fmt: skip
    return set().union(*(parts.get(p, {p}) for p in symmetry.split(" x ")))


def _options(c: dict[str, Any]) -> str:
    options = c.get("data_options") or {}
    return "".join(f", {k} {v}" for k, v in options.items())


def note_of(c: dict[str, Any]) -> str:
    """What has to be said about the data set beside every number on it."""
    notes = registry.load("datasets", c["dataset"]).ABOUT.notes
    return notes.get((c.get("data_options") or {}).get("variant", ""), notes.get("", ""))


def command(c: dict[str, Any]) -> str:
    """The command that trains this run again, as a shell takes it."""
    flags = [f"--model {c['model']}", f"--dataset {c['dataset']}", f"--name {c['name']}"]
    for key in ("model_config", "data_options"):
        given = {k: v for k, v in c[key].items() if k not in ("inputs", "output")}
        if given:
            pairs = [shlex.quote(f"{k}={_written(v)}") for k, v in given.items()]
            flags.append(" ".join([f"--{key.replace('_', '-')}", *pairs]))
    config = restored(c)
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if field.name not in _ELSEWHERE and value != field.default and value is not None:
            flags.append(f"--{field.name.replace('_', '-')} {shlex.quote(str(value))}")
    return "demetar train " + " ".join(flags)


def _written(value: Any) -> str:
    """A setting as the command line takes it: JSON, or a word that is none."""
    try:
        json.loads(value)
    except (TypeError, ValueError):
        return value if isinstance(value, str) else json.dumps(value)
    return json.dumps(value)
