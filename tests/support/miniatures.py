"""Small archives in the layouts of the published ones, served on this machine instead of them.

Splits have the published sizes. The first five frames that a split uses are real ones, stored in
`tests/support/frames.json`; the others are random.
"""

import bz2
import dataclasses
import functools
import hashlib
import io
import json
import tarfile
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from demetar.core import registry
from tests.support.server import Mirror

REAL = json.loads((Path(__file__).with_name("frames.json")).read_text())
PARTS_3BPA = {"train_300K": 500, "train_mixedT": 500, "test_300K": 1669, "test_600K": 2138,
              "test_1200K": 2139, "test_dih": 7}  # fmt: skip


def frames(name: str, count: int, seed: int) -> dict[str, np.ndarray]:
    """`count` frames: the real five of that name, if it has some, then random ones around them."""
    rng = np.random.default_rng(seed)
    real = REAL.get(name)
    z = np.array(real["z"] if real else [8, 1, 1])
    known = np.array(real["R"]) if real else np.zeros((0, len(z), 3))
    rest = count - len(known)
    centre = known[0] if real else 3 * rng.standard_normal((len(z), 3))
    moved = centre + 0.1 * rng.standard_normal((rest, len(z), 3))
    energies = np.array(real["E"]) if real else np.zeros(0)
    forces = np.array(real["F"]) if real else np.zeros((0, len(z), 3))
    return {
        "z": z,
        "R": np.concatenate([known, moved]),
        "E": np.concatenate([energies, -1000.0 + rng.standard_normal(rest)]),
        "F": np.concatenate([forces, rng.standard_normal((rest, len(z), 3))]),
    }


@functools.cache
def rmd17_archive(molecules: tuple[str, ...]) -> bytes:
    """A tar.bz2 with an NPZ per molecule and the ten lists of frame numbers."""
    members: dict[str, bytes] = {"rmd17/readme.txt": b"The revised MD17 dataset."}
    for i, molecule in enumerate(molecules):
        f = frames(f"rmd17-{molecule}", 2_100, i)
        file = io.BytesIO()
        np.savez(
            file,
            nuclear_charges=f["z"],
            coords=f["R"],
            energies=f["E"],
            forces=f["F"],
            old_indices=np.arange(2_100),
        )
        members[f"rmd17/npz_data/rmd17_{molecule}.npz"] = file.getvalue()
    for fold in range(1, 6):
        order = np.random.default_rng(fold).permutation(np.arange(5, 2_100))
        train = np.concatenate([np.arange(5), order[:995]])
        for part, rows in (("train", train), ("test", order[995:1_995])):
            text = "".join(f"{row}\n" for row in rows)
            members[f"rmd17/splits/index_{part}_0{fold}.csv"] = text.encode()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return bz2.compress(packed.getvalue(), 1)


@functools.cache
def bpa_files() -> dict[str, bytes]:
    """The six files of 3BPA by name."""
    return {
        f"{part}.xyz": extxyz(frames(f"3bpa-{part}", count, seed))
        for seed, (part, count) in enumerate(PARTS_3BPA.items())
    }


def extxyz(f: dict[str, np.ndarray], dipoles: bool = False) -> bytes:
    """The frames as the published files write them, with a dipole of (1, 2, 3) if asked for."""
    symbols = {1: "H", 6: "C", 7: "N", 8: "O"}
    dipole = ' dipole="1 2 3"' if dipoles else ""
    lines = []
    for x, energy, forces in zip(f["R"], f["E"], f["F"]):
        lines.append(str(len(f["z"])))
        lines.append(
            'Lattice="50.0 0.0 0.0 0.0 50.0 0.0 0.0 0.0 50.0" Properties=species:S:1:pos:R:3:'
            f'forces:R:3 energy={energy:.12f}{dipole} dihedrals="_JSON [209.44, 80.54]" pbc="F F F"'
        )
        for z, row in zip(f["z"], np.hstack([x, forces])):
            lines.append(f"{symbols[z]:8s}" + " ".join(f"{value:16.8f}" for value in row))
    return ("\n".join(lines) + "\n").encode()


def pin(module: ModuleType, contents: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """The module's sources, with the sizes and checksums of these contents."""
    pinned = []
    for source in module.ABOUT.sources:
        body = contents[source["file"]]
        digest = hashlib.sha256(body).hexdigest()
        if "git" in source:
            digest = hashlib.sha1(b"blob %d\0" % len(body) + body).hexdigest()
        kind = "git" if "git" in source else "sha256"
        size = len(body) if source["bytes"] else 0
        pinned.append(source | {kind: digest, "bytes": size})
    about = dataclasses.replace(module.ABOUT, sources=tuple(pinned))
    monkeypatch.setattr(module, "ABOUT", about)


def serve(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    """rMD17 and 3BPA, small, at the mirror, which downloads are sent to."""
    monkeypatch.setenv("DEMETAR_MIRROR", mirror.url)
    rmd17, bpa = registry.load("datasets", "rmd17"), registry.load("datasets", "3bpa")
    contents = {"rmd17.tar.bz2": rmd17_archive(rmd17.MOLECULES)}
    mirror.files |= {f"rmd17/{name}": body for name, body in contents.items()}
    pin(rmd17, contents, monkeypatch)
    contents = bpa_files()
    mirror.files |= {f"3bpa/{name}": body for name, body in contents.items()}
    pin(bpa, contents, monkeypatch)


def place(name: str, root: Path) -> dict[str, str]:
    """Puts there what somebody would put by hand, where a set comes from no address; its options."""
    if name == "qm9":
        (root / "qm9").mkdir(parents=True, exist_ok=True)
        np.savez(root / "qm9" / "qm9.npz", allow_pickle=False, **qm9_arrays())
    if name == "file":
        path = root / "own.xyz"
        path.write_bytes(extxyz(frames("rmd17-ethanol", 50, 0), dipoles=True))
        units = {"energy_unit": "kcal/mol", "length_unit": "Å", "dipole_unit": "e·Å"}
        return {"path": str(path), **units}
    return {}


@functools.cache
def qm9_arrays() -> dict[str, np.ndarray]:
    """As many molecules as QM9 has, its first five and then single atoms."""
    qm9 = registry.load("datasets", "qm9")
    rng, real = np.random.default_rng(0), REAL["qm9"]
    rest = 130_831 - len(real)
    names = [target for target in qm9.ABOUT.targets if target != "charges"]
    labels = rng.standard_normal((rest, len(names)))
    atoms = sum(len(m["z"]) for m in real) + rest
    return {
        "index": np.arange(1, 130_832, dtype=np.int32),
        "n_atoms": np.array([len(m["z"]) for m in real] + [1] * rest, np.uint8),
        "z": np.concatenate([*(m["z"] for m in real), np.full(rest, 6)]).astype(np.uint8),
        "R": np.concatenate([*(m["R"] for m in real), rng.standard_normal((rest, 3))]).astype(
            np.float32
        ),
        "y": np.concatenate([np.array([m["y"] for m in real]), labels]),
        "y_names": np.array(names),
        "q_mulliken": rng.standard_normal(atoms).astype(np.float32),
        "smiles": np.frombuffer("\n".join(["C"] * 130_831).encode(), np.uint8),
    }
