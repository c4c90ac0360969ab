"""What the runs of experiments/equal_cost_*.toml reached, as rows, tables and one JSON value.

`result` reads the runs in runs/ of $DEMETAR_HOME, measures each finished one as `demetar card` does,
and keeps what the stored result has of runs that are not here. A run that is neither here nor stored
is "not yet run"; nothing stands in for it.
"""

import dataclasses
import json
import math
import statistics
import time
from pathlib import Path
from typing import Any

import claims

from demetar.core import registry
from demetar.core.disk import home
from demetar.data.sets import rmd17
from demetar.experiments.experiment import read
from demetar.runs import card
from demetar.runs.config import Config
from demetar.runs.folder import lines
from demetar.runs.run import Run, load, template
from demetar.training.monitor import of_run

ROOT = Path(__file__).parents[1]
TITLES = {"nbody": "Charged bodies", "nbody clean": "Charged bodies, clean force law",
          "qm9": "QM9, energy of the HOMO", "rmd17": "rMD17, ethanol"}  # fmt: skip
SPLITS = {
    "nbody": "3,000 systems to train on, 2,000 for validation, 2,000 for the test",
    "qm9": "10,000 of the 100,000 training molecules of the Cormorant split, 1,000 for validation, all "
    "13,083 of its test split",
    "rmd17": "950 frames to train on with energies and forces, 50 for validation, 1,000 for the test",
}
SPLITS["nbody clean"] = SPLITS["nbody"]
KEPT = ("state", "test", "forces", "systems", "valid", "parameters", "steps", "epochs", "seconds_a_step",
        "processor", "learning_rate", "delta", "device", "measured")  # fmt: skip


def place(c: Config) -> str:
    """The table that a run belongs to."""
    variant = c.data_options.get("variant", "published")
    return c.dataset + ("" if variant == "published" else f" {variant}")


def asked() -> list[Config]:
    """Every run of the experiments, in their order, and WaveScatt, which no sweep can train."""
    paths = sorted((ROOT / "experiments").glob("equal_cost_*.toml"))
    runs = [run for path in paths for run in read(path).runs]
    closed = Config(model="wavescatt", dataset="qm9", target="homo", name="wavescatt-qm9-homo-s0")
    return [*runs, dataclasses.replace(closed, train_size=10_000, budget=1200.0)]


def finished(folder: Path) -> bool:
    """Whether a run folder holds a training that came to its planned end."""
    try:
        state = json.loads((folder / "status.json").read_text())["state"]
        return state == "finished" and (folder / "params.npz").is_file()
    except (OSError, ValueError, KeyError):
        return False


def measured(folder: Path, tell: Any = print) -> dict[str, Any]:
    """results.json of a finished run; what `demetar card` measures is measured where it lacks."""
    path = folder / "results.json"
    found = json.loads(path.read_text()) if path.is_file() else {}
    if "delta" not in found:
        tell(f"measuring {folder.name}", flush=True)
        test = found.get("test", {})
        found = card.write(load(folder), of_run, test if {"error", "parts"} <= set(test) else None)
    return found


def count(c: Config) -> int:
    """The number of parameters of a run's model, trained or not."""
    made = template(Run(c.name, dataclasses.asdict(c), None), 0)["model"]
    return sum(math.prod(x.shape) for x in _leaves(made))


def _leaves(tree: Any) -> list[Any]:
    return [x for v in tree.values() for x in _leaves(v)] if isinstance(tree, dict) else [tree]


def row(c: Config, stored: dict[str, Any] | None) -> dict[str, Any]:
    """One run: what was asked, and what it reached, here or as stored."""
    folder = home() / "runs" / c.name
    known = {
        "name": c.name,
        "model": c.model,
        "place": place(c),
        "seed": c.seed,
        "budget": c.budget,
        "variant": _variant(c),
    }
    if not finished(folder):
        kept = {k: stored[k] for k in KEPT if k in stored} if stored else {}
        return known | (kept or {"state": "not yet run"})
    results, done = measured(folder), lines(folder / "metrics.jsonl")
    config = json.loads((folder / "config.json").read_text())
    plan, test = config["plan"], results["test"]
    forces = test["errors"].get("forces")
    return known | {
        "state": "finished",
        "test": test["value"],
        "forces": forces and forces["value"],
        "systems": test["systems"],
        "valid": results["valid_best"],
        "parameters": count(c),
        "steps": plan["steps"],
        "epochs": done[-1]["epoch"],
        "seconds_a_step": (done[-1]["processor"] or 0.0) / done[-1]["step"],
        "processor": (done[-1]["processor"] or 0.0) + plan["trial_seconds"],
        "learning_rate": plan["learning_rate"],
        "device": config["device"],
        "delta": {
            g: {t: d[t]["median"] for t in ("float32", "float64")}
            for g, d in results["delta"].items()
        },
        "measured": results["measured"],
    }


def _variant(c: Config) -> str:
    """What tells two runs of one model apart that are not seeds."""
    return str(c.model_config.get("parity", "")) if c.model == "equiformer" else ""


def table(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row a table, model and variant: means over finished seeds, with their spread."""
    found: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for r in rows:
        found.setdefault((r["place"], r["model"], r["variant"]), []).append(r)
    return [summary(group) for group in found.values()]


def summary(group: list[dict[str, Any]]) -> dict[str, Any]:
    """The row of one model: nothing is filled in for seeds that have not run."""
    done = [r for r in group if r["state"] == "finished"]
    module = registry.load("models", group[0]["model"])
    options = {"parity": group[0]["variant"]} if group[0]["variant"] else {}
    claim = module.SYMMETRY
    if options and hasattr(module, "symmetry"):
        claim = module.symmetry(module.Config(**options))
    head = {
        "place": group[0]["place"],
        "model": group[0]["model"],
        "variant": group[0]["variant"],
        "title": module.TITLE + (f" ({claim.split(' x ')[0]})" if options else ""),
        "claim": claim,
        "seeds": len(done),
        "asked": len(group),
        "published": published(group[0]["place"], group[0]["model"]),
    }
    if not done:
        return head | {"state": "not yet run"}
    return head | {
        "state": "finished",
        "test": spread([r["test"] for r in done]),
        "forces": spread([r["forces"] for r in done]) if done[0].get("forces") else None,
        **{
            k: statistics.fmean(r[k] for r in done)
            for k in ("epochs", "seconds_a_step", "processor", "parameters")
        },
        "learning_rates": sorted({r["learning_rate"] for r in done}),
        "delta": {
            g: {
                t: statistics.median(r["delta"][g][t] for r in done) for t in ("float32", "float64")
            }
            for g in done[0]["delta"]
        },
    }


def spread(values: list[float]) -> dict[str, Any]:
    """Mean and standard deviation; None where there is one value only."""
    return {
        "mean": statistics.fmean(values),
        "std": statistics.stdev(values) if len(values) > 1 else None,
    }


def published(where: str, model: str) -> dict[str, Any] | None:
    """What the paper reports, and on which split and budget; None where it reports nothing."""
    dataset, _, variant = where.partition(" ")
    module = registry.load("datasets", dataset)
    target = {"nbody": "positions", "qm9": "homo", "rmd17": "energy"}[dataset]
    options = {"variant": variant or "published"} if dataset == "nbody" else {}
    value = module.published(target, **options).get(model)
    if value is None:
        return None
    forces = None
    if dataset == "rmd17":
        forces = rmd17.PUBLISHED_ON_MD17[model]["ethanol"][1]
    return {"value": value, "forces": forces, "on": published_on(dataset, model)}


def published_on(dataset: str, model: str) -> str:
    """The split and the budget of a published number, in a few words."""
    if dataset == "nbody":
        return "3,000 systems, thousands of epochs, GPU"
    if dataset == "rmd17":
        return "950 frames, original MD17 (other labels)"
    on = registry.load("datasets", "qm9").PUBLISHED_ON
    if model == "wavescatt":
        return "its own split, a regression in closed form"
    if model in on["cormorant"]:
        return "100,000 molecules, this test split, GPU"
    own = "TorchMD-NET split" if model in on["torchmd"] else "its own split"
    return f"110,000 molecules, {own}, GPU"


def result(stored: dict[str, Any] | None = None, claimed: bool = False) -> dict[str, Any]:
    """Rows, tables and what has to be said beside them; `stored` gives what is not here.

    With `claimed`, or where none are stored, what models claim is measured anew (minutes).
    """
    known = (stored or {}).get("claims", [])
    if claimed or not known:
        known = [claims.row(case) for case in claims.CASES]
    before = {r["name"]: r for r in (stored or {}).get("runs", [])}
    runs = asked()
    rows = [row(c, before.get(c.name)) for c in runs]
    places: dict[str, dict[str, Any]] = {}
    for c in runs:
        places.setdefault(place(c), _about(c, (stored or {}).get("places", {}).get(place(c))))
    return {
        "made": time.strftime("%Y-%m-%d"),
        "places": places,
        "table": table(rows),
        "runs": rows,
        "claims": known,
    }


def _about(c: Config, stored: dict[str, Any] | None) -> dict[str, Any]:
    """Title, split, budget and the trivial predictors of a table."""
    module = registry.load("datasets", c.dataset)
    try:
        baselines = simple(c)
    except Exception as error:  # the data are not on this machine
        if not stored:
            raise
        print(f"{place(c)}: baselines as stored ({error})")
        baselines = stored["baselines"]
    metric, unit = {"nbody": ("MSE", "(scene units)²")}.get(c.dataset, ("MAE", "meV"))
    return {
        "title": TITLES[place(c)],
        "split": SPLITS[place(c)],
        "minutes": c.budget / 60,
        "metric": metric,
        "unit": unit,
        "baselines": baselines,
        "note": module.ABOUT.notes.get(
            c.data_options.get("variant", ""), module.ABOUT.notes.get("", "")
        ),
    }


def simple(c: Config) -> dict[str, float]:
    """Errors of the trivial predictors, fitted on the molecules of the experiment."""
    module = registry.load("datasets", c.dataset)
    if c.dataset != "qm9":
        return module.baselines(c.target, **c.data_options)
    train = module.read(target=c.target, split="train", size=c.train_size)
    return module.qm9(train, module.read(target=c.target, split="test"))
