"""What a training writes for readers: its heartbeat and its lines of metrics."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from demetar.core.disk import write_atomically
from demetar.core.errors import InputError
from demetar.runs.folder import lines
from demetar.training.mirrors import Mirror, Mirrors

TIMES = (
    "seconds",
    "processor",
    "systems_per_second",
    "input_wait",
)  # of a line: what two equal runs differ in
RESERVE = 64 * 1024  # bytes kept free for the last status of a run that fills the disk


class Moved(InputError):
    """The run's folder was moved, deleted or taken over while it trained."""


class Recorder:
    """Writes metrics.jsonl and status.json of a run folder, and tells the mirrors.

    The silent one of a process that is not the first writes nothing.
    """

    def __init__(
        self,
        folder: Path,
        mirrors: Sequence[Mirror] = (),
        silent: bool = False,
        owned: Callable[[], bool] = lambda: True,
    ) -> None:
        self.folder, self.begun, self.silent = folder, time.time(), silent
        self.owned = owned
        self.mirrors = Mirrors(mirrors)
        self.lock, self.last = threading.Lock(), {}

    def own(self) -> None:
        """Raises Moved unless the folder is still the one that this training holds."""
        if not self.silent and not self.owned():
            raise Moved(
                f"Expected the folder of the run {self.folder.name} to stay in its place while it "
                f"trains, got {'another' if self.folder.exists() else 'none'} there; find where it "
                "was moved to and resume it there, or begin it anew."
            )

    def write(self, name: str, content: bytes) -> None:
        """Replaces a file of the run's own folder in one step."""
        if not self.silent:
            self.own()
            write_atomically(self.folder / name, content, parents=False)

    @contextlib.contextmanager
    def beating(self, every: float = 5.0) -> Iterator[None]:
        """Renews the heartbeat by a thread: reading data and compiling take longer than a step."""
        ended = threading.Event()

        def beat() -> None:
            while not ended.wait(every):
                with self.lock:
                    if not ended.is_set():
                        # The loop meets a full disk or a lost folder itself.
                        with contextlib.suppress(OSError, Moved):
                            self._write(self.last | {"heartbeat": time.time()})

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            with self.lock:
                ended.set()

    def status(self, state: str, step: int = 0, steps: int = 0, message: str = "") -> None:
        """Replaces status.json; the heartbeat tells a living run from a dead one."""
        content = {
            "state": state,
            "step": step,
            "steps": steps,
            "pid": os.getpid(),
            "started": self.begun,
            "heartbeat": time.time(),
            "message": message,
        }
        with self.lock:
            self._write(content)

    def _write(self, content: dict[str, Any]) -> None:
        self.last = content
        self.write("status.json", json.dumps(content).encode())

    def metrics(self, **line: Any) -> None:
        """Appends one JSON line in a single write, whole or not at all.

        Raises OSError if the disk does not take it.
        """
        if not self.silent:
            self.own()
            _append(self.folder / "metrics.jsonl", (json.dumps(line) + "\n").encode())

        self.mirrors.log(line)

    def forget_after(self, step: int) -> None:
        """Drops lines of later steps, which a resumed run will do again, and a torn last line."""
        kept = [line for line in lines(self.folder / "metrics.jsonl") if line["step"] <= step]
        self.write("metrics.jsonl", "".join(json.dumps(line) + "\n" for line in kept).encode())

    @contextlib.contextmanager
    def reserving(self) -> Iterator[None]:
        """Keeps some room on the disk, so that even a full one takes the last status."""
        path = self.folder / ".reserve"
        if not self.silent:
            path.write_bytes(os.urandom(RESERVE))
        try:
            yield
        finally:
            if not self.silent and self.owned():  # another's reserve is not ours to free
                path.unlink(missing_ok=True)


def _append(path: Path, content: bytes) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        before = os.fstat(file).st_size
        try:
            written = os.write(file, content)
            if written < len(content):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(file)
        except OSError:
            os.ftruncate(file, before)
            raise
    finally:
        os.close(file)
