"""Run folders on any fsspec path (`s3://…`, `file://…`, `memory://…`): mirrored there, read from there.

A run trains in a local folder. What readers look for (config.json, metrics.jsonl, status.json,
params.npz) is replaced there file by file, each in one step; `.manifest.json` is written last and
names a set of files that belong together, so that a checkpoint that was half copied when a machine
vanished is never taken for a whole one.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec

from demetar.core.disk import data_root, write_atomically
from demetar.core.errors import InputError, reason

MANIFEST = ".manifest.json"
SKIPPED = ("tensorboard", "wandb")  # trackers keep their own copies


def is_address(text: str) -> bool:
    """Whether the text is an fsspec address rather than a name or a local path."""
    return "://" in text


def join(address: str, *parts: str) -> str:
    """The address of something below `address`."""
    return "/".join([address.rstrip("/"), *parts])


def opened(address: str) -> tuple[Any, str]:
    """The file system and the path in it; InputError if the address cannot be used."""
    try:
        system, path = fsspec.core.url_to_fs(address)
    except (ValueError, ImportError, OSError) as error:
        raise InputError(
            f"Expected an address that fsspec can open, such as file:///shared/runs or "
            f"s3://bucket/runs, got {address!r} ({error}); correct it or install what it names."
        ) from None
    return system, path.rstrip("/")


class Copy:
    """Keeps a copy of a local run folder at an fsspec address."""

    def __init__(self, folder: Path, address: str) -> None:
        self.folder = folder
        self.system, self.path = opened(address)
        self.sent: dict[str, tuple[int, int]] = {}  # file -> size and time when it was copied

    def push(self) -> None:
        """Copies what has changed, then the manifest, then removes what is gone here."""
        found = self._local()
        # Settings first and state last: a reader never sees a finished run without parameters.
        order = sorted(found, key=lambda name: (name != "config.json", name == "status.json", name))
        for name in order:
            if found[name] != self.sent.get(name):
                with contextlib.suppress(FileNotFoundError):  # replaced or removed meanwhile
                    self._put(name, (self.folder / name).read_bytes())
                    self.sent[name] = found[name]
        if set(found) - set(self.sent):  # something vanished while it was copied: the next time
            return
        self._put(MANIFEST, json.dumps(sorted(found)).encode())
        for name in self._remote() - set(found) - {MANIFEST}:
            self.system.rm(f"{self.path}/{name}")
        self.sent = {name: mark for name, mark in self.sent.items() if name in found}

    def pull(self) -> bool:
        """Brings the run here if its folder is empty; whether there was one to bring."""
        manifest = f"{self.path}/{MANIFEST}"
        if (self.folder / "config.json").is_file() or not self.system.exists(manifest):
            return False
        names = [n for n in json.loads(self.system.cat_file(manifest)) if ".." not in Path(n).parts]
        for name in sorted(names, key=lambda name: name == "config.json"):  # it makes the run exist
            write_atomically(self.folder / name, self.system.cat_file(f"{self.path}/{name}"))
        return True

    def _local(self) -> dict[str, tuple[int, int]]:
        found = {}
        for path in self.folder.rglob("*"):
            name = path.relative_to(self.folder)
            hidden = any(part.startswith(".") for part in name.parts)
            if hidden or name.parts[0] in SKIPPED or path.is_symlink():
                continue
            with contextlib.suppress(FileNotFoundError):
                if path.is_file():
                    stat = path.stat()
                    found[name.as_posix()] = (stat.st_size, stat.st_mtime_ns)
        return found

    def _remote(self) -> set[str]:
        start = len(self.path) + 1
        return {name[start:] for name in self.system.find(self.path)}

    def _put(self, name: str, content: bytes) -> None:
        """Replaces one file there in one step: written under another name, then moved."""
        target = f"{self.path}/{name}"
        parent, _, last = target.rpartition("/")
        part = f"{parent}/.part-{last}"
        self.system.makedirs(parent, exist_ok=True)
        self.system.pipe_file(part, content)
        self.system.mv(part, target)


@contextlib.contextmanager
def copied(folder: Path, address: str | None, every: float = 10.0) -> Iterator[None]:
    """Keeps `address` like the run folder while the block runs, and a last time after it.

    A failing copy warns and is tried again; only the last one raises (OSError). Without an address
    nothing happens.
    """
    if address is None:
        yield
        return
    copy, ended = Copy(folder, address), threading.Event()
    copy.pull()

    def keep() -> None:
        while not ended.wait(every):
            try:
                copy.push()
            except Exception as error:  # of any kind: the training is worth more than its copy
                warnings.warn(
                    f"{address} could not be written ({error}); trying again.", stacklevel=2
                )

    thread = threading.Thread(target=keep, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        copy.push()


def fetched(address: str) -> Path:
    """A local folder with the config.json and params.npz of the run at an address.

    Raises InputError if there is no run.
    """
    system, path = opened(address)
    key = hashlib.sha256(address.rstrip("/").encode()).hexdigest()[:16]
    folder = data_root() / "fetched" / key / path.rpartition("/")[2]
    try:
        for name in ("params.npz", "config.json"):
            write_atomically(folder / name, system.cat_file(f"{path}/{name}"))
    except (OSError, ValueError, ImportError) as error:
        raise InputError(
            f"Expected a run with config.json and params.npz at {address}, got "
            f"{type(error).__name__}: {reason(error)}; check the address."
        ) from None
    return folder
