"""The command `audit`: any ASE calculator at one structure."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from demetar.core.errors import InputError


def add(name: str, p: Any) -> None:
    """Adds the command's arguments to its parser."""
    p.add_argument(
        "calculator", help="FILE.py:NAME of a calculator, or of a function that makes one"
    )
    p.add_argument("structure", help="a file that ASE reads")
    p.add_argument("--report", default=None, help="write a report: FILE.html, FILE.md or FILE.json")
    p.add_argument("--seconds", type=float, default=None, help="at most so long (default: 115)")
    p.add_argument("--evaluations", type=int, default=None, help="at most so many evaluations")
    p.add_argument("--seed", type=int, default=0)
    p.set_defaults(call=_audit)


def structure(path: str) -> Any:
    """The first structure of a file that ASE reads, with its cell; InputError where there is none."""
    import ase.io

    if not Path(path).is_file():
        raise InputError(
            f"Expected a structure file, found none at {path}; give one that ASE reads."
        )
    try:
        return ase.io.read(path, index=0)
    except Exception as error:
        raise InputError(
            f"Expected a structure in {path}, got {type(error).__name__}: {str(error)[:160]}; give a file "
            "that ASE reads, such as XYZ or CIF."
        ) from error


def _audit(args: argparse.Namespace) -> Any:
    from demetar.cli.bar import Amount
    from demetar.diagnosis.audit import report
    from demetar.diagnosis.audit.load import named
    from demetar.diagnosis.audit.run import SECONDS, audit

    form = _form(args.report)
    for name in ("seconds", "evaluations"):
        value = getattr(args, name)
        if value is not None and value <= 0:
            raise InputError(f"Expected --{name} above 0, got {value:g}.")
    atoms = structure(args.structure)
    found = audit(
        named(args.calculator),
        atoms,
        seconds=args.seconds or SECONDS,
        evaluations=args.evaluations,
        seed=args.seed,
        say=lambda text: print(text, file=sys.stderr, flush=True),
        tell=Amount("evaluations") if sys.stderr.isatty() else None,
    )
    if sys.stderr.isatty():
        print(file=sys.stderr)
    if form is not None:
        try:
            Path(args.report).write_text(report.write(found, form), encoding="utf-8")
        except OSError as error:
            raise InputError(
                f"Expected to write {args.report}, got {error.strerror}; give another place."
            ) from error
    args.text = lambda document: report.markdown(found)
    return report.document(found)


def _form(path: str | None) -> str | None:
    if path is None:
        return None
    forms = {".html": "html", ".htm": "html", ".md": "markdown", ".json": "json"}
    suffix = Path(path).suffix.lower()
    if suffix not in forms:
        raise InputError(f"Expected --report as FILE.html, FILE.md or FILE.json, got {path!r}.")
    return forms[suffix]
