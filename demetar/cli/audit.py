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
    p.add_argument(
        "--report", nargs="+", default=(), help="write reports: FILE.html, FILE.md or FILE.json"
    )
    p.add_argument("--seconds", type=float, default=None, help="at most so long (default: 115)")
    p.add_argument("--evaluations", type=int, default=None, help="at most so many evaluations")
    p.add_argument("--seed", type=int, default=0)
    p.set_defaults(call=_audit)


PICKLED = ("trj", "bundletrajectory")  # of ASE's formats; reading one can run what is in it


def structure(path: str) -> Any:
    """The first structure of a file that ASE reads, with its cell; InputError where there is none."""
    import ase.io
    from ase.io.formats import filetype

    if not Path(path).is_file():
        raise InputError(f"Expected a structure file at {path}, got none; give one that ASE reads.")
    try:
        if filetype(path) in PICKLED:
            raise ValueError("a pickle, which is never read")
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

    forms = {path: _form(path) for path in args.report}
    for name in ("seconds", "evaluations"):
        value = getattr(args, name)
        if value is not None and value <= 0:
            raise InputError(f"Expected --{name} above 0, got {value:g}; raise it.")
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
    for path, form in forms.items():
        try:
            Path(path).write_text(report.write(found, form), encoding="utf-8")
        except OSError as error:
            raise InputError(
                f"Expected to write {path}, got {error.strerror}; give another place."
            ) from error
    args.text = lambda document: report.markdown(found)
    return report.document(found)


def _form(path: str) -> str:
    forms = {".html": "html", ".htm": "html", ".md": "markdown", ".json": "json"}
    suffix = Path(path).suffix.lower()
    if suffix not in forms:
        raise InputError(
            f"Expected --report as FILE.html, FILE.md or FILE.json, got {path!r}; choose one."
        )
    return forms[suffix]
