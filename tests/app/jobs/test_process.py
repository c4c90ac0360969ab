"""A process is asked to end, and ended when it does not listen."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.jobs import process

DEAF = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1); time.sleep(60)"
)
LISTENS = "import time; print(1); time.sleep(60)"


def begun(folder: Path, program: str) -> subprocess.Popen[bytes]:
    """A process of this program that has said its first word."""
    log = folder / "log.txt"
    child = process.begin([sys.executable, "-c", program], log, PYTHONUNBUFFERED="1")
    end = time.monotonic() + 30
    while not log.stat().st_size and time.monotonic() < end:
        time.sleep(0.02)
    assert log.read_text() == "1\n"
    return child


@pytest.mark.parametrize(
    ("program", "ask", "ended_by"),
    [
        (LISTENS, signal.SIGTERM, signal.SIGTERM),
        (LISTENS, signal.SIGUSR1, signal.SIGUSR1),
        (DEAF, signal.SIGTERM, signal.SIGKILL),
    ],
)
def test_who_listens_is_asked_and_who_does_not_is_ended(
    tmp_path: Path, program: str, ask: signal.Signals, ended_by: signal.Signals
) -> None:
    child = begun(tmp_path, program)
    assert process.alive(child.pid)
    before = time.monotonic()
    process.end(child.pid, ask)
    taken = time.monotonic() - before
    assert not process.alive(child.pid)
    assert child.poll() == -ended_by
    assert taken < 3
    assert (taken > process.PATIENCE) == (ended_by == signal.SIGKILL)
    process.end(child.pid)  # of one that has ended: nothing
