"""Training as processes of their own: start, resume, stop. What they do stands in run folders.

See `app.runs` for the files there and for reading them.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from app.runs import (
    LIVE,
    alive,
    children,
    content,
    find,
    folders,
    free_name,
    list_all,
    number,
    read,
)
from demetar import train
from demetar.errors import InputError
from demetar.run import home, write_atomically

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 2.3  # seconds between asking a process to stop and ending it
MOST_AT_ONCE = max(2, (os.cpu_count() or 2) // 2)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def _write(path: Path, content: dict[str, Any]) -> None:
    write_atomically(path, (json.dumps(content, indent=1) + "\n").encode())


def _written(folder: Path) -> bool:
    """Whether some process holds the run's lock, as training does all the time."""
    try:
        with (folder / ".lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def _check(config: train.Config) -> None:
    if not _NAME.fullmatch(config.name):
        raise InputError(
            "Expected a name of at most 64 letters, digits, dots, dashes and underscores, got "
            f"{config.name[:80]!r}; change it."
        )
    if config.name in {folder.name for folder in folders()}:
        raise InputError(
            f"Expected a new name, the run {config.name} exists; take for example "
            f"{free_name(config.name)}, or resume the run."
        )


def _room() -> None:
    busy = [job.name for job in list_all() if job.live]
    if len(busy) >= MOST_AT_ONCE:
        raise InputError(
            f"Expected fewer than {MOST_AT_ONCE} runs at once on this machine, {', '.join(busy)} "
            "are training; wait for one or stop it."
        )


def start(settings: dict[str, Any]) -> str:
    """The name of the run that a new process now trains with these settings of `train.Config`.

    Raises InputError on a bad setting, a name in use, or too many runs at once.
    """
    known = {f.name for f in train.Config.__dataclass_fields__.values()}
    if unknown := set(settings) - known:
        raise InputError(f"Expected settings among {', '.join(sorted(known))}, got {unknown}.")
    config, _ = train.resolve(train.Config(**settings))
    _check(config)
    _room()
    folder = home() / "runs" / config.name
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        raise InputError(
            f"Expected a new name, the folder of {config.name} exists; choose another."
        ) from None
    _write(folder / "request.json", {**settings, "name": config.name})
    _launch(folder)
    return config.name


def resume(name: str) -> None:
    """Goes on with a stopped, lost or failed run from its last checkpoint, with its own settings.

    Raises InputError if it is shipped, finished, damaged or being written.
    """
    folder = find(name)
    job = read(folder)
    if job.state in (*LIVE, "shipped", "finished", "damaged") or _written(folder):
        state = (
            "being written by another process" if job.state not in (*LIVE, "shipped") else job.state
        )
        state = job.state if job.state in ("finished", "damaged") else state
        raise InputError(
            f"Expected a run that was interrupted, {name} is {state}; start a new one instead."
        )
    _room()
    if not (folder / "request.json").is_file():
        _write(folder / "request.json", {"name": name})
    _launch(folder, "--resume")


def _launch(folder: Path, *flags: str) -> None:
    command = [sys.executable, "-m", "demetar.cli", "train"]
    command += ["--config", str(folder / "request.json"), *flags]
    with (folder / "log.txt").open("ab") as log:
        child = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "DEMETAR_HOME": str(home().resolve())},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # the server may end; the run goes on
        )
    children.append(child)
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, child.pid, 5)  # the page answers first
    _write(folder / "launch.json", {"pid": child.pid, "started": time.time()})


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
        if _written(folder) and _opened(pid, folder / ".lock", command):
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
    folder = find(name)
    process = _process(folder)
    if process is None:
        raise InputError(f"Expected a run that is training, no process works on {name}; reload.")
    pid, leads = process
    end = os.killpg if leads else os.kill
    for sign, patience in ((signal.SIGTERM, PATIENCE), (signal.SIGKILL, 0.6)):
        with contextlib.suppress(ProcessLookupError):
            end(pid, sign)
        until = time.monotonic() + patience
        while alive(pid) and time.monotonic() < until:
            time.sleep(0.02)
        if not alive(pid):
            break
    status = content(folder / "status.json")
    if status.get("state") not in ("stopped", "finished", "failed") or _stale(folder, status):
        step = max(
            (int(p.name) for p in folder.glob("checkpoints/[0-9]*") if p.name.isdigit()), default=0
        )
        where = f"resumes at step {step}" if step else "resumes from the start"
        now = {
            "state": "stopped",
            "message": f"stopped on request, {where}",
            "heartbeat": time.time(),
        }
        _write(folder / "status.json", {"step": step, "steps": 0, **status, **now, "pid": pid})
    return read(folder).state


def _stale(folder: Path, status: dict[str, Any]) -> bool:
    """Whether the status is older than the process begun last, which never wrote one."""
    return number(content(folder / "launch.json").get("started")) > number(status.get("heartbeat"))
