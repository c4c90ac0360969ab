"""What the folders of training runs tell: state, progress, errors. Reads only; no Streamlit.

Everything known about a run stands in its folder, so that a page that is reloaded, a second
browser and a server that was restarted see the same, and a run begun in a terminal appears too.
Beside what training writes (config.json, metrics.jsonl, status.json) `app.jobs` keeps there
request.json (the settings asked for), launch.json (the process begun last) and log.txt.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from demetar import registry, train
from demetar.errors import InputError
from demetar.evaluate import METRICS
from demetar.run import home

STALE = 30.0  # seconds without a heartbeat after which a run counts as lost
STARTUP = 120.0  # seconds that a process may take to its first heartbeat
LIVE = ("starting", "running")
children: list[subprocess.Popen[bytes]] = []  # begun by this server, kept until they have ended


@dataclass(frozen=True)
class Job:
    """A run as its folder tells it. `state` is starting, running, finished, stopped (on request),
    lost (no heartbeat), failed, shipped (under trained/) or damaged."""

    name: str
    state: str
    message: str = ""
    config: dict[str, Any] = field(default_factory=dict)
    step: int = 0
    steps: int = 0
    started: float = 0.0  # seconds since 1970; 0 if unknown
    silent: float = 0.0  # seconds since the last heartbeat
    seconds: float = 0.0  # of training, at the last evaluation
    best: float | None = None  # validation error
    test: float | None = None
    evaluations: int = 0
    loadable: bool = False

    @property
    def live(self) -> bool:
        """Whether a process should be working on it now."""
        return self.state in LIVE

    @property
    def metric(self) -> str:
        """MSE or MAE."""
        settings = self.config.get("model_config")
        return METRICS.get(str(settings.get("output")), "") if isinstance(settings, dict) else ""

    @property
    def unit(self) -> str:
        """The unit of the error."""
        unit = str(self.config.get("unit", ""))
        return f"({unit})²" if self.metric == "MSE" and unit else unit


def content(path: Path) -> dict[str, Any]:
    """The object in a JSON file; empty if there is none or something else."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def number(value: Any) -> float:
    """The value if it is a finite number, else 0."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else 0.0


def alive(pid: int) -> bool:
    """Whether a process of that number runs; one that has ended but was not waited for does not."""
    children[:] = [child for child in children if child.poll() is None]  # ends zombies
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return pid > 0


def _last_words(folder: Path) -> str:
    """The last line that the process printed."""
    with contextlib.suppress(OSError):
        text = (folder / "log.txt").read_bytes()[-4000:].decode("utf-8", "replace")
        words = [line.strip() for line in re.split(r"[\r\n]", text) if line.strip()]
        return words[-1][:300] if words else ""
    return ""


def _state(folder: Path, status: dict[str, Any], now: float) -> tuple[str, str]:
    """The state of a run and a sentence or nothing."""
    launch = content(folder / "launch.json")
    begun = number(launch.get("started"))
    if begun > number(status.get("heartbeat")):  # the process begun last has not been heard of
        if not alive(int(number(launch.get("pid")))):
            return "failed", _last_words(folder) or "the process ended before it began"
        if now - begun < STARTUP:
            return "starting", "loading the library"
        return "lost", f"not heard of since it was begun {now - begun:.0f} s ago"
    state, message = str(status.get("state", "stopped")), str(status.get("message", ""))
    silent = now - number(status.get("heartbeat"))
    if state == "running" and silent > STALE:
        return "lost", f"no heartbeat for over {STALE:.0f} s: the process ended or hangs"
    return state, message


def read(folder: Path, now: float | None = None) -> Job:
    """The run in that folder, whatever condition its files are in."""
    now = time.time() if now is None else now
    status = content(folder / "status.json")
    config = content(folder / "config.json") or content(folder / "request.json")
    done = metrics(folder)
    if folder.parent.name == "trained":
        state, message = "shipped", ""
    elif not config:
        state, message = "damaged", "config.json cannot be read"
    else:
        state, message = _state(folder, status, now)
    errors = [line["valid"] for line in done]
    test = content(folder / "results.json").get("test", {})
    return Job(
        name=folder.name,
        state=state,
        message=message,
        config=config,
        step=int(number(status.get("step")) or (done[-1]["step"] if done else 0)),
        steps=int(number(status.get("steps"))),
        started=number(status.get("started"))
        or number(content(folder / "launch.json").get("started")),
        silent=now - number(status.get("heartbeat")),
        seconds=number(done[-1].get("seconds")) if done else 0.0,
        best=min(errors) if errors else None,
        test=test.get("value") if isinstance(test, dict) else None,
        evaluations=len(done),
        loadable=(folder / "params.npz").is_file() and (folder / "config.json").is_file(),
    )


def metrics(folder: Path) -> list[dict[str, Any]]:
    """The evaluations of a run so far, in order; lines that make no sense are left out."""
    try:
        found = train.lines(folder / "metrics.jsonl")
    except (OSError, ValueError):
        return []
    numbers = ("step", "epoch", "train_loss", "valid")
    return [
        line
        for line in found
        if isinstance(line, dict) and all(isinstance(line.get(k), int | float) for k in numbers)
    ]


def folders() -> list[Path]:
    """The folders of all runs, own and shipped; also those whose process has yet to begin."""
    roots = (home() / "runs", home() / "trained")
    files = ("config.json", "request.json")
    found = {path.parent for root in roots for file in files for path in root.glob(f"*/{file}")}
    return sorted(found)


def list_all(now: float | None = None) -> list[Job]:
    """All runs, newest first, the shipped ones last."""
    jobs = [read(folder, now) for folder in folders()]
    return sorted(jobs, key=lambda job: (job.state == "shipped", -job.started, job.name))


def find(name: str) -> Path:
    """The folder of a run; InputError with the closest name if there is none."""
    known = {folder.name: folder for folder in folders()}
    if name not in known:
        raise InputError(
            f"Expected the name of a run, got {name[:60]!r}{registry.closest(name, list(known))}."
        )
    return known[name]


def free_name(wanted: str) -> str:
    """`wanted`, or with the first number behind it that no run has yet."""
    taken = {folder.name for folder in folders()}
    if wanted not in taken:
        return wanted
    return next(f"{wanted}-{i}" for i in range(2, len(taken) + 3) if f"{wanted}-{i}" not in taken)


EDGES = {"particles": 20, "atoms": 306}  # of a usual system with all pairs joined
GUESS = 2e-5  # seconds an edge and step, seen with EGNN on two cores
START = 30.0  # seconds to load the library, read the data and compile


def estimate(settings: dict[str, Any]) -> tuple[float, str]:
    """Seconds that training may take here, roughly, and from what that was guessed.

    From the newest run of the same model and data set that has been evaluated, else from the
    number of edges in a batch.
    """
    train_size, batch = int(settings["train_size"]), int(settings["batch_size"])
    batch = min(batch, train_size)
    steps = settings["epochs"] * -(-train_size // batch)
    likeness = [
        job
        for job in list_all()
        if job.seconds and all(job.config.get(k) == settings[k] for k in ("model", "dataset"))
        if job.metric and not set(job.config["model_config"]) - {"inputs", "output"}
    ]
    if likeness:
        like = likeness[0]
        one = like.seconds / max(like.step, 1) * batch / int(like.config.get("batch_size", batch))
        basis = f"as fast as {like.name} was"
    else:
        inputs = registry.load("datasets", settings["dataset"]).INPUTS
        one, basis = GUESS * EDGES[inputs] * batch, "a guess: no run of this kind yet"
    checks = settings["epochs"] / settings["evaluate_every"] * (settings["valid_size"] / batch)
    return START + one * (steps + checks / 3), basis
