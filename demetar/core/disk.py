"""Where the project and its data lie; files replaced in one step or locked, JSON, checked NPZ files."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import glob
import hashlib
import json
import os
import tempfile
import time
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from jaxtyping import Shaped

from demetar.core.errors import InputError, reason

PROJECT = Path(__file__).resolve().parents[2]
SHIPPED = PROJECT / "demetar" / "shipped"  # what setup.py puts into an installed copy
LARGEST_JSON = 64 * 2**20  # bytes
OLD = 3600.0  # seconds after which a file that is being written was left by a process that is gone
CHECKOUT = (PROJECT / "data" / "samples").is_dir() and (PROJECT / "pyproject.toml").is_file()


def home() -> Path:
    """The folder that holds `trained/`, `runs/` and `data/`: $DEMETAR_HOME, else the project's.

    A copy that was installed without its project works in the current folder.
    """
    if chosen := os.environ.get("DEMETAR_HOME"):
        return Path(chosen)
    return PROJECT if CHECKOUT else Path.cwd()


def trained() -> Path:
    """The folder of the shipped runs: the home's, or what came with an installed copy.

    That is what an installed copy uses unless $DEMETAR_HOME names a folder that holds `trained/`.
    """
    own = home() / "trained"
    chosen = bool(os.environ.get("DEMETAR_HOME")) and own.is_dir()
    return own if CHECKOUT or chosen else SHIPPED / "trained"


def samples() -> Path:
    """The folder of the shipped molecules, scenes and lesson data; `data/samples` in the project."""
    return PROJECT / "data" / "samples" if CHECKOUT else SHIPPED / "samples"


def data_root(root: str | os.PathLike[str] | None = None) -> Path:
    """The folder for downloads and caches: `root`, else $DEMETAR_DATA, else the project's `data/`.

    A copy that was installed without its project keeps data in the user's cache folder.
    """
    if root is not None:
        return Path(root)
    if chosen := os.environ.get("DEMETAR_DATA"):
        return Path(chosen)
    if CHECKOUT:
        return PROJECT / "data"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "demetar"


def checksum(path: Path) -> str:
    """The file's SHA-256 as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def recorded(path: Path) -> Path:
    """The file beside `path` that records its SHA-256, in the layout of `sha256sum`."""
    return path.with_name(path.name + ".sha256")


def tidy(folder: Path, older: float = 0.0, name: str = "*") -> None:
    """Removes what killed writers of `replace` left in a folder (of the file `name`) so long ago."""
    for part in folder.glob(f".{name}-" + "?" * 8):
        with contextlib.suppress(OSError):
            if part.is_file() and time.time() - part.stat().st_mtime >= older:
                part.unlink()


def replace(path: Path, write: Callable[[BinaryIO], Any], parents: bool = True) -> None:
    """Writes a file through `write(file)` and puts it in place in one step: nobody reads half of it.

    Without `parents` its folder has to be there. Raises OSError.
    """
    if parents:
        path.parent.mkdir(parents=True, exist_ok=True)
    tidy(path.parent, OLD, glob.escape(path.name))
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_atomically(path: Path, content: bytes, parents: bool = True) -> None:
    """Replaces a file by this content in one step, see `replace`."""
    replace(path, lambda file: file.write(content), parents)


def parsed(path: Path) -> Any:
    """What a JSON file holds. Raises InputError, also for one that is no file or has no bounds."""
    try:
        if not path.is_file():
            raise FileNotFoundError("no such file")
        if path.stat().st_size > LARGEST_JSON:
            raise ValueError(f"more than {LARGEST_JSON // 2**20} MB")
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(
            f"Expected JSON in {path}, got something else ({reason(error)}); restore or remove it."
        ) from None


def content(path: Path) -> dict[str, Any]:
    """The object in a JSON file; empty if there is none or something else."""
    try:
        found = parsed(path)
    except InputError:
        return {}
    return found if isinstance(found, dict) else {}


def _same(file: BinaryIO, path: Path) -> bool:
    try:
        there, here = path.stat(), os.fstat(file.fileno())
    except OSError:
        return False
    return (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)


@contextlib.contextmanager
def locked(path: Path, blocking: bool = True) -> Iterator[Callable[[], bool]]:
    """Holds the file `path`, made if absent, for one process or thread at a time; its end lets go.

    Waits for another holder, or raises OSError at once if not `blocking`. Gives a function that
    says whether what is held still lies at `path`: whoever moves or deletes it ends the holding.
    """
    for _ in range(100):
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError), contextlib.ExitStack() as stack:
            file = stack.enter_context(path.open("ab"))
            fcntl.flock(file, fcntl.LOCK_EX | (0 if blocking else fcntl.LOCK_NB))
            if _same(file, path):  # else it was deleted between opening and holding
                kept = stack.pop_all()
                break
    else:
        raise FileNotFoundError(errno.ENOENT, "it is deleted again and again", str(path))
    with kept:
        yield lambda: _same(file, path)


def held(path: Path) -> bool:
    """Whether somebody holds the file `path` by `locked`."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def write_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """Put `arrays` into an uncompressed NPZ at `path`, atomically, with its SHA-256 beside it.

    Where the folder cannot be written it warns and keeps nothing: a cache only saves time.
    """
    try:
        replace(path, lambda file: np.savez(file, allow_pickle=False, **arrays))
        line = f"{checksum(path)}  {path.name}\n"
        replace(recorded(path), lambda file: file.write(line.encode()))
    except OSError as error:
        warnings.warn(
            f"{path} could not be kept ({error.strerror}), so it is made again each time; "
            "set DEMETAR_DATA to a folder you may write.",
            stacklevel=3,
        )


def read_arrays(
    path: Path, keys: Sequence[str] | None = None
) -> dict[str, Shaped[np.ndarray, "..."]] | None:
    """The arrays (default all) of a file that `write_arrays` made, or None if it was not that."""
    try:
        expected = recorded(path).read_text().split()
        if not expected or expected[0] != checksum(path):
            return None
        with np.load(path, allow_pickle=False) as archive:
            return {key: archive[key] for key in keys or archive.files}
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        return None


def kept_arrays(path: Path, keys: set[str], make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The arrays at `path` if they are named `keys`, else what `make()` gives, kept there.

    Of several processes that ask at once one makes them, and the others wait and read.
    """

    def found() -> dict[str, Any] | None:
        arrays = read_arrays(path)
        return arrays if arrays is not None and set(arrays) == keys else None

    if (arrays := found()) is not None:
        return arrays
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # a folder that cannot be written: all make their own
            stack.enter_context(locked(path.with_name(f".{path.name}.lock")))
        if (arrays := found()) is None:
            arrays = make()
            write_arrays(path, arrays)
    return arrays
