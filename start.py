#!/usr/bin/env python3
"""Sets Demetar up and opens the explorer, in one command, on a fresh machine.

    python3 start.py [ARGUMENTS]        set up if needed, then open the explorer; arguments go to
                                        Streamlit, such as --server.port 8600
    python3 start.py --share            the same for others too: docs/sharing.md
    python3 start.py test [ARGUMENTS]   set up if needed, then run the tests; arguments go to pytest
    python3 start.py setup              set up only

Standard library only. Everything is installed into .venv/ beside this file; a second start finds
that in order and takes no time.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts" if os.name == "nt" else "bin") / "python"
STAMP = VENV / "demetar-setup"
LOG = VENV / "setup.log"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class SetupError(Exception):
    """One sentence: what failed, and what to do."""


def fingerprint():
    """What the installed state depends on, as one hash: lock, project file, Python, place."""
    parts = [(ROOT / name).read_bytes() for name in ("requirements.txt", "pyproject.toml")]
    parts += [sys.version.encode(), str(ROOT).encode()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def check_python():
    """Raises SetupError if this Python is too old."""
    if sys.version_info[:2] < OLDEST:
        raise SetupError(
            "Expected Python {}.{} or newer, got {}.{}; install a newer one and start with it, for "
            "example `python3.12 start.py`.".format(*OLDEST, *sys.version_info[:2])
        )


def say(text, end="\n"):
    print(text, end=end, flush=True)


def step(text, command, failure):
    """Runs one quiet step of the set-up on one line of output; its own output goes to the log.

    Raises SetupError, with the last line of error, if the command fails.
    """
    say(text + " ... ", end="")
    began = time.monotonic()
    with open(LOG, "ab") as log:
        start = log.tell()
        code = subprocess.call(
            command, cwd=str(ROOT), stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    seconds = time.monotonic() - began
    if code:
        say("failed")
        lines = LOG.read_bytes()[start:].decode("utf-8", "replace").strip().splitlines()
        errors = [line for line in lines if "error" in line.lower()] or lines or ["no output"]
        raise SetupError("{} ({}); the whole output is in {}.".format(failure, errors[-1], LOG))
    say("{:.0f} s".format(seconds))


def runs(python):
    """True if this interpreter can be started and has pip."""
    try:
        code = subprocess.call(
            [str(python), "-c", "import pip"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        return False
    return code == 0


def make_venv():
    """Creates .venv, or again where the one that is there cannot run."""
    if runs(PYTHON):
        return
    if importlib.util.find_spec("ensurepip") is None:
        raise SetupError(
            "Expected a Python that can make a virtual environment, got one without ensurepip; on "
            "Debian or Ubuntu run `sudo apt install python{}.{}-venv`, then the same command "
            "again.".format(*sys.version_info[:2])
        )
    if VENV.exists() and not (VENV / "pyvenv.cfg").exists():
        raise SetupError(
            "Expected a virtual environment at {}, got something else; move it away.".format(VENV)
        )
    shutil.rmtree(str(VENV), ignore_errors=True)
    VENV.mkdir()
    step(
        "Creating the virtual environment .venv",
        [sys.executable, "-m", "venv", str(VENV)],
        "The virtual environment could not be created",
    )


def setup():
    """Leaves .venv with the locked packages and this project, and 3Dmol.js in static/."""
    check_python()
    state = fingerprint()
    if not (STAMP.is_file() and STAMP.read_text() == state and runs(PYTHON)):
        make_venv()
        pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input", "install"]
        hint = "check the network and the free disk space (2 GB), then run the same command again"
        step(
            "Installing the locked packages, some minutes the first time",
            pip + ["-r", "requirements.txt"],
            "The packages could not be installed: " + hint,
        )
        step(
            "Installing Demetar itself",
            pip + ["--no-deps", "--no-build-isolation", "--editable", "."],
            "Demetar itself could not be installed",
        )
        STAMP.write_text(state)
    code = subprocess.call([str(PYTHON), "-P", str(ROOT / "app" / "viewer" / "fetch.py")])
    if code:
        raise SetupError("Set-up is complete but for 3Dmol.js, which draws the structures.")


def explore(arguments):
    """Opens the explorer and returns its exit code."""
    window = ROOT / "app" / "server" / "window.py"
    return subprocess.call([str(PYTHON), "-P", str(window), *arguments], cwd=str(ROOT))


def test(arguments):
    """Runs the tests, two at a time unless told otherwise, and returns pytest's exit code."""
    if not any(shutil.which(name) for name in BROWSERS):
        step(
            "Installing Chromium for the tests that drive the explorer",
            [str(PYTHON), "-m", "playwright", "install", "chromium"],
            "Chromium is missing and could not be installed: install it from your system's "
            "packages, then run the same command again",
        )
    command = [str(PYTHON), "-m", "pytest"]
    if not any(a.startswith(("-n", "--numprocesses", "--pdb")) for a in arguments):
        command += ["-n", str(min(4, os.cpu_count() or 1)), "--dist", "loadgroup"]
        command.append("--no-loadscope-reorder")  # tests/support/sharing.py puts the longest first
    return subprocess.call(command + list(arguments), cwd=str(ROOT))


def main(arguments):
    """The exit code: that of Streamlit or pytest, or 2 with one sentence if set-up fails."""
    word = arguments[0] if arguments else ""
    if word in ("-h", "--help", "help"):
        say(__doc__)
        return 0
    if word and not word.startswith("-") and word not in ("setup", "test"):
        print(
            "Expected `setup`, `test` or nothing, got `{}`; correct it.".format(word),
            file=sys.stderr,
        )
        return 2
    try:
        setup()
        if word == "setup":
            return 0
        return test(arguments[1:]) if word == "test" else explore(arguments)
    except SetupError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
