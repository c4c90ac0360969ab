"""Labelled sets of one's own: Langevin dynamics of a molecule, each kept frame with its labels.

The integrator is ASE's (Vanden-Eijnden, Ciccotti, Chem. Phys. Lett. 429, 310 (2006)). The same seed
and settings give the same frames on the same machine. Written: extended XYZ and NPZ with energies in
eV, forces in eV/Å and dipoles in e·Å where the calculator gives them, and a JSON file of how.
"""

from __future__ import annotations

import dataclasses
import io
import json
import platform
import tempfile
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import ase.build
import ase.io
import numpy as np
from ase import Atoms, units
from ase.calculators.singlepoint import SinglePointCalculator
from ase.md import velocitydistribution as velocities
from ase.md.langevin import Langevin

from demetar.core.disk import data_root, write_atomically
from demetar.core.errors import InputError, refused
from demetar.core.graph import without_cell
from demetar.core.registry import unknown
from demetar.data.making.calculators import CALCULATORS, LEVELS
from demetar.data.readers.structures import first_atoms

Progress = Callable[[int, int], None]  # frames that are done, frames in all
NAMES = {
    "water": "H2O", "methane": "CH4", "ammonia": "NH3", "ethane": "C2H6", "methanol": "CH3OH",
    "ethanol": "CH3CH2OH", "benzene": "C6H6", "acetone": "CH3COCH3", "formic-acid": "HCOOH",
}  # fmt: skip
HOTTEST = 20  # times the temperature asked for: then the molecule has flown apart


@dataclasses.dataclass(frozen=True)
class Settings:
    """How a set is made. `step` in fs, `friction` per fs, `temperature` in K.

    With a `label` the kept frames alone are given to that, dearer calculator.
    """

    molecule: str
    calculator: str = "gfn2-xtb"
    label: str = ""
    frames: int = 1_000
    every: int = 10  # steps between two kept frames
    warmup: int = 1_000  # steps before the first
    temperature: float = 500.0
    step: float = 0.5
    friction: float = 0.01
    seed: int = 0


@dataclasses.dataclass(frozen=True)
class Made:
    """Frames [S, n, 3] in Å with energies [S] eV, forces [S, n, 3] eV/Å, dipoles [S, 3] e·Å or None."""

    species: np.ndarray
    positions: np.ndarray
    energies: np.ndarray
    forces: np.ndarray
    dipoles: np.ndarray | None


def structure(molecule: str) -> Atoms:
    """The starting geometry: by a common name, by ASE's own, or the first of a structure file."""
    if Path(molecule).suffix and Path(molecule).exists():
        return without_cell(first_atoms(molecule)[0])
    name = NAMES.get(molecule.lower(), molecule)
    try:
        return ase.build.molecule(name)
    except (KeyError, NotImplementedError):
        raise unknown("a structure file, or a molecule of ASE's", NAMES, molecule) from None


def check(s: Settings) -> None:
    """Raises InputError for settings that are out of their range."""
    for name in (s.calculator, s.label or s.calculator):
        if name not in CALCULATORS:
            raise unknown("a calculator", CALCULATORS, name)
    ranges = {
        "frames": (1, 100_000), "every": (1, 10_000), "warmup": (0, 1_000_000),
        "temperature": (1, 5_000), "step": (0.01, 5), "friction": (1e-5, 1), "seed": (0, 2**31),
    }  # fmt: skip
    for key, (low, high) in ranges.items():
        if not low <= getattr(s, key) <= high:
            raise InputError(
                f"Expected {key} from {low:g} to {high:g}, got {getattr(s, key)}; change it."
            )


def dynamics(s: Settings, progress: Progress | None = None) -> Made:
    """The frames that the settings describe; raises InputError where they cannot be had."""
    check(s)
    atoms = structure(s.molecule)
    atoms.calc = CALCULATORS[s.calculator]()
    labeller = CALCULATORS[s.label]() if s.label else atoms.calc
    rng = np.random.default_rng(s.seed)
    widths = np.sqrt(atoms.get_masses() * units.kB * s.temperature)
    atoms.set_momenta(widths[:, None] * rng.standard_normal((len(atoms), 3)))
    velocities.Stationary(atoms)
    velocities.ZeroRotation(atoms)
    rows: list[tuple] = []
    try:
        run = Langevin(
            atoms,
            s.step * units.fs,
            temperature_K=s.temperature,
            friction=s.friction / units.fs,
            rng=rng,
            fixcm=False,
        )
        for steps in [s.warmup, *[s.every] * (s.frames - 1)]:
            run.run(steps)
            if not atoms.get_temperature() < HOTTEST * max(s.temperature, 300):
                raise InputError(
                    "Expected a molecule that holds together, got one that flew apart after "
                    f"{len(rows)} frames; lower the temperature or the step."
                )
            rows.append(_labels(atoms, labeller))
            if progress is not None:
                progress(len(rows), s.frames)
    except NotImplementedError as error:  # EMT knows few elements
        raise InputError(
            f"Expected a molecule that {s.calculator} can do, got another ({error}); choose "
            "another calculator."
        ) from None
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"Expected {s.frames} frames, got an interrupt after {len(rows)} and wrote "
            "nothing; ask for fewer."
        ) from None
    x, energies, forces, dipoles = zip(*rows, strict=True)
    return Made(
        atoms.numbers.astype(np.uint8),
        np.array(x),
        np.array(energies),
        np.array(forces),
        None if dipoles[0] is None else np.array(dipoles),
    )


def _labels(atoms: Atoms, labeller: Any) -> tuple[np.ndarray, float, np.ndarray, np.ndarray | None]:
    frame = Atoms(atoms.numbers, atoms.get_positions())
    frame.calc = labeller
    gives_dipole = "dipole" in labeller.implemented_properties
    return (
        frame.get_positions(),
        float(frame.get_potential_energy()),
        frame.get_forces().copy(),
        np.array(frame.get_dipole_moment()) if gives_dipole else None,
    )


def place(s: Settings, out: Path | None = None) -> Path:
    """Where the set goes, without an ending: `out`, or a name in `data/made/`; its folder is made.

    Raises InputError where nothing can be written, before hours have gone into frames.
    """
    levels = s.calculator + (f"-{s.label}" if s.label else "")
    name = f"{Path(s.molecule).stem}-{levels}-{s.temperature:g}K-seed{s.seed}"
    out = out or data_root() / "made" / name
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out.parent):
            return out
    except OSError as error:
        raise refused(f"to write into {out.parent}", error, "choose another --out") from None


def write(made: Made, s: Settings, out: Path | None = None) -> dict[str, Any]:
    """Writes out.xyz, out.npz and out.json, each whole or not at all; what stands in the JSON file.

    `out` has no ending; without it the set goes to `place(s)`.
    """
    out = out or place(s)
    arrays = {"z": made.species, "R": made.positions, "E": made.energies, "F": made.forces}
    arrays |= {} if made.dipoles is None else {"D": made.dipoles}
    packed = io.BytesIO()
    np.savez(packed, allow_pickle=False, **arrays)
    about = dataclasses.asdict(s) | {
        "dynamics": LEVELS[s.calculator],
        "labels": LEVELS[s.label or s.calculator],
        "atoms": len(made.species),
        "systems": len(made.energies),
        "units": {"positions": "Å", "energy": "eV", "forces": "eV/Å", "dipole": "e·Å"},
        "packages": {p: v for p in ("ase", "numpy", "tblite", "pyscf") if (v := _version(p))},
        "machine": platform.machine(),
        "files": [f"{out}{end}" for end in (".xyz", ".npz", ".json")],
        "train": f"demetar train --dataset file --data-options path={out}.xyz energy_unit=eV",
    }
    try:
        for ending, content in (
            (".xyz", _extxyz(made).encode()),
            (".npz", packed.getvalue()),
            (".json", (json.dumps(about, indent=1, ensure_ascii=False) + "\n").encode()),
        ):
            write_atomically(out.with_name(out.name + ending), content)
    except OSError as error:
        raise refused(f"to write {out}.xyz", error, "choose another --out") from None
    return about


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _extxyz(made: Made) -> str:
    frames = []
    for i, x in enumerate(made.positions):
        atoms = Atoms(made.species.astype(int), x)
        labels: dict[str, Any] = {"energy": made.energies[i], "forces": made.forces[i]}
        if made.dipoles is not None:
            labels["dipole"] = made.dipoles[i]
        atoms.calc = SinglePointCalculator(atoms, **labels)
        frames.append(atoms)
    text = io.StringIO()
    ase.io.write(text, frames, format="extxyz")
    return text.getvalue()
