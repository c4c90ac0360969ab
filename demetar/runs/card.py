"""The card of a run: what it is, how it was made, what it reaches, how equivariant it is."""

from __future__ import annotations

import dataclasses
import json
import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from demetar.core import registry
from demetar.core.disk import write_atomically
from demetar.data.loader import Loader
from demetar.data.sets import published_of
from demetar.data.systems import Systems
from demetar.runs import evaluate
from demetar.runs.config import restored
from demetar.runs.folder import folders, lines, save
from demetar.runs.run import Run
from demetar.symmetry import groups
from demetar.symmetry.equivariance import measure

# Settings that `command` names first, or that do not change what comes out.
_ELSEWHERE = ("model", "dataset", "name", "model_config", "data_options", "checkpoint_seconds",
              "steps_per_call")  # fmt: skip
_BY_BUDGET = (
    "epochs",
    "evaluate_every",
)  # decided within it, as the rate is where several are tried


def deltas(run: Run, data: Systems, systems: int = 4, samples: int = 8) -> dict[str, Any]:
    """Δ_EQ over systems and elements that move something, the largest of any output.

    {group: {dtype: {"median", "max"}}} with the graph moved, and there "rebuilt_median" and
    "rebuilt_max" with the graph built again, "classic_median" and "classic_max" by the classic scale.
    """
    found: dict[str, Any] = {}
    for group in groups.SINGLE:
        for dtype in ("float32", "float64"):
            measured = [
                measure(run, g, group, samples, i, dtype, layers=False)
                for i, g in enumerate(map(data.graph, range(min(systems, len(data)))))
            ]
            row: dict[str, float] = {}
            for way, prefix in (("moved", ""), ("rebuilt", "rebuilt_"), ("classic", "classic_")):
                values = np.concatenate([m.largest(way) for m in measured])
                row[f"{prefix}median"] = float(np.median(values))
                row[f"{prefix}max"] = float(values.max())
            found.setdefault(group, {})[dtype] = row
    return found


def shipped() -> list[str]:
    """The names of the runs under `trained/`."""
    return [path.name for path in folders() if path.parent.name == "trained"]


def _known(run: Run, folder: Path, data: Systems) -> Run:
    """The run with what earlier versions did not write down: masses, how much it predicts.

    Their shares of the loss under C_i were measured with the inversion alone, which always gave 0:
    they are taken out of metrics.jsonl, as only the best parameters are left to measure them again.
    """
    known: dict[str, Any] = {"masses": data.masses is not None}
    if not run.config.get("deviation"):
        valid = evaluate.systems(run.config, "valid", run.config.get("valid_size"))
        loader = Loader(valid, run.config["batch_size"], run.config.get("connect"))
        known["deviation"] = evaluate.deviation(run, loader)
        history = lines(folder / "metrics.jsonl")
        for line in history:
            line.get("share", {}).pop("C_i", None)
        if history:
            content = "".join(json.dumps(line) + "\n" for line in history)
            write_atomically(folder / "metrics.jsonl", content.encode())
    config = {k: v for k, v in run.config.items() if k != "rms"} | known
    if config != run.config:
        save(folder, config, run.params)
    return dataclasses.replace(run, config=config)


def write(
    run: Run,
    shares: Callable[[Run], dict[str, float]] = lambda run: {},
    test: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Measures the run on the whole test split and writes results.json and CARD.md beside it.

    `shares` gives the equivariance shares of its loss by group (`demetar.training.monitor.of_run`),
    `test` the errors on the test split where they are known already.
    """
    folder = run.folder
    assert folder is not None
    module = registry.load("datasets", run.config["dataset"])
    data = evaluate.systems(run.config, "test")
    run = _known(run, folder, data)
    results = {
        "test": test or evaluate.evaluate(run, "test"),
        "valid_best": min(
            (line["valid"] for line in lines(folder / "metrics.jsonl")), default=None
        ),
        "delta": deltas(run, data),
        "share": shares(run),
        "baselines": module.baselines(run.config["target"], **run.config.get("data_options", {})),
        "published": published(run.config),
        "measured": time.strftime("%Y-%m-%d"),
    }
    write_atomically(folder / "results.json", (json.dumps(results, indent=1) + "\n").encode())
    write_atomically(folder / "CARD.md", text(run, results, folder).encode())
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
    published = results["published"]
    rows = "\n".join(
        f"| {g} | {'yes' if g in groups.load(run.symmetry).parts else 'no'} | "
        + " | ".join(
            f"{d[t]['median']:.1e} | {d[t]['max']:.1e} | {d[t]['rebuilt_max']:.1e} | "
            f"{d[t]['classic_max']:.1e}"
            for t in ("float32", "float64")
        )
        + " |"
        for g, d in results["delta"].items()
    )
    baselines = "\n".join(f"| {k} | {v:.4g} |" for k, v in results["baselines"].items())
    beside = "".join(
        f"| its {name.replace('_', ' ')}, {e['metric']} ({e['unit']}) | {e['value']:.4g} |\n"
        for name, e in test.get("errors", {}).items()
        if name != "target"
    ) + _parts(test["parts"])
    return f"""# {run.name}

{model.TITLE} on {c["dataset"]}, target {c["target"]}{_options(c)}. {model.REFERENCE}.

| test {test["metric"]} ({test["unit"]}, {test["systems"]} systems) | |
|---|---|
| **this run** | **{test["value"]:.4g}** ± {test["error"]:.2g} |
{beside}| published | {"none for this variant" if published is None else f"{published:g}"} |
{baselines}

± is the standard error over the test systems of this one training.

## How it was made

{made(c, done, results["valid_best"])} {note_of(c)} {c.get("note", "")}

## Equivariance error

Δ_EQ, the largest of any output, over 4 test systems and 8 elements of each group. Claimed: {run.symmetry}.
Invariants are measured by their deviation from the mean (or from what the atoms contribute), places by
their displacement; "classic" is the maximum over the whole output, "rebuilt" with edges drawn again, in a
fresh order.

| group | claimed | float32 median | max | rebuilt | classic | float64 median | max | rebuilt | classic |
|---|---|---|---|---|---|---|---|---|---|
{rows}
{_shares(results.get("share", {}))}
Packages: {", ".join(f"{k} {v}" for k, v in c["packages"].items())}. Measured {results["measured"]}.
"""


def made(c: dict[str, Any], done: list[dict[str, Any]], best: float | None) -> str:
    """The command that makes a run, and what it did by its lines and its least validation error."""
    last = done[-1] if done else {"epoch": 0, "step": 0, "seconds": 0}
    if script := getattr(registry.load("models", c["model"]), "FITTED_BY", ""):
        return f"""```
python {script} --train {c["train_size"]}{_fitted_with(c)} --save {c["name"]}
```

A regression in closed form on features of {c["train_size"]} molecules, {last["seconds"] / 60:.0f} processor \
minutes on {c["device"]}, shared with other work; leave-one-out error {best or 0:.4g}."""
    return f"""```
{command(c)}
```

{last["epoch"]:.0f} of {c["epochs"]} epochs ({last["step"]} steps of {c["batch_size"]}), seed {c["seed"]}, \
{last["seconds"] / 60:.0f} min on {c["device"]}, shared with other work. The parameters are the exponential \
average at the best of {len(done)} evaluations on the validation split ({best:.4g})."""


def _fitted_with(c: dict[str, Any]) -> str:
    """The settings of a model fitted by a script, but for the readout, which the script chooses."""
    usual = json.loads(json.dumps(dataclasses.asdict(registry.load("models", c["model"]).Config())))
    given = {k: v for k, v in c["model_config"].items() if v != usual[k] and k != "readout"}
    words = [shlex.quote(f"{k}={_written(v)}") for k, v in given.items()]
    return " ".join(["", "--model-config", *words]) if words else ""


def _shares(found: dict[str, float]) -> str:
    if not found:
        return ""
    listed = ", ".join(f"{group} {share:.2g}" for group, share in found.items())
    return (
        f"\nShare of the squared error on validation systems that an average over the group would "
        f"remove: {listed}.\n"
    )


def _parts(found: dict[str, dict[str, float]]) -> str:
    return "".join(
        f"| of its {p['systems']} systems {name} | {p['value']:.4g} ± {p['error']:.2g} |\n"
        for name, p in found.items()
    )


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
    config, decided = restored(c), _ELSEWHERE
    if config.budget:
        decided += _BY_BUDGET + ("learning_rate",) * bool(config.learning_rates)
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if field.name in decided or value in (field.default, None, []):
            continue
        several = value if isinstance(value, list) else [value]
        words = " ".join(shlex.quote(str(v)) for v in several)
        flags.append(f"--{field.name.replace('_', '-')} {words}")
    return "demetar train " + " ".join(flags)


def _written(value: Any) -> str:
    """A setting as the command line takes it: JSON, or a word that is none."""
    try:
        json.loads(value)
    except (TypeError, ValueError):
        return value if isinstance(value, str) else json.dumps(value)
    return json.dumps(value)
