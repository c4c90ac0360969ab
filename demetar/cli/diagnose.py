"""The command that says why Δ_EQ is what it is: `diagnose`."""

from __future__ import annotations

import argparse
from typing import Any


def add(name: str, p: argparse.ArgumentParser) -> None:
    """Adds the arguments of `diagnose` to its parser."""
    p.set_defaults(call=_diagnose)
    p.add_argument("run")
    p.add_argument("file")
    p.add_argument(
        "--group", default=None, help="what it is held to; by default what the run claims"
    )
    p.add_argument("--seconds", type=float, default=30.0, help="what does not fit is left out")


def _diagnose(args: argparse.Namespace) -> Any:
    import demetar
    from demetar.core.errors import InputError

    if not args.seconds > 0:
        raise InputError(f"Expected seconds above 0, got {args.seconds:g}; give more, such as 30.")
    run, graph = demetar.load(args.run), demetar.read(args.file)
    found = demetar.diagnose(run, graph, args.group, args.seconds)
    args.text = lambda _: found.report()
    return found.document()
