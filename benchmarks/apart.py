"""Two programs that are timed in turn, each in a process of its own and begun as its users begin it.

Ours asks Linux for memory in large pages, as `demetar train` does (demetar/cli/huge_pages.py); the published
one is begun by `python`. With --pages system neither asks. The one that is not asked waits for a line.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from demetar.cli import huge_pages

MARK = "\x1e"  # opens a line that is an answer: programs print what they like


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--pages, --threads, and --serve for a process that was begun here."""
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--pages", choices=("own", "system"), default="own")
    parser.add_argument("--serve", choices=("ours", "theirs"), help=argparse.SUPPRESS)


def pin(threads: int) -> None:
    """Holds this process and torch to so many cores; before either library counts them."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    import torch

    torch.set_num_threads(threads)


class Program:
    """This script once more, as one of both programs, that answers questions."""

    def __init__(self, which: str, pages: str) -> None:
        environment = dict(os.environ)
        if which == "ours" and pages == "own" and huge_pages.wanted():
            known = environment.get(huge_pages.TUNABLES)
            asked = filter(None, (known, f"{huge_pages.ASKED}=1"))
            environment[huge_pages.TUNABLES] = ":".join(asked)
        self._process = subprocess.Popen(
            [sys.executable, *sys.argv, "--serve", which],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, *question: Any) -> Any:
        """The answer; RuntimeError if the process has ended."""
        print(json.dumps(question), file=self._process.stdin, flush=True)
        for line in self._process.stdout or ():
            if line.startswith(MARK):
                return json.loads(line[1:])
        raise RuntimeError(f"the program ended with {self._process.wait()} at {question}")

    def end(self) -> None:
        """Ends the process, which frees its memory and its cores."""
        self._process.communicate()


def serve(answer: Callable[..., Any]) -> None:
    """Answers questions until the other side ends."""
    for line in sys.stdin:
        print(MARK + json.dumps(answer(*json.loads(line))), flush=True)
