"""Many runs: one after another in this process, or through Ray on this machine or a cluster.

A run is an ordinary run folder, `runs/<name>`. A worker that dies in mid-run is replaced, and its
run goes on from the last checkpoint; a run that fails leaves the others alone.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fnmatch
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from demetar.core.disk import content, home, write_atomically
from demetar.core.errors import InputError
from demetar.experiments import cluster
from demetar.experiments.experiment import Experiment
from demetar.runs import remote
from demetar.runs.config import Config
from demetar.runs.folder import read_config
from demetar.training import mirrors

Row = dict[str, Any]
Job = tuple[Row, str | None, tuple[str, ...]]  # settings, output, mirrors
Tell = Callable[[str], None]


def sweep(
    experiment: Experiment,
    output: str | None = None,
    workers: int | None = None,
    address: str | None = None,
    resume: bool = False,
    told: Sequence[str] = (),
    tell: Tell = lambda text: None,
    only: Sequence[str] = (),
) -> list[Row]:
    """A row for every run: name, state, best validation error, test error, Δ_EQ, message.

    `workers` runs train at once, each in a process of Ray's; 0: one after another in this process,
    without Ray. `output` is an fsspec address under which every run folder is kept a second time.
    With `resume` finished runs are left as they are and the others go on. `told` names mirrors.
    Raises InputError before anything begins if a run exists and `resume` was not asked for, or was
    made with other settings. `only` takes shell patterns of names: other runs are left as they are.
    """
    if output is not None:
        remote.opened(output)
    mirrors.create(told, home())  # a missing package is told now
    meant = [run for run in experiment.runs if not only or _any(run.name, only)]
    if not meant:
        raise InputError(
            f"Expected names of runs of {experiment.name}, got {', '.join(only)}; "
            "choose from what --dry-run lists."
        )
    left = [run for run in meant if not _finished(run, output, resume)]
    tell(f"{len(experiment.runs)} runs, {len(left)} to train")
    jobs: list[Job] = [(dataclasses.asdict(run), output, tuple(told)) for run in left]
    rows = {}
    if jobs:
        ended = (
            _in_turn(jobs, tell)
            if workers == 0
            else _at_once(jobs, experiment, workers, address, tell)
        )
        with contextlib.redirect_stdout(sys.stderr):  # Ray prints the death of a worker there
            rows = {row["name"]: row for row in ended}
    known = [rows.get(run.name) or summary(_folder(run), output) for run in experiment.runs]
    text = (json.dumps(known, indent=1) + "\n").encode()
    write_atomically(home() / "runs" / f"{experiment.name}.sweep.json", text)
    return known


def _any(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _folder(run: Config) -> Path:
    return home() / "runs" / run.name


def _finished(run: Config, output: str | None, resume: bool) -> bool:
    """Whether nothing is left to do; raises InputError about a folder that must not be touched."""
    folder = _folder(run)
    if output is not None and resume:
        remote.Copy(folder, remote.join(output, run.name)).pull()
    if not (folder / "config.json").is_file():
        return False
    if not resume:
        raise InputError(
            f"Expected new names, got the run {run.name}, which exists; change the names in "
            "the experiment, or give --resume, which leaves finished runs as they are and "
            "goes on with the others."
        )
    stored = read_config(folder / "config.json")
    asked = json.loads(json.dumps(dataclasses.asdict(run)))
    found = ("epochs", "learning_rate") if run.budget else ()  # what the budget decided
    other = [k for k, value in asked.items() if k not in found and stored.get(k) != value]
    if other:
        raise InputError(
            f"Expected the run {run.name} to have the experiment's settings, got {other[0]} "
            f"{stored.get(other[0])!r} in place of {asked[other[0]]!r}; change its name."
        )
    # Without results it ended between its training and its test.
    measured = (folder / "results.json").is_file()
    return measured and _status(folder).get("state") == "finished"


def _status(folder: Path) -> Row:
    return content(folder / "status.json")


def train_one(settings: Row, output: str | None, told: Sequence[str] = ()) -> Row:
    """The summary of a run after training it, or going on with it, in this process.

    What goes wrong in the run ends up in its state and message, not in an exception.
    """
    from demetar.training.fit import fit

    run = Config(**settings)
    folder = _folder(run)
    address = None if output is None else remote.join(output, run.name)
    try:
        with remote.copied(folder, address):
            # What may go on was settled before anything began.
            begun = (folder / "config.json").is_file()
            fit(run, resume=begun, mirrors=mirrors.create(told, folder))
            if _status(folder).get("state") == "finished":
                _measure(folder)
    except Exception as error:  # of any kind: the other runs go on
        reason = (str(error) or type(error).__name__).splitlines()[0]
        return summary(folder, output) | {"name": run.name, "state": "failed", "message": reason}
    return summary(folder, output)


def _measure(folder: Path) -> None:
    """Writes the error on the test split beside the run; `demetar card` measures all there is."""
    from demetar.runs.evaluate import evaluate
    from demetar.runs.run import load

    found = {"test": evaluate(load(folder), "test")}
    write_atomically(folder / "results.json", (json.dumps(found, indent=1) + "\n").encode())


def summary(folder: Path, output: str | None = None) -> Row:
    """The row of a run as its folder tells it; None where nothing is known."""
    from demetar.runs.folder import lines

    done, status = lines(folder / "metrics.jsonl"), _status(folder)
    test = content(folder / "results.json").get("test", {})
    test = test if isinstance(test, dict) else {}
    return {
        "name": folder.name,
        "state": status.get("state", "not begun"),
        "best": min((line["valid"] for line in done), default=None),  # of what chose the parameters
        "test": test.get("value"),
        "unit": test.get("unit", ""),
        "errors": test.get("errors", {}),
        "delta": done[-1].get("delta", {}).get("SO(3)") if done else None,
        "seconds": done[-1].get("seconds", 0.0) if done else 0.0,
        "message": status.get("message", ""),
        "folder": str(folder) if output is None else remote.join(output, folder.name),
    }


def _in_turn(jobs: Sequence[Job], tell: Tell) -> Iterator[Row]:
    for settings, output, told in jobs:
        tell(f"{settings['name']}: training")
        row = train_one(settings, output, told)
        tell(_said(row))
        yield row
        if row["state"] == "stopped":  # asked to: by Ctrl-C or SIGTERM
            return


def _at_once(
    jobs: Sequence[Job],
    experiment: Experiment,
    workers: int | None,
    address: str | None,
    tell: Tell,
) -> Iterator[Row]:
    needs = {"cpus": experiment.cpus, "gpus": experiment.gpus}
    for (settings, output, _), row in cluster.each(train_one, jobs, workers, address, **needs):
        name = settings["name"]
        if row is None:
            tell(f"{name}: handed to a worker")
            continue
        if isinstance(row, Exception):
            reason = f"{cluster.RETRIES + 1} workers died over it ({type(row).__name__})"
            row = summary(home() / "runs" / name, output) | {"state": "failed", "message": reason}
        tell(_said(row))
        yield row


def _said(row: Row) -> str:
    best = "" if row["best"] is None else f", best {row['best']:.4g}"
    return f"{row['name']}: {row['state']}{best}" + (
        f" ({row['message']})" if row["message"] else ""
    )
