"""Processes begun here: their priority, their life, their end, what they leave in files."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from demetar.core.disk import PROJECT
from demetar.core.errors import InputError

PATIENCE = 2.3  # seconds between asking a process to stop and ending it


def niceness() -> int:
    """How far a training gives way to the page, 0 to 19: 10, unless $DEMETAR_NICENESS says else."""
    text = os.environ.get("DEMETAR_NICENESS", "10")
    if not text.isdigit() or int(text) > 19:
        raise InputError(
            f"Expected DEMETAR_NICENESS to be from 0 to 19, got {text[:40]!r}; change it."
        )
    return int(text)


def give_way(pid: int) -> None:
    """Lowers the priority of a process that leads a session, by `niceness`, where the system lets it.

    Linux shares the processor between sessions before it looks at priorities inside them
    (sched(7), autogroups): the session's own priority has to be lowered too.
    """
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, niceness())
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/autogroup").write_text(str(niceness()))


def begin(command: list[str], log: Path, **environment: str) -> subprocess.Popen[bytes]:
    """A process of its own that runs the command and writes what it has to say to the end of `log`.

    It leads a session: this server may end, and the process goes on. Raises OSError where the log
    cannot be written.
    """
    with log.open("ab") as file:
        child = subprocess.Popen(
            command,
            cwd=PROJECT,
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    children.append(child)
    return child


def end(pid: int, ask: signal.Signals = signal.SIGTERM, leads: bool = True) -> None:
    """Asks a process (and its group, if it leads one) to end, and ends it if it has not in time.

    Waits until it is gone, at most three seconds.
    """
    send = os.killpg if leads else os.kill
    for sign, patience in ((ask, PATIENCE), (signal.SIGKILL, 0.6)):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            send(pid, sign)
        until = time.monotonic() + patience
        while alive(pid) and time.monotonic() < until:
            time.sleep(0.02)
        if not alive(pid):
            return


children: list[subprocess.Popen[bytes]] = []  # begun by this server, kept until they have ended


def number(value: Any) -> float:
    """The value if it is a finite number, else 0."""
    sound = isinstance(value, int | float) and abs(value) < 2**53
    return float(value) if sound else 0.0


def alive(pid: int) -> bool:
    """Whether a process of that number runs; one that has ended but was not waited for does not."""
    children[:] = [child for child in children if child.poll() is None]  # ends zombies
    with contextlib.suppress(OSError):  # a zombie that another process has to wait for
        if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:1] == ["Z"]:
            return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return pid > 0
