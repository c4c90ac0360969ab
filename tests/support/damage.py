"""Files of a run folder as accidents and strangers leave them; `damaged(folder, kind)` puts one in place."""

import io
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

BOMB = 10**9  # bytes that a file of some megabytes unpacks to


def retitled(path: Path, method: int, flags: int) -> None:
    """Gives the first array of an archive another compression method and other flags, in both headers."""
    content = bytearray(path.read_bytes())
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        where = content.find(mark) + at
        content[where : where + 2] = flags.to_bytes(2, "little")
        content[where + 2 : where + 4] = method.to_bytes(2, "little")
    path.write_bytes(content)


def unknown_method(path: Path) -> None:
    """An archive packed in a way that no program here unpacks."""
    retitled(path, 90, 0)


def encrypted(path: Path) -> None:
    """An archive with a password."""
    retitled(path, 0, 1)


def bare(path: Path) -> None:
    """One array that is no archive."""
    raw = io.BytesIO()
    np.save(raw, np.zeros(3, np.float32))
    path.write_bytes(raw.getvalue())


def bomb(path: Path) -> None:
    """A small file whose one array of zeros takes a gigabyte."""
    head = io.BytesIO()
    shape = {"descr": "<f4", "fortran_order": False, "shape": (BOMB // 4,)}
    np.lib.format.write_array_header_1_0(head, shape)
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("00000.npy", "w", force_zip64=True) as file,
    ):
        file.write(head.getvalue())
        for _ in range(BOMB // 10**7):
            file.write(bytes(10**7))


def cut(path: Path) -> None:
    """The first half of what it was."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def text(content: str) -> Callable[[Path], None]:
    """A file that holds this."""
    return lambda path: path.write_text(content)  # type: ignore[func-returns-value]


ARCHIVES: dict[str, Callable[[Path], None]] = {
    "method": unknown_method,
    "password": encrypted,
    "bare": bare,
    "bomb": bomb,
    "cut": cut,
    "nothing": text(""),
}
# Which file of a run folder is damaged, and how.
TEXTS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "status-deep": ("status.json", text("[" * 200_000)),
    "status-unknown": ("status.json", text('{"state":"zzz"}')),
    "status-list": ("status.json", text("[1]")),
    "status-words": ("status.json", text('{"state": "finished", "step": "ten"}')),
    "metrics-number": ("metrics.jsonl", text("5\n")),
    "metrics-deep": ("metrics.jsonl", text("[" * 200_000 + "\n")),
    "config-truncated": ("config.json", text('{"model": "egnn"')),
    "config-deep": ("config.json", text('{"a":' * 50_000)),
    "config-kinds": ("config.json", text('{"model": ["egnn"], "dataset": {}, "target": 1}')),
}


def damaged(folder: Path, kind: str) -> Path:
    """The run folder, after what `kind` (of TEXTS) does to one of its files."""
    name, damage = TEXTS[kind]
    damage(folder / name)
    return folder


def copied(source: Path, folder: Path) -> Path:
    """A copy of a run folder under another name."""
    shutil.copytree(source, folder)
    return folder
