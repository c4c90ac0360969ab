"""Files from their published addresses: checked, resumed after a break, placed whole or not at all.

`pooch` verifies and places a file; the downloader here adds what it lacks: going on in the middle
(HTTP Range), a look at the free disk, and one sentence for each way in which a download can fail.
$DEMETAR_MIRROR names a server to ask instead: it holds each file as <data set>/<file name>.
"""

import contextlib
import errno
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import IO, Any

import pooch
import requests
import urllib3

from demetar.core.disk import checksum, locked
from demetar.core.errors import InputError

Source = Mapping[str, Any]  # url, file, bytes (0: unknown), and sha256 or git (the blob's id)
Progress = Callable[[int, int], None]  # bytes that are here, bytes in all

ATTEMPTS = 3
TIMEOUTS = (10.0, 60.0)  # seconds to connect, and between two pieces
CHUNK = 1 << 18
SPARE = 10_000_000  # bytes that stay free on the disk


def address(source: Source, folder: Path) -> str:
    """Where the file is asked for: its own address, or $DEMETAR_MIRROR/<data set>/<file>."""
    mirror = os.environ.get("DEMETAR_MIRROR", "").rstrip("/")
    return f"{mirror}/{folder.name}/{source['file']}" if mirror else source["url"]


def blob_id(path: Path) -> str:
    """The name that git gives to this content: SHA-1 of a header and the bytes, 40 hex digits."""
    digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with path.open("rb") as file:
        while piece := file.read(CHUNK):
            digest.update(piece)
    return digest.hexdigest()


def verified(path: Path, source: Source) -> bool:
    """Whether the file is there and is, byte for byte, the one that the source names."""
    if not path.is_file():
        return False
    return (
        checksum(path) == source["sha256"] if "sha256" in source else blob_id(path) == source["git"]
    )


_report: ContextVar[Progress | None] = ContextVar("report", default=None)


@contextlib.contextmanager
def reporting(progress: Progress) -> Iterator[None]:
    """Whatever is fetched inside, however deep in a data set's own code, calls `progress`."""
    token = _report.set(progress)
    try:
        yield
    finally:
        _report.reset(token)


def fetch(source: Source, folder: Path) -> Path:
    """The checked file `folder/source["file"]`, downloaded unless it is already there.

    Progress goes to `reporting`. What arrived before a break is kept in a hidden file and the next
    call goes on from it. Raises InputError, which says what to do instead, when there is no network,
    no such file, no room or no permission, and when the content is not the one that the source names.
    """
    path = folder / source["file"]
    if verified(path, source):
        return path
    pooch.get_logger().setLevel("ERROR")
    url = address(source, folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        download: Any = _Resuming(folder, source, _report.get() or (lambda done, total: None))
        known = f"sha256:{source['sha256']}" if "sha256" in source else None
        pooch.retrieve(url, known, source["file"], folder, downloader=download)
    except KeyboardInterrupt:
        raise _failure(source, folder, "it was interrupted; what arrived is kept") from None
    except InputError:
        raise
    except requests.RequestException as error:
        raise _failure(source, folder, _network(error)) from None
    except OSError as error:
        raise _failure(source, folder, _disk(error, folder)) from None
    except ValueError:  # what pooch raises for another checksum
        raise _failure(source, folder, _OTHER) from None
    return path


_OTHER = "what arrived is not the published file (its checksum differs) and was removed"


def _failure(source: Source, folder: Path, reason: str) -> InputError:
    kind = "sha256" if "sha256" in source else "git"
    size = f"{source['bytes'] / 1e6:.1f} MB, " if source["bytes"] else ""
    return InputError(
        f"Expected {source['file']} from {address(source, folder)}, got no such file: "
        f"{reason}; try again, or put the file by hand at {folder / source['file']} ("
        f"{size}{kind} {source[kind]})."
    )


def _network(error: requests.RequestException) -> str:
    if error.response is not None:
        code = error.response.status_code
        return f"the server answered {code}{' (no such file)' if code == 404 else ''}"
    if isinstance(error, requests.Timeout):
        return "the server did not answer in time; what arrived is kept"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection broke off; what arrived is kept"
    return "the server cannot be reached from here (is there a network?)"


def _disk(error: OSError, folder: Path) -> str:
    if error.errno == errno.ENOSPC:
        return f"the disk of {folder} is full"
    return f"{folder} cannot be written ({error.strerror or error}); set DEMETAR_DATA to another folder"


def _pieces(response: requests.Response) -> Iterator[bytes]:
    """What arrives, as it arrives: `iter_content` would drop a piece that a break cuts short."""
    try:
        while piece := response.raw.read1(CHUNK):
            yield piece
    except urllib3.exceptions.ReadTimeoutError as error:
        raise requests.ReadTimeout(error) from None
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise requests.exceptions.ChunkedEncodingError(error) from None


class _Resuming:
    """A downloader for pooch that keeps what has arrived and goes on from there."""

    def __init__(self, folder: Path, source: Source, progress: Progress) -> None:
        self.folder, self.source, self.progress = folder, source, progress
        self.part = folder / f".{source['file']}.part"

    def __call__(self, url: str, output_file: str, pooch: Any) -> None:
        with self._only_one() as file:
            for attempt in range(1, ATTEMPTS + 1):
                try:
                    self._stream(url, file)
                    break
                except (requests.exceptions.ChunkedEncodingError, requests.ConnectionError):
                    if attempt == ATTEMPTS:
                        raise
            if "git" in self.source and blob_id(self.part) != self.source["git"]:
                self.part.unlink()
                raise _failure(self.source, self.folder, _OTHER)
            os.replace(self.part, output_file)

    @contextlib.contextmanager
    def _only_one(self) -> Iterator[IO[bytes]]:
        with contextlib.ExitStack() as held:
            try:
                held.enter_context(locked(self.part, blocking=False))
            except BlockingIOError:
                reason = "another process is fetching it; wait for that one"
                raise _failure(self.source, self.folder, reason) from None
            yield held.enter_context(self.part.open("ab"))

    def _stream(self, url: str, file: IO[bytes]) -> None:
        here, expected = file.seek(0, os.SEEK_END), self.source["bytes"]
        if expected and here == expected:
            return
        ask = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={here}-"} if here else {})
        with requests.get(url, headers=ask, stream=True, timeout=TIMEOUTS) as response:
            if response.status_code != 416:  # 416: there is nothing after what is here
                response.raise_for_status()
            begins = response.headers.get("Content-Range", "").startswith(f"bytes {here}-")
            if here and not (response.status_code == 206 and begins):
                file.truncate(0)  # this server cannot go on in the middle
                here = file.seek(0)
            if response.status_code == 416:
                raise requests.exceptions.ChunkedEncodingError("what was here is no part of it")
            total = here + int(response.headers.get("Content-Length", max(expected - here, 0)))
            self._check_room(total - here)
            for piece in _pieces(response):
                file.write(piece)
                file.flush()
                here += len(piece)
                self.progress(here, total)
                if here > total > 0:
                    break
        if here < total:
            raise requests.exceptions.ChunkedEncodingError(f"{here} of {total} bytes")

    def _check_room(self, needed: int) -> None:
        free = shutil.disk_usage(self.folder).free
        if needed + SPARE > free:
            reason = f"{needed / 1e6:.0f} MB are needed and {free / 1e6:.0f} MB are free there"
            raise _failure(self.source, self.folder, reason)
