"""Own labelled sets: checked when they come, kept under the data folder as `own/NAME`. No Streamlit.

Beside the files stands set.json: the target and the options of the data set "file" (path, units, …)
with which `demetar.data.sets.file` reads them, for every page and for training alike.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from app.jobs import permission
from demetar.core.disk import data_root
from demetar.core.errors import InputError, refused
from demetar.data.readers.bounded import safe_name
from demetar.data.readers.labelled import ENDINGS, MAX_BYTES
from demetar.data.sets import file

MOST = 100  # sets; each may have twice MAX_BYTES
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")


@dataclass(frozen=True)
class Own:
    """A kept set: `options` go with the data set "file"."""

    name: str
    target: str
    options: tuple[tuple[str, str], ...]


def _folder() -> Path:
    return data_root() / "own"


def units() -> dict[str, list[str]]:
    """The units that can be said of a file, by option."""
    return {
        option: [value for value in values if value]
        for option, values in file.ABOUT.options.items()
    }


def found() -> dict[str, Own]:
    """The kept sets by name; a folder whose set.json makes no sense is left out."""
    sets = {}
    for path in sorted(_folder().glob("[A-Za-z0-9]*/set.json")):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            said = json.loads(path.read_text())
            options = tuple(sorted((str(k), str(v)) for k, v in said["options"].items()))
            sets[path.parent.name] = Own(path.parent.name, str(said["target"]), options)
    return sets


def keep(
    name: str, files: Mapping[str, bytes], target: str, options: Mapping[str, str]
) -> tuple[Own, int]:
    """The set, now kept under that name, and how many systems it has.

    `files`: one that ends in .xyz, .extxyz, .sdf or .npz, and beside an SDF a .csv of labels, by
    their names. Read as training would read it before anything is kept. Raises InputError for a
    name that is no name or in use, files that do not fit, and whatever `file.systems` refuses.
    """
    permission.require("keep a data set")
    permission.room(_folder())
    main, table = _chosen(files)
    if not _NAME.fullmatch(name):
        raise InputError(
            f"Expected a name of up to 40 letters, digits, - and _, got {name[:60]!r}; change it."
        )
    kept = found()
    if name in kept or (_folder() / name).exists():
        raise InputError(
            f"Expected a new name, got {name}, a set that is there already; choose another."
        )
    if len(kept) >= MOST:
        raise InputError(f"Expected at most {MOST} own sets, got one more; remove some.")
    try:
        _folder().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_folder(), prefix=".new-") as new:
            written = _write(Path(new), files, main, table)
            there = {**options, **{key: os.path.join(new, part) for key, part in written.items()}}
            count = sum(len(file.systems(s, target, None, **there)) for s in file.ABOUT.splits)
            final = {**options, **{key: f"own/{name}/{part}" for key, part in written.items()}}
            text = json.dumps({"target": target, "options": final}, indent=1)
            (Path(new) / "set.json").write_text(text + "\n")
            os.chmod(new, 0o755)
            os.rename(new, _folder() / name)
            Path(new).mkdir()  # for the context to remove
    except OSError as error:
        raise refused(
            f"to keep the set in {_folder()}",
            error,
            "free the disk or set DEMETAR_DATA to a folder you may write",
        ) from None
    return found()[name], count


def _chosen(files: Mapping[str, bytes]) -> tuple[str, str | None]:
    """The names of the labelled file and of its table."""
    mains = [name for name in files if name.lower().endswith(ENDINGS)]
    tables = [name for name in files if name.lower().endswith(".csv")]
    if len(mains) != 1 or len(tables) > 1 or len(files) != 1 + len(tables):
        raise InputError(
            f"Expected one file that ends in {', '.join(ENDINGS)} and, for an SDF, one CSV, got "
            f"{len(files)} that do not fit; choose again."
        )
    for name, data in files.items():
        if len(data) > MAX_BYTES:
            raise InputError(
                f"Expected at most {MAX_BYTES // 10**6} MB in a file, got more in "
                f"{safe_name(name)}; cut it down."
            )
    return mains[0], tables[0] if tables else None


def _write(
    folder: Path, files: Mapping[str, bytes], main: str, table: str | None
) -> dict[str, str]:
    """The file names by option, after writing them; only their endings are the visitor's."""
    names = {"path": f"systems{Path(main.lower()).suffix}"}
    (folder / names["path"]).write_bytes(files[main])
    if table is not None:
        names["labels"] = "labels.csv"
        (folder / "labels.csv").write_bytes(files[table])
    return names


def remove(name: str) -> None:
    """Removes a kept set for good; InputError if there is none of that name."""
    permission.require("remove a data set")
    if name not in found():
        raise InputError(f"Expected the name of an own set, got {name[:60]!r}; reload the page.")
    shutil.rmtree(_folder() / name, ignore_errors=True)
