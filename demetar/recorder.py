"""What a training writes for readers: its heartbeat and its lines of metrics."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from demetar.mirrors import Mirror, Mirrors
from demetar.run import write_atomically


class Recorder:
    """Writes metrics.jsonl and status.json of a run folder, and tells the mirrors."""

    def __init__(self, folder: Path, mirrors: Sequence[Mirror] = ()) -> None:
        self.folder, self.begun, self.mirrors = folder, time.time(), Mirrors(mirrors)
        self.lock, self.last = threading.Lock(), {}

    @contextlib.contextmanager
    def beating(self, every: float = 5.0) -> Iterator[None]:
        """Renews the heartbeat by a thread: reading data and compiling take longer than a step."""
        ended = threading.Event()

        def beat() -> None:
            while not ended.wait(every):
                with self.lock:
                    if not ended.is_set():
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
            "state": state, "step": step, "steps": steps, "pid": os.getpid(),
            "started": self.begun, "heartbeat": time.time(), "message": message,
        }  # fmt: skip
        with self.lock:
            self._write(content)

    def _write(self, content: dict[str, Any]) -> None:
        self.last = content
        write_atomically(self.folder / "status.json", json.dumps(content).encode())

    def metrics(self, **line: Any) -> None:
        """Appends one JSON line in a single write, so that lines are never torn."""
        with (self.folder / "metrics.jsonl").open("ab", buffering=0) as file:
            file.write((json.dumps(line) + "\n").encode())

        self.mirrors.log(line)

    def forget_after(self, step: int) -> None:
        """Drops lines of steps that a resumed run will do again, and a torn last line."""
        path = self.folder / "metrics.jsonl"
        kept = [line for line in lines(path) if line["step"] <= step]
        write_atomically(path, "".join(json.dumps(line) + "\n" for line in kept).encode())


def lines(path: Path) -> list[dict[str, Any]]:
    """The complete lines of a metrics.jsonl."""
    if not path.is_file():
        return []
    found = []
    for text in path.read_text().splitlines():
        try:
            found.append(json.loads(text))
        except ValueError:
            continue
    return found
