"""How long a training will take here, from what was measured: earlier runs, or its first steps.

Never a guess: without a run of the same kind on this kind of machine there is no figure until the
first steps have been timed. While a run trains, its own speed replaces all this (`left`).
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import jax

from app.jobs import permission, queue
from app.jobs.process import number
from app.jobs.runs import Job, find, list_all, metrics
from demetar.core.disk import PROJECT, content, data_root, home
from demetar.core.errors import InputError
from demetar.runs.config import Config, resolve

PATIENCE = 90.0  # seconds that timing the first steps may take
STEPS, ROUNDS = 20, 3  # epochs of so many steps; the first one holds the compilation
KIND = (
    "model",
    "dataset",
    "data_options",
    "connect",
    "precision",
    "devices",
)  # what a step's cost depends on


class Estimate(NamedTuple):
    """Seconds of a whole training, and where the figure comes from."""

    seconds: float
    basis: str


class Pace(NamedTuple):
    """Seconds a step with a batch of `batch` systems, and seconds before the first step."""

    step: float
    begin: float
    batch: int


def pace(lines: list[dict[str, Any]], batch: int) -> Pace | None:
    """The speed of a run from its evaluations; the first one holds compiling and is set apart."""
    timed = [(line["step"], number(line.get("seconds"))) for line in lines]
    timed = [(step, seconds) for step, seconds in timed if step > 0 and seconds > 0]
    if not timed:
        return None
    (first, begun), (last, done) = timed[0], timed[-1]
    if last == first:
        return Pace(done / last, 0.0, batch)
    # A run that was interrupted counts its time on; pieces that make no sense are left to the mean.
    one = (done - begun) / (last - first) if done > begun else done / last
    return Pace(one, max(begun - one * first, 0.0), batch)


def estimate(settings: dict[str, Any]) -> Estimate | None:
    """The time that training with these settings would take here; None if nothing is known."""
    found, basis = _earlier(settings)
    if found is None:
        found, basis = _timed(settings), "its first steps were timed"
    if found is None:
        return None
    train_size, batch = int(settings["train_size"]), int(settings["batch_size"])
    batch = min(batch, train_size)
    steps = settings["epochs"] * max(1, train_size // batch)
    return Estimate(found.begin + found.step * batch / found.batch * steps, basis)


def left(job: Job) -> float | None:
    """Seconds that a training run still needs at the speed of its last evaluations."""
    found = pace(metrics(find(job.name))[-4:], 1)
    return None if found is None or not job.steps else found.step * (job.steps - job.step)


def _kind(config: dict[str, Any]) -> str:
    """What a step's cost depends on but for the batch, as text."""
    sizes = config.get("model_config")
    sizes = sizes if isinstance(sizes, dict) else {}
    usual = {f.name: f.default for f in dataclasses.fields(Config)}  # older runs lack some
    known = {k: v for k, v in config.items() if k in KIND and v not in (None, "", {}, usual[k])}
    known |= {k: config.get(k) for k in ("model", "dataset")}
    sizes = {k: v for k, v in sizes.items() if k not in ("inputs", "output")}
    return json.dumps([known, sizes], sort_keys=True, default=str)


def _wanted(settings: dict[str, Any]) -> str:
    """`_kind` of settings that are not resolved yet."""
    named = (*KIND, "target", "model_config")
    return _wanted_text(json.dumps({k: v for k, v in settings.items() if k in named}))


@functools.lru_cache(maxsize=256)
def _wanted_text(settings: str) -> str:
    return _kind(resolve(Config(**json.loads(settings)))[1])


@functools.cache
def _here() -> str:
    return f"{jax.devices()[0].device_kind}, {os.cpu_count()} cores, {platform.machine()}"


def _earlier(settings: dict[str, Any]) -> tuple[Pace | None, str]:
    wanted = _wanted(settings)
    for job in list_all():
        config = job.config
        batch = min(
            int(number(config.get("batch_size"))), int(number(config.get("train_size")) or 1e9)
        )
        same = config.get("device", "") == _here() and _kind(config) == wanted
        if same and batch > 0 and (found := pace(metrics(find(job.name)), batch)):
            return found, f"as fast as {job.name} was on such a machine"
    return None, ""


def _timings() -> Path:
    return home() / "runs" / ".timings.json"


def _timed(settings: dict[str, Any]) -> Pace | None:
    found = content(_timings()).get(_wanted(settings))
    with contextlib.suppress(TypeError, ValueError):
        step, begin, batch = (float(x) for x in found)  # type: ignore[union-attr]
        return Pace(step, begin, int(batch))
    return None


def time_first_steps(settings: dict[str, Any]) -> Estimate | None:
    """The estimate after training the first steps for real, in a folder that is thrown away.

    Raises InputError with the sentence of a run that cannot begin; gives None where not even one
    evaluation was reached in time.
    """
    permission.require("time the steps of a run")
    batch = min(int(settings["batch_size"]), int(settings["train_size"]))
    tried = settings | {
        "name": "timing",
        "epochs": ROUNDS,
        "evaluate_every": 1,
        "batch_size": batch,
        "train_size": min(STEPS * batch, int(settings["train_size"])),
        "valid_size": min(batch, int(settings["valid_size"])),
    }
    with tempfile.TemporaryDirectory() as place:
        queue.write(Path(place) / "request.json", tried)
        command = [sys.executable, "-m", "demetar.cli", "train"]
        command += ["--config", str(Path(place) / "request.json")]
        env = os.environ | {"DEMETAR_HOME": place, "DEMETAR_DATA": str(data_root().resolve())}
        try:
            done = subprocess.run(
                command,
                env=env,
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                check=False,
                stdin=subprocess.DEVNULL,
                cwd=PROJECT,
            )
        except subprocess.TimeoutExpired:
            done = None
        if done is not None and done.returncode:
            words = done.stderr.strip().splitlines()
            said = words[-1].removeprefix("demetar: ") if words else ""
            raise InputError(
                said or "Expected a run that can begin, got none; see what its settings say."
            )
        found = pace(metrics(Path(place) / "runs" / "timing"), batch)
    if found is None:
        return None
    with queue.looking():
        queue.write(_timings(), content(_timings()) | {_wanted(settings): list(found)})
    return estimate(settings)
