"""Bars on standard error for what takes its time."""

from __future__ import annotations

import time
from typing import Any

from demetar.cli.terminal import say


class Steps:
    """A bar on standard error, drawn at most five times a second."""

    drawn = 0.0

    def __call__(self, line: dict[str, Any]) -> None:
        share = line["step"] / max(line["steps"], 1)
        if time.monotonic() - self.drawn < 0.2 and share < 1:
            return
        self.drawn, filled = time.monotonic(), int(30 * share)
        text = f"\r{'█' * filled}{'·' * (30 - filled)} {100 * share:5.1f} %  step {line['step']}"
        padding = f"padding {100 * line['padding']['edges']:.1f} % of edges"
        say(f"{text}  best {line['best']:.4g}  {padding} ", end="")


class Amount:
    """A line on standard error that tells how much is done, at most five times a second."""

    def __init__(self, unit: str = "MB") -> None:
        self.last, self.unit = 0.0, unit

    def __call__(self, done: int, total: int) -> None:
        if time.monotonic() - self.last < 0.2 and done < total:
            return
        self.last = time.monotonic()
        share = done / max(total, 1)
        filled = int(30 * share)
        bar = f"\r{'█' * filled}{'·' * (30 - filled)} {100 * share:5.1f} %"
        end = "\n" if done >= total else ""
        part = 1e6 if self.unit == "MB" else 1
        said = f"{done / part:.{int(part > 1)}f} of {total / part:.{int(part > 1)}f} {self.unit} "
        say(f"{bar}  {said}", end=end)
