"""The command that says why Δ_EQ is what it is: `diagnose`."""

from __future__ import annotations

import argparse
import sys
from typing import Any


def add(commands: Any) -> None:
    """Adds `diagnose` to a command's parsers."""
    p = commands.add_parser("diagnose", help="why Δ_EQ of a run is what it is, in one word")
    p.set_defaults(call=_diagnose)
    p.add_argument("run")
    p.add_argument("file")
    p.add_argument("--group", default=None, help="what it is held to; by default what the run claims")
    p.add_argument("--seconds", type=float, default=30.0, help="what does not fit is left out")


def _diagnose(args: argparse.Namespace) -> Any:
    import demetar
    from demetar.core.errors import InputError

    if not args.seconds > 0:
        raise InputError(f"Expected seconds above 0, got {args.seconds:g}; give more, such as 30.")
    run, graph = demetar.load(args.run), demetar.read(args.file)
    quiet = args.json or not sys.stderr.isatty()
    found = demetar.diagnose(
        run, graph, args.group, args.seconds, None if quiet else _shown
    )
    args.text = lambda _: found.report()
    return found.document()


def _shown(fraction: float, text: str) -> None:
    end = "\r" if fraction < 1 else "\n"
    print(f"\033[K{fraction:4.0%}  {text}", end=end, file=sys.stderr, flush=True)
