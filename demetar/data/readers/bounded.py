"""What a file that anybody may have made holds: bytes, lines or arrays, within limits."""

import io
import os
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from demetar.core.errors import InputError

Source = str | os.PathLike[str] | bytes


def safe_name(name: str) -> str:
    """The file name's stem, of which only letters, digits, '.', '-', '_' and spaces are kept."""
    stem = Path(name.replace("\\", "/")).stem
    return re.sub(r"[^A-Za-z0-9 ._-]+", "", stem)[:64].strip() or "structure"


def contents(source: Source, name: str, limit: int) -> tuple[bytes, str]:
    """The bytes of a file (a path, or bytes with a name) of at most `limit` bytes, and its name.

    Not more than the limit is ever read. Raises InputError where there is nothing to read.
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
                f"A file was expected at {str(path)!r}, but: {reason}; check the path."
            ) from None
    if not data.strip():
        raise InputError(f"The file {safe_name(name)!r} is empty; give one with atoms in it.")
    if len(data) > limit:
        raise InputError(
            f"A file may have at most {limit // 10**6} MB, but {safe_name(name)!r} has more; "
            "cut it down."
        )
    return data, name


def text_lines(data: bytes, name: str) -> list[str]:
    """The lines of a text file; InputError for binary data."""
    text = data.decode("utf-8-sig", errors="replace")
    if re.search(r"[\x00-\x08\x0e-\x19\x1b-\x1f]", text):
        raise InputError(
            f"The file {safe_name(name)!r} must be text, but it holds binary data; "
            "unpack it or save it as XYZ, PDB, SDF or CIF."
        )
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, key: str, limit: int) -> np.ndarray:
    """One array of an NPZ file, made only after its header has been held to what the file holds.

    NumPy's own loader believes a header's shape and asks for that much memory.
    """
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or info.flag_bits & 1:
        raise InputError(f"The array {key!r} must be plainly zipped; write it with numpy.savez.")
    if info.file_size > limit:
        raise InputError(
            f"An array may have at most {limit // 10**6} MB unpacked, but {key!r} has "
            f"{info.file_size // 10**6}; cut it down."
        )
    with archive.open(info) as file:
        raw = io.BytesIO(file.read(info.file_size))
    version = np.lib.format.read_magic(raw)
    header = np.lib.format.read_array_header_1_0 if version == (1, 0) else None
    header = np.lib.format.read_array_header_2_0 if version == (2, 0) else header
    if header is None:
        raise InputError(f"The array {key!r} is of an unknown version; write it with numpy.savez.")
    shape, fortran, dtype = header(raw)
    if dtype.kind not in "fiu" or len(shape) > 3 or min(shape, default=0) < 0:
        raise InputError(f"The array {key!r} must hold plain numbers; write it with numpy.savez.")
    body = raw.read()
    count = int(np.prod(np.array(shape, dtype=object), initial=1))
    if count * dtype.itemsize != len(body):
        raise InputError(f"The array {key!r} is cut short; write the file again.")
    values = np.frombuffer(body, dtype).astype(np.float64)
    return values.reshape(shape, order="F" if fortran else "C")


def npz_arrays(data: bytes, name: str, keys: Sequence[str], limit: int) -> dict[str, np.ndarray]:
    """The arrays of an NPZ file that have one of these names, float64.

    Other arrays are not read, nor more than `limit` bytes of each. Raises InputError for anything
    but plain numbers of at most three axes.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {info.filename: info for info in archive.infolist()}
            if len(archive.infolist()) > 50:
                raise InputError(
                    f"An archive may have at most 50 arrays, but {safe_name(name)!r} has more; "
                    "write those that are needed alone."
                )
            wanted = {key: members.get(f"{key}.npy") for key in keys}
            return {key: _member(archive, info, key, limit) for key, info in wanted.items() if info}
    except InputError:
        raise
    except Exception:  # zipfile, zlib and NumPy raise many kinds
        raise InputError(
            f"{safe_name(name)!r} must be an NPZ archive of number arrays, but it cannot be read "
            "as one; write it with numpy.savez."
        ) from None
