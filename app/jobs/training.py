"""Training as processes of their own: start, pause, stop, resume, delete. What they do stands in
run folders; see `app.jobs.runs` for the files there and `app.jobs.queue` for who may begin.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from app.jobs import permission, queue
from app.jobs.process import alive, begin, end, give_way, number
from app.jobs.queue import write, written
from app.jobs.runs import LIVE, find, folders, free_name, read
from demetar.core import registry
from demetar.core.disk import content, home
from demetar.core.errors import InputError
from demetar.runs.config import Config, resolve
from demetar.training import checkpoint

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def _check(config: Config) -> None:
    if not _NAME.fullmatch(config.name):
        raise InputError(
            "Expected a name of at most 64 letters, digits, dots, dashes and underscores, got "
            f"{config.name[:80]!r}; change it."
        )
    if config.name in {folder.name for folder in folders()}:
        raise InputError(
            f"Expected a new name, got {config.name}, a run that exists; take for example "
            f"{free_name(config.name)}, or resume the run."
        )


def start(settings: dict[str, Any]) -> str:
    """The name of the run that a new process trains with these settings of `config.Config`.

    It waits in the queue while as many as the machine may bear are training. Raises InputError on
    a bad setting or a name in use, and where nobody but the owner may begin a run.
    """
    permission.require("start a run")
    known = {f.name for f in Config.__dataclass_fields__.values()}
    if unknown := set(settings) - known:
        raise registry.unknown("settings", sorted(known), ", ".join(map(str, sorted(unknown))))
    config, _ = resolve(Config(**settings))
    _check(config)
    folder = home() / "runs" / config.name
    permission.room(folder)
    with queue.looking():
        queue.bounded()
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            raise InputError(
                f"Expected a new name, got {config.name}, whose folder exists; choose another."
            ) from None
        write(folder / "request.json", {**settings, "name": config.name})
        queue.put(folder, resume=False)
        _begin_due()
    return config.name


def resume(name: str) -> None:
    """Goes on with a paused, stopped, lost or failed run from its last checkpoint, in its turn.

    Raises InputError if it is shipped, finished, damaged, waiting or being written.
    """
    permission.require("resume a run")
    folder = find(name)
    permission.room(folder)
    with queue.looking():
        queue.bounded()
        state = read(folder).state
        if state not in (*LIVE, "shipped", "finished", "damaged", "queued") and written(folder):
            state = "being written by another process"
        elif state not in (*LIVE, "shipped", "finished", "damaged", "queued"):
            state = ""
        if state:
            raise InputError(
                f"Expected a run that was interrupted, got {name}, which is {state}; start a new "
                "one instead."
            )
        if not (folder / "request.json").is_file():
            write(folder / "request.json", {"name": name})
        queue.put(folder, resume=True)
        _begin_due()


def advance() -> None:
    """Begins the runs whose turn it is; does nothing if none waits."""
    if any((home() / "runs").glob("*/queue.json")):
        with queue.looking():
            _begin_due()


def _begin_due() -> None:
    for folder, resume in queue.due():
        begun = (folder / "config.json").is_file()  # else it was stopped before it had begun
        _launch(folder, *(["--resume"] if resume and begun else []))
        (folder / "queue.json").unlink(missing_ok=True)


def _launch(folder: Path, *flags: str) -> None:
    command = [sys.executable, "-m", "app.jobs.worker"]
    command += ["--config", str(folder / "request.json"), *flags]
    command += ["--name", folder.name]  # which may have been renamed since
    child = begin(command, folder / "log.txt", DEMETAR_HOME=str(home().resolve()))
    give_way(child.pid)
    write(folder / "launch.json", {"pid": child.pid, "started": time.time()})


def at_work(name: str) -> bool:
    """Whether a process belongs to the run, heard of or not."""
    return _process(find(name)) is not None


def _process(folder: Path) -> tuple[int, bool] | None:
    """The run's own process and whether it leads its group; None if no process is the run's.

    A pid alone proves nothing, since numbers are used again: the process must have been begun
    with this run's request, or hold this run's lock open.
    """
    for source in ("launch.json", "status.json"):
        pid = int(number(content(folder / source).get("pid")))
        if pid <= 1 or not alive(pid):
            continue
        command = _command(pid)
        if str(folder / "request.json") in command:
            return pid, os.getpgid(pid) == pid
        if written(folder) and _opened(pid, folder / ".lock", command):
            return pid, False
    return None


def _command(pid: int) -> str:
    with contextlib.suppress(OSError):
        return (
            Path(f"/proc/{pid}/cmdline")
            .read_bytes()
            .replace(b"\0", b" ")
            .decode("utf-8", "replace")
        )
    words = ["ps", "-ww", "-o", "command=", "-p", str(pid)]  # not Linux
    with contextlib.suppress(OSError):
        return subprocess.run(words, capture_output=True, text=True, check=False).stdout
    return ""


def _opened(pid: int, path: Path, command: str) -> bool:
    files = Path(f"/proc/{pid}/fd")
    if not files.is_dir():
        return "demetar" in command
    with contextlib.suppress(OSError):
        return any(os.path.samefile(file, path) for file in files.iterdir() if file.exists())
    return False


def stop(name: str) -> str:
    """The state in which the run ended, at most three seconds later; its checkpoint is kept.

    Its process is asked to end (SIGTERM), and ended if it does not: then the steps since the last
    checkpoint are lost. Raises InputError if no process works on the run.
    """
    return _end(name, signal.SIGTERM, "stopped", "stopped on request")


def pause(name: str) -> str:
    """As `stop`, for a run that is meant to go on later: its state is "paused"."""
    return _end(name, signal.SIGUSR1, "paused", "paused")


def delete(name: str) -> None:
    """Deletes a run for good. Raises InputError if it is shipped or a process works on it."""
    permission.require("delete a run")
    folder = find(name)
    with queue.looking():
        if folder.parent.name == "trained":
            raise InputError(
                f"Expected a run of your own, got {name}, which comes with Demetar; it stays."
            )
        if written(folder) or _process(folder) is not None:
            raise InputError(
                f"Expected a run at rest, got {name}, which is training; stop it first."
            )
        queue.away(folder)


def _end(name: str, ask: signal.Signals, state: str, said: str) -> str:
    permission.require("stop a run")
    folder = find(name)
    process = _process(folder)
    if process is None:
        raise InputError(
            f"Expected a run that is training, got {name}, on which no process works; reload."
        )
    pid, leads = process
    end(pid, ask, leads)
    status = content(folder / "status.json")
    if status.get("state") not in (state, "finished", "failed") or _stale(folder, status):
        step = max(checkpoint.steps(folder), default=0)
        where = f"resumes at step {step}" if step else "resumes from the start"
        now = {"state": state, "message": f"{said}, {where}", "heartbeat": time.time()}
        write(folder / "status.json", {"step": step, "steps": 0, **status, **now, "pid": pid})
    advance()
    return read(folder).state


def _stale(folder: Path, status: dict[str, Any]) -> bool:
    """Whether the status is older than the process begun last, which never wrote one."""
    return number(content(folder / "launch.json").get("started")) > number(status.get("heartbeat"))
