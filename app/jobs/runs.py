"""What the folders of training runs tell: state, progress, errors. Reads only; no Streamlit.

Everything known about a run stands in its folder, so that a page that is reloaded, a second
browser and a server that was restarted see the same, and a run begun in a terminal appears too.
Beside what training writes (config.json, metrics.jsonl, status.json) `app.jobs.training` keeps there
request.json (the settings asked for), launch.json (the process begun last), log.txt, and
queue.json while the run waits for its turn.
"""

from __future__ import annotations

import contextlib
import io
import re
import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.jobs.process import alive, number
from demetar.core import registry
from demetar.core.disk import content, home, trained
from demetar.core.errors import InputError, quoted
from demetar.core.kinds import QUANTITIES
from demetar.runs.folder import fault, lines

AHEAD = 60.0  # seconds by which a heartbeat may be in the future: clocks of two machines differ
STALE = 30.0  # seconds without a heartbeat after which a run counts as lost
STARTUP = 600.0  # seconds that a process may take to its first heartbeat, on a busy machine too
WORDS = ("model", "dataset", "target", "unit")  # of a damaged run's settings
LIVE = ("starting", "running")
SETTINGS = ("config.json", "request.json")  # one of them makes a folder a run
ARCHIVED = ("config.json", "params.npz", "metrics.jsonl", "results.json", "CARD.md")


@dataclass(frozen=True)
class Job:
    """A run as its folder tells it. `state` is queued, starting, running, finished, paused, stopped
    (both on request), lost (no heartbeat), failed, shipped (under trained/) or damaged."""

    name: str
    state: str
    message: str = ""
    config: dict[str, Any] = field(default_factory=dict)
    step: int = 0
    steps: int = 0
    started: float = 0.0  # seconds since 1970; 0 if unknown
    silent: float = 0.0  # seconds since the last heartbeat
    seconds: float = 0.0  # of training, at the last evaluation
    best: float | None = None  # validation error of the target, where the parameters were kept
    forces: float | None = None  # and that of the forces, where they are trained on
    test: float | None = None
    delta: dict[str, float] = field(default_factory=dict)  # Δ_EQ of each group, last measured
    place: float = 0.0  # in the queue
    evaluations: int = 0
    loadable: bool = False
    remarks: tuple[str, ...] = ()  # on what was left out or taken in a way one may not expect

    @property
    def live(self) -> bool:
        """Whether a process should be working on it now."""
        return self.state in LIVE

    @property
    def metric(self) -> str:
        """MSE or MAE."""
        settings = self.config.get("model_config")
        known = QUANTITIES.get(str(settings.get("output"))) if isinstance(settings, dict) else None
        return known.metric if known else ""

    @property
    def unit(self) -> str:
        """The unit of the error."""
        unit = str(self.config.get("unit", ""))
        return f"({unit})²" if self.metric == "MSE" and unit else unit


def _last_words(folder: Path) -> str:
    """The last line that the process printed."""
    with contextlib.suppress(OSError):
        text = (folder / "log.txt").read_bytes()[-4000:].decode("utf-8", "replace")
        words = [line.strip() for line in re.split(r"[\r\n]", text) if line.strip()]
        return words[-1][:300] if words else ""
    return ""


_COUNTED = re.compile(r"\d of [\d,]*\d")
_NOTE = "demetar: note: "


def _doing(folder: Path) -> str:
    """What a run that has no steps yet is at, such as "generating systems: 3,000 of 7,000"."""
    words = _last_words(folder).removeprefix("demetar: ")
    return words if _COUNTED.search(words) else "loading the library"


def _remarks(folder: Path, status: dict[str, Any]) -> tuple[str, ...]:
    """What training remarked, as it stands in the status or at the beginning of the log."""
    said = status.get("remarks")
    found = [str(text) for text in said] if isinstance(said, list) else []
    with contextlib.suppress(OSError), (folder / "log.txt").open("rb") as file:
        log = file.read(20_000).decode("utf-8", "replace")
        found += [line[len(_NOTE) :].strip() for line in log.splitlines() if line.startswith(_NOTE)]
    return tuple(text[:600] for text in dict.fromkeys(found))[:20]


def _state(folder: Path, status: dict[str, Any], now: float) -> tuple[str, str]:
    """The state of a run and a sentence or nothing."""
    if (folder / "queue.json").is_file():
        return "queued", "waits for its turn"
    launch = content(folder / "launch.json")
    heartbeat = number(status.get("heartbeat"))
    ahead = heartbeat - now > AHEAD  # of a clock that was set back since: it tells nothing
    begun = number(launch.get("started"))
    if begun > (0.0 if ahead else heartbeat):  # the process begun last has not been heard of
        if not alive(int(number(launch.get("pid")))):
            return "failed", _last_words(folder) or "the process ended before it began"
        if now - begun < STARTUP:
            return "starting", _doing(folder)
        return "lost", f"not heard of since it was begun {now - begun:.0f} s ago"
    state, message = str(status.get("state", "stopped")), str(status.get("message", ""))
    if state == "running" and (ahead or now - heartbeat > STALE):
        said = "a heartbeat from the future" if ahead else f"no heartbeat for over {STALE:.0f} s"
        return "lost", f"{said}: the process ended or hangs"
    if state == "running" and not number(status.get("step")):
        message = message or _doing(folder)
    return state, message


def read(folder: Path, now: float | None = None) -> Job:
    """The run in that folder, whatever condition its files are in."""
    now = time.time() if now is None else now
    status, done = content(folder / "status.json"), metrics(folder)
    begun = (folder / "config.json").is_file()
    config = content(folder / "config.json") or content(folder / "request.json")
    wrong = _damage(folder) if begun else ""
    if folder.parent.name == "trained":
        state, message = "shipped", ""
    elif not config:
        state, message = "damaged", wrong or "request.json cannot be read"
    else:
        state, message = _state(folder, status, now)
        if wrong and state not in LIVE:
            state, message = "damaged", wrong
    if wrong:  # of settings that are none only words are shown
        config = {k: v for k, v in config.items() if k in WORDS and isinstance(v, str)}
    kept = min(done, key=lambda line: line["valid"], default=None)
    test = content(folder / "results.json").get("test", {})
    value = test.get("value") if isinstance(test, dict) else None
    return Job(
        name=folder.name,
        state=state,
        message=message,
        config=config,
        step=int(number(status.get("step")) or (done[-1]["step"] if done else 0)),
        steps=int(number(status.get("steps"))),
        started=number(status.get("started"))
        or number(content(folder / "launch.json").get("started"))
        or number(content(folder / "queue.json").get("asked")),
        silent=now - number(status.get("heartbeat")),
        seconds=number(done[-1].get("seconds")) if done else 0.0,
        best=error(kept) if kept else None,
        forces=error(kept, "forces") if kept else None,
        test=number(value) if isinstance(value, int | float) else None,
        delta=deltas(done[-1]) if done else {},
        place=number(content(folder / "queue.json").get("place")),
        evaluations=len(done),
        remarks=_remarks(folder, status),
        loadable=(folder / "params.npz").is_file() and begun and bool(config.get("model")),
    )


def error(line: Mapping[str, Any], of: str = "target") -> float | None:
    """The validation error of the target, or of the forces, in a line of metrics; None if not there.

    `valid`, by which a training keeps its parameters, weighs both where forces are labels.
    """
    found = line.get("errors")
    value = found.get(of) if isinstance(found, Mapping) else None
    fallback = line.get("valid") if of == "target" else None
    return float(value) if isinstance(value, int | float) else fallback


def apart(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lines with the errors of the target and of the forces in place of their weighted mean."""
    return [line | {"valid": error(line), "forces": error(line, "forces")} for line in lines]


def deltas(line: dict[str, Any]) -> dict[str, float]:
    """Δ_EQ of each group in a line of metrics."""
    found = line.get("delta")
    if not isinstance(found, dict):
        return {}
    return {str(g): float(d) for g, d in found.items() if isinstance(d, int | float)}


_sound: dict[Path, tuple[tuple[int, ...], str]] = {}


def _damage(folder: Path) -> str:
    """What `fault` says of a run folder, kept until one of its files changes."""
    stamp: tuple[int, ...] = ()
    for name in ("config.json", "status.json", "metrics.jsonl"):
        with contextlib.suppress(OSError):
            found = (folder / name).stat()
            stamp += (found.st_mtime_ns, found.st_size)
    if folder not in _sound or _sound[folder][0] != stamp:
        _sound[folder] = stamp, fault(folder)
    return _sound[folder][1]


_kept: dict[Path, tuple[tuple[int, int], list[dict[str, Any]]]] = {}


def metrics(folder: Path) -> list[dict[str, Any]]:
    """The evaluations of a run so far, in order; lines that make no sense are left out.

    Kept until the file changes: a table of many runs reads them at every look.
    """
    file = folder / "metrics.jsonl"
    try:
        found = file.stat()
        stamp = (found.st_mtime_ns, found.st_size)
        if file not in _kept or _kept[file][0] != stamp:
            _kept[file] = (stamp, lines(file))
    except (OSError, ValueError):
        return []
    return _kept[file][1]


def folders() -> list[Path]:
    """The folders of all runs, own and shipped; also those whose process has yet to begin."""
    roots = (home() / "runs", trained())
    found = {path.parent for root in roots for file in SETTINGS for path in root.glob(f"*/{file}")}
    return sorted(found)


def list_all(now: float | None = None) -> list[Job]:
    """All runs, newest first, the shipped ones last."""
    jobs = [read(folder, now) for folder in folders()]
    return sorted(jobs, key=lambda job: (job.state == "shipped", -job.started, job.name))


def archive(folder: Path) -> bytes:
    """A zip of what makes a run (settings, parameters, metrics, results, card), as far as written."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name in ARCHIVED:
            if (folder / name).is_file():
                file.write(folder / name, f"{folder.name}/{name}")
    return packed.getvalue()


def find(name: str) -> Path:
    """The folder of a run; InputError with the closest name if there is none."""
    roots = [trained(), home() / "runs"]  # a shipped one comes first, as in `folders`
    for folder in (root / name for root in roots):
        if (
            len(name) < 200
            and folder.name == name
            and any((folder / file).exists() for file in SETTINGS)
        ):
            return folder
    known = {folder.name: folder for folder in folders()}
    if name not in known:
        hint = registry.closest(name, known, "choose one that is listed")
        raise InputError(f"Expected the name of a run, got {quoted(name)}{hint}")
    return known[name]


def free_name(wanted: str) -> str:
    """`wanted`, or with the first number behind it that no run has yet."""
    taken = {folder.name for folder in folders()}
    if wanted not in taken:
        return wanted
    return next(f"{wanted}-{i}" for i in range(2, len(taken) + 3) if f"{wanted}-{i}" not in taken)
