"""Audits of one's own calculators, each in a process of its own: begin, watch, stop. No Streamlit.

The Python files come from the folder that whoever started the server named ($DEMETAR_MODELS); a file that a
visitor sends is never run, and on a shared server nothing is.
"""

from __future__ import annotations

import ast
import contextlib
import json
import os
import re
import sys
import tempfile
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from typing import Any

import ase
import ase.io

from app.jobs import permission, process
from demetar.core.errors import InputError

KEPT = 20  # audits whose results stay until the server ends
_begun: OrderedDict[tuple[str, str], tuple[Popen[bytes], Path]] = OrderedDict()


@dataclass(frozen=True)
class Work:
    """`state` is running, finished, failed; `words` are what the process said last; `document` and
    `report` (HTML) are there once it has finished."""

    state: str
    words: str
    document: dict[str, Any] | None = None
    report: str = ""


def folder() -> Path | None:
    """The folder whose files may be run here; None where none was named, or others can come in."""
    named = os.environ.get("DEMETAR_MODELS", "")
    return Path(named) if named and not permission.shared() else None


def found() -> list[str]:
    """FILE.py:NAME of every function, class and value at the top of the folder's files; nothing is run."""
    place, names = folder(), []
    for file in sorted(place.glob("*.py")) if place else []:
        with contextlib.suppress(OSError, SyntaxError, ValueError):
            for node in ast.parse(file.read_text(encoding="utf-8")).body:
                names += [f"{file.name}:{name}" for name in _named(node) if name[0] != "_"]
    return names


def _named(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else []
    return [t.id for t in targets if isinstance(t, ast.Name)]


def start(what: str, label: str, atoms: ase.Atoms, seconds: float) -> None:
    """Begins the audit of FILE.py:NAME at a structure called `label`, unless it is under way or done."""
    permission.require("run an audit")
    place = folder()
    if place is None:
        raise InputError(
            "Expected a folder of Python files, got none; start the explorer by demetar app --models FOLDER."
        )
    if what not in found():
        raise InputError(f"Expected a name in {place}, got {what[:80]!r}; reload the page.")
    if (what, label) in _begun and _begun[what, label][0].poll() in (None, 0):
        return
    if any(child.poll() is None for child, _ in _begun.values()):
        raise InputError(
            "Expected one audit at a time, got another one; wait until that has ended."
        )
    here = Path(tempfile.mkdtemp(prefix="demetar-audit-"))
    ase.io.write(here / "structure.xyz", atoms, format="extxyz")
    command = [
        sys.executable,
        "-m",
        "demetar.cli",
        "audit",
        str((place / what).resolve()),
        str(here / "structure.xyz"),
        "--seconds",
        f"{seconds:g}",
        "--report",
        str(here / "audit.json"),
        str(here / "audit.html"),
    ]
    _begun[what, label] = process.begin(command, here / "log.txt"), here
    while len(_begun) > KEPT:
        _begun.popitem(last=False)


def state(what: str, label: str) -> Work | None:
    """How far this audit is; None if nobody began it since the server started."""
    if (what, label) not in _begun:
        return None
    child, here = _begun[what, label]
    words = ""
    with contextlib.suppress(OSError):
        text = (here / "log.txt").read_text("utf-8", "replace")[-4000:]
        said = [line.strip() for line in re.split(r"[\r\n]+", text) if line.strip()]
        words = said[-1][:600] if said else ""
    code = child.poll()
    if code is None:
        return Work("running", words)
    if code == 0:
        with contextlib.suppress(OSError, ValueError):
            document = json.loads((here / "audit.json").read_text("utf-8"))
            return Work("finished", "", document, (here / "audit.html").read_text("utf-8"))
    return Work("failed", words.removeprefix("demetar: ") or f"the process ended with {code}")


def stop(what: str, label: str) -> None:
    """Ends the audit's process, if there is one."""
    permission.require("stop an audit")
    child, _ = _begun.get((what, label), (None, None))
    if child is not None and child.poll() is None:
        process.end(child.pid)
