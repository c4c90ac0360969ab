"""Getting a data set in a process of its own: begin, watch, stop. No Streamlit.

What the process prints goes to a file under the data folder, which every visitor's page reads; the
process goes on when the page is closed, and what has arrived of a download is kept when it ends.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from app.jobs import permission, process
from demetar.core.disk import data_root
from demetar.core.errors import refused

Options = tuple[tuple[str, str], ...]
_SHARE = re.compile(r"(\d{1,3}(?:\.\d+)?) ?%")
_begun: dict[tuple[str, Options], tuple[subprocess.Popen[bytes], float]] = {}


@dataclass(frozen=True)
class Fetch:
    """`state` is running, finished, failed or stopped; `share` (0 to 1) of the work and `words` are what it
    printed last; `seconds` since it began."""

    state: str
    share: float | None
    words: str
    seconds: float


def _log(name: str, options: Options) -> Path:
    key = hashlib.sha256(repr((name, options)).encode()).hexdigest()[:12]
    return data_root() / ".get" / f"{name}-{key}.log"


def command(name: str, options: Options) -> list[str]:
    """The command line that gets a data set and says how far it is."""
    chosen = [part for key, value in options for part in ("--option", f"{key}={value}")]
    return [sys.executable, "-m", "demetar.cli", "data", "get", name, *chosen]


def start(name: str, options: Options) -> None:
    """Begins to get the data set, unless that is under way; InputError where nothing can be written."""
    permission.require("get or generate data")
    permission.room(data_root())
    if (name, options) in _begun and _begun[name, options][0].poll() is None:
        return
    log = _log(name, options)
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.unlink(missing_ok=True)
        place = str(data_root().resolve())
        child = process.begin(command(name, options), log, DEMETAR_DATA=place)
    except OSError as error:
        raise refused(
            f"to write into {data_root()}",
            error,
            "set DEMETAR_DATA to a folder you may write and start again",
        ) from None
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, child.pid, 5)  # the page answers first
    _begun[name, options] = child, time.monotonic()


def state(name: str, options: Options) -> Fetch | None:
    """How far getting the data set is; None if nobody began since this server started."""
    if (name, options) not in _begun:
        return None
    child, since = _begun[name, options]
    log, words = _log(name, options), ""
    with contextlib.suppress(OSError):
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 4000))
            parts = re.split(r"[\r\n]+", file.read().decode("utf-8", "replace"))
        said = [part.strip() for part in parts if part.strip()]
        words = said[-1][:600] if said else ""
    code = child.poll()
    found = _SHARE.search(words)
    share = min(1.0, float(found[1]) / 100) if found else None
    states = {
        None: "running",
        0: "finished",
        -signal.SIGTERM: "stopped",
        -signal.SIGKILL: "stopped",
    }
    return Fetch(
        states.get(code, "failed"), share, words.removeprefix("demetar: "), time.monotonic() - since
    )


def stop(name: str, options: Options) -> None:
    """Ends the process, if there is one; what has arrived stays for the next time."""
    permission.require("stop getting data")
    if (name, options) not in _begun:
        return
    child, _ = _begun[name, options]
    if child.poll() is None:
        process.end(child.pid)
