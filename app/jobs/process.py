"""Processes begun here: their priority, their life, what they leave in files."""

from __future__ import annotations

import contextlib
import json
import math
import os
import subprocess
from pathlib import Path
from typing import Any

from demetar.core.errors import InputError


def niceness() -> int:
    """How far a training gives way to the page, 0 to 19: 10, unless $DEMETAR_NICENESS says else."""
    text = os.environ.get("DEMETAR_NICENESS", "10")
    if not text.isdigit() or int(text) > 19:
        raise InputError(f"Expected DEMETAR_NICENESS to be from 0 to 19, got {text[:40]!r}.")
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


children: list[subprocess.Popen[bytes]] = []  # begun by this server, kept until they have ended


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
