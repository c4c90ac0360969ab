"""The `demetar` command. Bad input ends with one sentence on standard error and exit code 2."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
from typing import Any, NoReturn

from demetar.cli import data, experiments, runs, train
from demetar.core.errors import InputError
from demetar.core.remarks import heard


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InputError(f"{self.prog}: {message}; see {self.prog} --help.")


def _app(args: argparse.Namespace) -> None:
    from demetar.core.disk import home

    page = home() / "streamlit_app.py"
    if not page.is_file():
        raise InputError(f"Expected streamlit_app.py in {home()}, found none; run from a checkout.")
    missing = [n for n in ("streamlit", "plotly", "py3Dmol") if not importlib.util.find_spec(n)]
    if missing:
        raise InputError(
            f"Expected the packages of the explorer, got none of the name {' or '.join(missing)}; "
            'install them by `pip install "demetar[app]"`.'
        )
    raise SystemExit(
        subprocess.call([sys.executable, "-m", "streamlit", "run", str(page), *args.rest])
    )


def _bench(args: argparse.Namespace) -> Any:
    from demetar.core.disk import home
    from demetar.core.registry import closest

    known = sorted(p.stem for p in (home() / "benchmarks").glob("*.py"))
    if not args.name:
        return [{"name": n} for n in known]
    if args.name not in known:
        raise InputError(
            f"Expected a benchmark among {', '.join(known)}, got {args.name!r}{closest(args.name, known)}."
        )
    script = home() / "benchmarks" / f"{args.name}.py"
    raise SystemExit(subprocess.call([sys.executable, str(script), *args.rest]))


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command."""
    top = _Parser(prog="demetar", description="Equivariant networks, and how equivariant they are.")
    commands = top.add_subparsers(dest="command", required=True, parser_class=_Parser)
    for group in (train, experiments, runs, data):
        group.add(commands)
    p = commands.add_parser("app", help="open the explorer; further arguments go to Streamlit")
    p.add_argument("rest", nargs=argparse.REMAINDER)
    p.set_defaults(call=_app)
    p = commands.add_parser("bench", help="list benchmarks, or run one; further arguments go to it")
    p.add_argument("name", nargs="?")
    p.add_argument("rest", nargs=argparse.REMAINDER)
    p.set_defaults(call=_bench)
    for name, sub in commands.choices.items():
        if name != "data":  # whose own commands have it
            sub.add_argument(
                "--json", action="store_true", help="one JSON document on standard output"
            )
    return top


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


def _note(text: str) -> None:
    print(f"demetar: note: {text}", file=sys.stderr, flush=True)


def main(argv: list[str] | None = None) -> int:
    """Runs the command; 0, or 2 after one sentence on standard error about bad input.

    Remarks on what was left out go to standard error, and as "remarks" into the JSON document.
    """
    try:
        args = parser().parse_args(argv)
        with heard(_note) as said:
            result = args.call(args)
        if said and args.json and isinstance(result, dict):
            result["remarks"] = said
        if not args.json and hasattr(args, "text"):
            print(args.text(result))
        else:
            _print(result, args.json)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except InputError as error:
        print(f"demetar: {error}".replace("demetar: demetar", "demetar"), file=sys.stderr)
        return 2
    return getattr(args, "exit_code", 0)
