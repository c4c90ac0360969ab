"""What the terminal is given: characters that it can show, and one sentence for whatever goes wrong."""

from __future__ import annotations

import codecs
import errno
import io
import os
import re
import sys
import threading
import time
import traceback

from demetar.core.errors import InputError, quoted, reason

INTERRUPTED = 130  # 128 and the number of SIGINT, as shells have it
DEFECT = 70  # EX_SOFTWARE of sysexits.h
TRACE = "DEMETAR_TRACEBACK"  # shows where a defect lies
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
PLAIN = {
    "Δ": "Delta", "Å": "A", "…": "...", "×": "x", "·": ".", "█": "#", "–": "-", "−": "-", "²": "^2",
    "→": "->", "≤": "<=", "≥": ">=",
}  # fmt: skip


def _plainly(error: UnicodeError) -> tuple[str, int]:
    """For `codecs`: what a terminal shows that has no such character."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    found = error.object[error.start : error.end]
    return "".join(PLAIN.get(c, "?") for c in found), error.end


def ready() -> None:
    """Lets both streams take every text, whatever characters they have."""
    codecs.register_error("demetar.plainly", _plainly)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="demetar.plainly")


def say(text: str, end: str = "\n") -> None:
    """One line on standard error, in place of the word that a command is at work."""
    with _lock:
        rubbed = "\r" + " " * len(_shown.pop()) + "\r" if _shown else ""
        _heard.set()
        print(rubbed + " ".join(text.split("\n")), end=end, file=sys.stderr, flush=True)


def rub() -> None:
    """Takes the word that a command is at work off the screen: its result follows."""
    if _shown:
        say("", end="")


_lock, _heard, _shown = threading.Lock(), threading.Event(), []
PATIENCE = 1.0  # seconds without a word on standard error


class Progress:
    """Tells how far long work is: on a terminal at most five times a second, else each five seconds."""

    def __init__(self) -> None:
        self.last, self.what = 0.0, ""

    def __call__(self, what: str, done: int, total: int) -> None:
        every, now = 0.2 if sys.stderr.isatty() else 5.0, time.monotonic()
        ended = total > 0 and done >= total
        if now - self.last < every and what == self.what and not ended:
            return
        self.last, self.what = now, what
        counted = f": {done:,} of {total:,} ({done / total:.0%})" if total else ""
        line = f"demetar: {what}{counted}".replace("%", " %")
        if sys.stderr.isatty():
            say("\r" + line.ljust(70), "\n" if ended else "")
        else:
            say(line)


class Waiting:
    """Says that a command is at work, until it has words of its own.

    On a terminal the seconds are counted; a file or a pipe gets the word once.
    """

    def __enter__(self) -> None:
        _heard.clear()
        self.done = threading.Event()
        threading.Thread(target=self._wait, args=(time.monotonic(),), daemon=True).start()

    def __exit__(self, *_: object) -> None:
        self.done.set()
        rub()

    def _wait(self, begun: float) -> None:
        while not self.done.wait(PATIENCE):
            with _lock:
                if _heard.is_set() or self.done.is_set():
                    return
                _shown[:] = [f"demetar: at work, {time.monotonic() - begun:.0f} s "]
                print("\r" + _shown[0], end="", file=sys.stderr, flush=True)
            if not sys.stderr.isatty():
                return


def explained(error: BaseException) -> tuple[str, int]:
    """The sentence about an error, its words cut where they are long, and the exit code for it."""
    sentence, code = _explained(error)
    return re.sub(r"\S{201,}", _cut, sentence), code


def _cut(word: re.Match[str]) -> str:
    """The first 200 characters of a word, and the marks behind it, which belong to the sentence."""
    text = word[0]
    marks = text[len(text.rstrip("'\"),.;:?")) :]
    return f"{text[:200]}…{marks[-3:]}"


def _explained(error: BaseException) -> tuple[str, int]:
    if isinstance(error, InputError):
        return str(error), 2
    if isinstance(error, KeyboardInterrupt):
        said = "Expected to finish, got an interrupt; run it again to begin anew."
        return str(error) or said, INTERRUPTED
    if isinstance(error, MemoryError):
        return "Expected room in memory, got none; ask for less at once.", 2
    if isinstance(error, RecursionError):
        return "Expected input of ordinary depth, got nests beyond measure; correct it.", 2
    if isinstance(error, OSError) and error.errno is not None:
        do = "free some space" if error.errno in FULL else "choose a place that allows it"
        where = f" at {quoted(error.filename)}" if error.filename else ""
        return f"Expected to read and write files{where}, got '{reason(error)}'; {do}.", 2
    if os.environ.get(TRACE):
        traceback.print_exception(error)
    what = f"{type(error).__name__}: {reason(error)}"
    return (
        f"Expected no defect, got {quoted(what)}; report it with what {TRACE}=1 shows.",
        DEFECT,
    )
