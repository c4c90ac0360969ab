"""What a file that anybody may have made holds: bytes, lines or arrays, within limits."""

import contextlib
import io
import os
import re
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from demetar.core.errors import InputError
from demetar.data.readers.lines import shown

_MAX_ARRAYS = 2_000
Source = str | os.PathLike[str] | bytes


def safe_name(name: str) -> str:
    """The file name's stem, of which only letters, digits, '.', '-', '_' and spaces are kept."""
    stem = Path(name.replace("\\", "/")).stem
    return re.sub(r"[^A-Za-z0-9 ._-]+", "", stem)[:64].strip() or "structure"


def contents(source: Source, name: str, limit: int, cut: bool = False) -> tuple[bytes, str]:
    """The bytes of a file (a path, or bytes with a name) of at most `limit` bytes, and its name.

    Not more than the limit is ever read. With `cut` a longer file gives its whole lines within the
    limit. Raises InputError where there is nothing to read.
    """
    if isinstance(source, bytes):
        data = source
    else:
        path = Path(source)
        name = name or path.name
        try:
            with path.open("rb") as file:
                data = file.read(limit + 1)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "not a file name"
            raise InputError(
                f"Expected a file at {str(path)!r}, got '{reason}'; check the path."
            ) from None
    if not data.strip():
        raise InputError(
            f"Expected a file with atoms in it, got {safe_name(name)!r}, which is empty; give another."
        )
    if len(data) > limit and cut:
        data = data[:limit]
        return data[: data.rfind(b"\n") + 1] or data, name
    if len(data) > limit:
        raise InputError(
            f"Expected at most {limit // 10**6} MB, got more in {safe_name(name)!r}; cut it down."
        )
    return data, name


def text_lines(data: bytes, name: str) -> list[str]:
    """The lines of a text file; InputError for binary data."""
    text = data.decode("utf-8-sig", errors="replace")
    if re.search(r"[\x00-\x08\x0e-\x19\x1b-\x1f]", text):
        raise InputError(
            f"Expected text, got binary data in {safe_name(name)!r}; unpack it or save it as XYZ, PDB, "
            "SDF or CIF."
        )
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _stored(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, limit: int, axes: int
) -> tuple[np.ndarray, int]:
    """One array of an NPZ file as it is stored, and the bytes that it takes as float64.

    Made only after its header has been held to what the file holds: NumPy's own loader believes a
    header's shape and asks for that much memory.
    """
    key = info.filename.removesuffix(".npy")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or info.flag_bits & 1:
        raise InputError(
            f"Expected plainly zipped arrays, got {shown(key)}; write it with numpy.savez."
        )
    if info.file_size > limit:
        raise _too_large(key, info.file_size, limit)
    with archive.open(info) as file:
        content = file.read(info.file_size)
    raw = io.BytesIO(content)
    version = np.lib.format.read_magic(raw)
    header = np.lib.format.read_array_header_1_0 if version == (1, 0) else None
    header = np.lib.format.read_array_header_2_0 if version == (2, 0) else header
    if header is None:
        raise InputError(
            f"Expected an array of a known version, got {shown(key)}; write it with numpy.savez."
        )
    shape, fortran, dtype = header(raw)
    if dtype.kind not in "fiu" or len(shape) > axes or min(shape, default=0) < 0:
        raise InputError(f"Expected plain numbers, got {shown(key)}; write it with numpy.savez.")
    begin = raw.tell()
    count = int(np.prod(np.array(shape, dtype=object), initial=1))
    if count * dtype.itemsize != len(content) - begin:
        raise InputError(
            f"Expected a whole array, got {shown(key)} cut short; write the file again."
        )
    if count * 8 > limit:
        raise _too_large(key, count * 8, limit)
    values = np.frombuffer(content, dtype, count, begin).reshape(
        shape, order="F" if fortran else "C"
    )
    return values, count * 8


def _too_large(key: str, size: int, limit: int) -> InputError:
    return InputError(
        f"Expected at most {limit // 10**6} MB unpacked, got {size // 10**6} in {shown(key)} and what "
        "is with it; cut it down."
    )


def stored_arrays(
    source: bytes | Path, name: str, keys: Sequence[str] | None, limit: int, axes: int = 3
) -> dict[str, np.ndarray]:
    """The arrays of an NPZ file (all, or those of these names that are there) as they are stored.

    Each is measured before it is unpacked, and none is once they take more than `limit` bytes
    together as float64. Raises InputError for anything but plain numbers of at most `axes` axes.
    """
    found: dict[str, np.ndarray] = {}
    left = limit
    with _archive(source, name) as archive:
        for info in _members(archive, name):
            key = info.filename.removesuffix(".npy")
            if keys is None or key in keys:
                found[key], size = _stored(archive, info, left, axes)
                left -= size
    return found


def npz_arrays(data: bytes, name: str, keys: Sequence[str], limit: int) -> dict[str, np.ndarray]:
    """As `stored_arrays`, float64; other arrays are not read."""
    found = stored_arrays(data, name, keys, limit)
    return {key: values.astype(np.float64) for key, values in found.items()}


def npz_names(data: bytes, name: str) -> list[str]:
    """The names of the arrays of an NPZ file; InputError where it is none."""
    with _archive(data, name) as archive:
        return [info.filename.removesuffix(".npy") for info in _members(archive, name)]


def _members(archive: zipfile.ZipFile, name: str) -> list[zipfile.ZipInfo]:
    found = archive.infolist()
    if len(found) > _MAX_ARRAYS:
        raise InputError(
            f"Expected at most {_MAX_ARRAYS} arrays in an archive, got more in {safe_name(name)!r}; "
            "write those that are needed alone."
        )
    if len({info.filename for info in found}) < len(found):
        raise InputError(
            f"Expected each array once, got a name twice in {safe_name(name)!r}; write it again."
        )
    return found


@contextlib.contextmanager
def _archive(source: bytes | Path, name: str) -> Iterator[zipfile.ZipFile]:
    """The archive while it is read; whatever goes wrong meanwhile is an InputError."""
    try:
        if isinstance(source, Path) and not source.is_file():
            raise FileNotFoundError(source)
        with zipfile.ZipFile(
            io.BytesIO(source) if isinstance(source, bytes) else source
        ) as archive:
            yield archive
    except (InputError, FileNotFoundError):
        raise
    except Exception:  # zipfile, zlib and NumPy raise many kinds
        raise InputError(
            f"Expected an NPZ archive of number arrays, got {safe_name(name)!r}, which cannot be read "
            "as one; write it with numpy.savez."
        ) from None
