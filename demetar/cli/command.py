"""The `demetar` command. Bad input ends with one sentence on standard error and exit code 2."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import demetar
from demetar.cli import huge_pages, terminal
from demetar.cli.arguments import Parser
from demetar.core.errors import InputError
from demetar.core.registry import unknown
from demetar.core.remarks import followed, heard

# Each command: the file of this room that adds its arguments, and what it does. The file is
# imported when its command is asked for: help, a wrong word and Ctrl-C do not wait for JAX.
COMMANDS = {
    "train": ("train", "train a model; writes runs/<name>"),
    "sweep": ("experiments", "train the runs of an experiment in a TOML file"),
    "efficiency": ("experiments", "train the data-efficiency experiment, or go on with it"),
    "models": ("runs", "list the models and the symmetry each claims"),
    "runs": ("runs", "list shipped and own runs"),
    "measure": ("runs", "Δ_EQ of a run on a file"),
    "diagnose": ("diagnose", "why Δ_EQ of a run on a file is what it is, in one word"),
    "evaluate": ("runs", "error of a run on a split of its data"),
    "audit": ("audit", "what is wrong with an ASE calculator at a structure, in one word"),
    "card": ("runs", "evaluate a run, measure its Δ_EQ and write its CARD.md"),
    "data": ("data", "list, show, get and make data sets"),
    "lesson": ("experiments", "train anew what a lesson shows; writes runs/lesson-<name>"),
}

# Those that compute for more than a second: to begin anew costs hundredths.
COMPUTING = (
    "train",
    "sweep",
    "efficiency",
    "lesson",
    "measure",
    "diagnose",
    "evaluate",
    "audit",
    "card",
)


def _handed_over(command: list[str]) -> int:
    """The exit code of another program that gets this terminal; signals reach it and end it first."""
    child = subprocess.Popen(command)
    kept = {
        sign: signal.signal(sign, lambda number, _: child.send_signal(number))
        for sign in (signal.SIGTERM, signal.SIGHUP)
    }
    kept[signal.SIGINT] = signal.signal(
        signal.SIGINT, lambda *_: None
    )  # the terminal sends it to both
    try:
        code = child.wait()
    finally:
        for sign, handler in kept.items():
            signal.signal(sign, handler)
    return code if code >= 0 else 128 - code


def _app(args: argparse.Namespace) -> None:
    from demetar.core.disk import home

    page = home() / "streamlit_app.py"
    window = page.parent / "app" / "server" / "window.py"
    if not page.is_file():
        raise InputError(
            f"Expected streamlit_app.py in {home()}, got none; run it from a checkout."
        )
    packages = ("streamlit", "plotly", "py3Dmol")
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(
            f"Expected the explorer's packages, got no {' and no '.join(missing)}; install them "
            'by `pip install "demetar[app]"`.'
        )
    raise SystemExit(_handed_over([sys.executable, "-P", str(window), *args.rest]))


def _bench(args: argparse.Namespace) -> Any:
    from demetar.core.disk import home

    known = sorted(p.stem for p in (home() / "benchmarks").glob("*.py"))
    if not args.rest or args.rest == ["--json"]:
        args.json = bool(args.rest)
        return [{"name": n} for n in known]
    name, *rest = args.rest
    if name not in known:
        raise unknown("a benchmark", known, name)
    script = home() / "benchmarks" / f"{name}.py"
    raise SystemExit(_handed_over([sys.executable, str(script), *rest]))


PASSED_ON = {
    "app": (_app, "open the explorer; --share: for others too; further arguments go to Streamlit"),
    "bench": (_bench, "list benchmarks, or run one; further arguments go to it"),
}
JSON = "one JSON document on standard output"


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command."""
    top = Parser(prog="demetar", description="Equivariant networks, and how equivariant they are.")
    top.add_argument("--version", action="version", version=f"demetar {demetar.__version__}")
    commands = top.add_subparsers(dest="command", required=True, parser_class=Parser)
    for name, (file, help) in COMMANDS.items():
        commands.add_parser(name, help=help).later(_filled(file, name))
    for name, (call, help) in PASSED_ON.items():
        commands.add_parser(name, help=help).passes_on(call=call, json=False)
    return top


def _filled(file: str, name: str) -> Any:
    """How a command's parser gets its arguments once it is asked for."""

    def fill(p: Parser) -> None:
        importlib.import_module(f"demetar.cli.{file}").add(name, p)
        if name != "data":  # whose own commands have it
            p.add_argument("--json", action="store_true", help=JSON)

    return fill


def _print(result: Any, as_json: bool) -> None:
    if as_json:
        print(json.dumps(result, indent=1))
        return
    for row in result if isinstance(result, list) else [result]:
        print("  ".join(f"{k}: {_short(v)}" for k, v in row.items()))


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {_short(v)}" for k, v in value.items()) + "}"
    return ", ".join(map(_short, value)) if isinstance(value, list) else str(value)


def _ran(argv: Sequence[str] | None) -> int:
    args = parser().parse_args(argv)
    follower = followed(terminal.Progress())
    with follower, heard(lambda text: terminal.say(f"demetar: note: {text}")) as said:
        result = args.call(args)
    terminal.rub()
    if said and args.json and isinstance(result, dict):
        result["remarks"] = said
    if not args.json and hasattr(args, "text"):
        print(args.text(result))
    else:
        _print(result, args.json)
    sys.stdout.flush()
    return getattr(args, "exit_code", 0)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command: 0, or one sentence on standard error and 2 after bad input, 130 after Ctrl-C.

    Remarks on what was left out go to standard error, and as "remarks" into the JSON document.
    """
    if argv is None and sys.argv[1:2] and sys.argv[1] in COMPUTING:
        huge_pages.restart()
    terminal.ready()
    with terminal.Waiting():
        try:
            return _ran(argv)
        except BrokenPipeError:  # the reader, such as head, has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
        except (Exception, KeyboardInterrupt) as error:
            sentence, code = terminal.explained(error)
            terminal.say(f"demetar: {sentence}")
            return code
