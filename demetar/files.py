"""Structures and N-body scenes from files that anybody may have made: checked, or refused.

Whatever the bytes are, the functions here give a result or raise InputError with one sentence.
"""

import io
import os
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import ase
import numpy as np

from demetar.errors import InputError
from demetar.extxyz import parse_xyz
from demetar.formats import (
    MAX_COORDINATE,
    MAX_FRAMES,
    Frame,
    check_count,
    parse_cif,
    parse_pdb,
    parse_sdf,
)
from demetar.graph import Graph, from_arrays, from_atoms
from demetar.scenes import MAX_BODIES, Scene
from demetar.scenes import MAX_FRAMES as MAX_SCENE_FRAMES

MAX_BYTES = 10_000_000
SMALLEST_DISTANCE = 0.05
PARSERS: dict[str, Callable[[Sequence[str]], Iterator[Frame]]] = {
    ".xyz": parse_xyz,
    ".extxyz": parse_xyz,
    ".pdb": parse_pdb,
    ".sdf": parse_sdf,
    ".mol": parse_sdf,
    ".cif": parse_cif,
}
Source = str | os.PathLike[str] | bytes


def safe_name(name: str) -> str:
    """The file name's stem, of which only letters, digits, '.', '-', '_' and spaces are kept."""
    stem = Path(name.replace("\\", "/")).stem
    return re.sub(r"[^A-Za-z0-9 ._-]+", "", stem)[:64].strip() or "structure"


def _contents(source: Source, name: str) -> tuple[bytes, str]:
    if isinstance(source, bytes):
        data = source
    else:
        path = Path(source)
        name = name or path.name
        try:
            with path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "not a file name"
            raise InputError(
                f"A file was expected at {str(path)!r}, but: {reason}; check the path."
            ) from None
    if not data.strip():
        raise InputError(f"The file {safe_name(name)!r} is empty; give one with atoms in it.")
    if len(data) > MAX_BYTES:
        raise InputError(
            f"A file may have at most {MAX_BYTES // 10**6} MB, but {safe_name(name)!r} has more; "
            "cut it down."
        )
    return data, name


def _lines(data: bytes, name: str) -> list[str]:
    text = data.decode("utf-8-sig", errors="replace")
    if re.search(r"[\x00-\x08\x0e-\x19\x1b-\x1f]", text):
        raise InputError(
            f"The file {safe_name(name)!r} must be text, but it holds binary data; "
            "unpack it or save it as XYZ, PDB, SDF or CIF."
        )
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _check_apart(positions: np.ndarray, kind: str, smallest: float, unit: str) -> None:
    distances = np.linalg.norm(positions[:, None] - positions[None], axis=-1)
    np.fill_diagonal(distances, np.inf)
    if distances.min() < smallest:
        first, second = sorted(np.unravel_index(distances.argmin(), distances.shape))
        raise InputError(
            f"Two {kind} must be at least {smallest:g}{unit} apart, but {kind} {first + 1} and "
            f"{second + 1} are {distances.min():.3g}{unit} apart; move or remove one."
        )


def _atoms(frame: Frame, name: str) -> ase.Atoms:
    check_count(len(frame.species))
    positions = np.array(frame.positions, np.float64)
    if not (np.abs(positions) <= MAX_COORDINATE).all():
        raise InputError(
            f"Coordinates must be finite and at most {MAX_COORDINATE:.0f} Å, but some are not; "
            "correct the file."
        )
    if min(frame.species) < 1 or max(frame.species) > 118:
        raise InputError("Every atom must be an element of the periodic table; name the others.")
    _check_apart(positions, "atoms", SMALLEST_DISTANCE, " Å")
    periodic = frame.cell is not None
    atoms = ase.Atoms(frame.species, positions, cell=frame.cell, pbc=periodic)
    atoms.info["name"] = name
    return atoms


def read_atoms(source: Source, name: str = "") -> list[ase.Atoms]:
    """The structures in a file: XYZ, extended XYZ, PDB, SDF, MOL or CIF, told apart by its ending.

    `source` is a path, or the file's bytes with its `name`. Positions in Å. Of a file's texts only
    a cleaned file name is kept (`atoms.info["name"]`). At most 10 MB, 500 atoms a structure and 200
    structures. Raises InputError, with a line number where there is one, for anything else.
    """
    data, name = _contents(source, name)
    ending = Path(name.lower()).suffix
    if ending not in PARSERS:
        raise InputError(
            f"A structure file must end in {', '.join(PARSERS)}, not "
            f"{re.sub(r'[^a-z0-9.]', '', ending)[:10]!r}; convert it or correct its name."
        )
    frames = PARSERS[ending](_lines(data, name))
    label = safe_name(name)
    structures = [_atoms(frame, label) for frame in islice(frames, MAX_FRAMES + 1)]
    if not structures:
        raise InputError(
            f"No atoms were found in {label!r}, which must be a {ending[1:].upper()} file; "
            "check that its ending tells its format."
        )
    if len(structures) > MAX_FRAMES:
        raise InputError(
            f"A file may have at most {MAX_FRAMES} structures, but {label!r} has more; cut it down."
        )
    return structures


_SCENE_KEYS = ("positions", "velocities", "charges", "masses")


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, key: str) -> np.ndarray:
    """One array of an NPZ file, made only after its header has been held to what the file holds.

    NumPy's own loader believes a header's shape and asks for that much memory.
    """
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or info.flag_bits & 1:
        raise InputError(f"The array {key!r} must be plainly zipped; write it with numpy.savez.")
    if info.file_size > 4 * MAX_BYTES:
        raise InputError(
            f"An array may have at most {4 * MAX_BYTES // 10**6} MB unpacked, but {key!r} has "
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


def _arrays(data: bytes, name: str) -> dict[str, np.ndarray]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {info.filename: info for info in archive.infolist()}
            if len(archive.infolist()) > 50:
                raise InputError("A scene has at most four arrays, not 50; write those alone.")
            wanted = {key: members.get(f"{key}.npy") for key in _SCENE_KEYS}
            return {key: _member(archive, info, key) for key, info in wanted.items() if info}
    except InputError:
        raise
    except Exception:  # zipfile, zlib and NumPy raise many kinds
        raise InputError(
            f"{safe_name(name)!r} must be an NPZ archive of number arrays, but it cannot be read "
            "as one; write it with numpy.savez."
        ) from None


def _fitted(arrays: dict[str, np.ndarray], key: str, shape: tuple[int, ...], default: float):
    values = arrays.get(key, np.full(shape, default))
    if values.shape != shape:
        raise InputError(
            f"The array {key!r} must have the shape {list(shape)} that fits the positions, "
            f"not {list(values.shape)}; correct it."
        )
    if not (np.abs(values) <= MAX_COORDINATE).all():
        raise InputError(
            f"The array {key!r} must hold finite numbers up to {MAX_COORDINATE:.0f}, but some are "
            "not; correct them."
        )
    return values


def read_scene(source: Source, name: str = "") -> Scene:
    """The N-body scene in an NPZ file, in scene units.

    Keys: positions [n 3] or [frames n 3]; velocities of the same shape (missing: at rest), charges
    [n] (missing: 0), masses [n] (missing: 1). Other keys are not read. At most 10 MB, 50 bodies and
    2,000 frames; times number the frames. Raises InputError for anything else.
    """
    data, name = _contents(source, name)
    arrays = _arrays(data, name)
    positions = arrays.get("positions")
    if positions is None:
        raise InputError(
            f"A scene needs the array 'positions' [n 3], which {safe_name(name)!r} lacks; add it."
        )
    if positions.ndim not in (2, 3) or positions.shape[-1] != 3 or 0 in positions.shape:
        raise InputError(
            "The array 'positions' must have the shape [n 3] or [frames n 3], not "
            f"{list(positions.shape)}; correct it."
        )
    shape, n = positions.shape, positions.shape[-2]
    if n > MAX_BODIES or positions.size // (3 * n) > MAX_SCENE_FRAMES:
        raise InputError(
            f"A scene may have at most {MAX_BODIES} bodies and {MAX_SCENE_FRAMES} frames, not "
            f"positions of shape {list(shape)}; cut it down."
        )
    positions = _fitted(arrays, "positions", shape, 0.0).reshape(-1, n, 3)
    velocities = _fitted(arrays, "velocities", shape, 0.0).reshape(-1, n, 3)
    charges, masses = (_fitted(arrays, k, (n,), d) for k, d in (("charges", 0.0), ("masses", 1.0)))
    if (masses <= 0).any():
        raise InputError(
            "The array 'masses' must hold numbers above 0, but some are not; correct them."
        )
    _check_apart(positions[0], "bodies", 1e-6, "")
    return Scene(
        positions, velocities, charges, masses, np.arange(len(positions), dtype=np.float64)
    )


def read(source: Source, name: str = "", cutoff: float | str | None = None) -> Graph:
    """The first system in a file as a graph: a molecule, or an N-body scene from an NPZ file.

    `source` is a path, or the file's bytes with its `name`; all pairs are joined unless `cutoff`
    (Å, or "bonds") says otherwise. Raises InputError as `read_atoms` and `read_scene` do.
    """
    if str(name or source).lower().endswith(".npz"):
        scene = read_scene(source, name)
        return from_arrays(
            scene.positions[0],
            velocities=scene.velocities[0],
            charges=scene.charges,
            masses=scene.masses,
            cutoff=cutoff,
        )
    return from_atoms(read_atoms(source, name)[0], cutoff)
