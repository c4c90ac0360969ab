"""What a broken symmetry costs: forces that push and turn a molecule as a whole, energy that is not kept.

All host numpy; lengths in Å. No Streamlit.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ase
import numpy as np
from ase import units
from ase.calculators.calculator import Calculator, all_changes
from ase.md.velocitydistribution import Stationary, ZeroRotation
from ase.md.verlet import VelocityVerlet
from scipy.spatial.transform import Rotation

from app.backend.measuring.later import Later, Unwanted
from app.backend.molecules import Source, molecule
from demetar.core.graph import from_arrays
from demetar.runs.run import Run

RUN, MOLECULE = "equiformer-rmd17-ethanol", "ethanol"
STEP, STEPS, KELVIN = 0.5, 160, 300.0  # fs; steps; K
LONGEST = 5.0  # seconds of dynamics, after compiling; then what there is is shown
TURNED = 5.0  # degrees about z by which the axes of the faulty forces are off
answers = Later()


@dataclass(frozen=True)
class Whole:
    """What forces do to a molecule as a whole, relative: |Σ F| / Σ |F| and |Σ r × F| / Σ |r| |F|.

    r from the centroid. Both vanish for the slope of a number that shifts and turns leave alone.
    """

    force: float
    torque: float


@dataclass(frozen=True)
class Path:
    """A run of dynamics at constant energy: times [frames] in fs from 0 on.

    `energy`: E(t) − E(0) in meV, kinetic and potential, for the molecule. `spin`: |L(t) − L(0)| over the
    sum of m |r| |v| at the start.
    """

    times: np.ndarray
    energy: np.ndarray
    spin: np.ndarray


@dataclass(frozen=True)
class Dynamics:
    """The same start twice: with the forces as they are, and as if in axes that are TURNED about z.

    `seconds` of both together after compiling, `calls` of the model.
    """

    sound: Path
    faulty: Path
    seconds: float
    calls: int


def whole(positions: np.ndarray, forces: np.ndarray) -> Whole:
    """What forces [n 3] at positions [n 3] do to all atoms together."""
    arms = positions - positions.mean(0)
    sizes = np.linalg.norm(forces, axis=1)
    lever = float((np.linalg.norm(arms, axis=1) * sizes).sum())
    push, turn = forces.sum(0), np.cross(arms, forces).sum(0)
    tiny = float(np.finfo(float).tiny)
    return Whole(
        float(np.linalg.norm(push)) / max(float(sizes.sum()), tiny),
        float(np.linalg.norm(turn)) / max(lever, tiny),
    )


def questions(run: Run, stamp: float, seed: int) -> dict[Any, Callable[[], Dynamics]]:
    """What `answers` is asked: the dynamics of a run that knows forces, by the seed of its velocities."""
    key = ("dynamics", stamp, seed)

    def make() -> Dynamics:
        atoms = molecule(Source(MOLECULE))
        return dynamics(run, atoms, seed, STEPS, wanted=lambda: answers.wanted(key))

    return {key: make}


class _Forces(Calculator):
    """A run as ASE asks it: energy in eV, forces in eV/Å, in axes turned by so many degrees about z."""

    implemented_properties = ["energy", "forces"]

    def __init__(self, run: Run, degrees: float) -> None:
        super().__init__()
        self.run = run
        self.axes = Rotation.from_euler("z", degrees, degrees=True).as_matrix()

    def calculate(
        self,
        atoms: ase.Atoms | None = None,
        properties: list[str] | None = None,
        system_changes: list[str] = all_changes,
    ) -> None:
        """Puts energy and forces of the atoms into `results`."""
        super().calculate(atoms, properties, system_changes)
        assert self.atoms is not None
        output = self.run(from_arrays(self.atoms.positions, self.atoms.numbers))
        forces = 1e-3 * np.asarray(output["forces"], float) @ self.axes.T
        self.results = {"energy": 1e-3 * float(np.ravel(output["energy"])[0]), "forces": forces}


def dynamics(
    run: Run,
    atoms: ase.Atoms,
    seed: int,
    steps: int,
    longest: float = LONGEST,
    wanted: Callable[[], bool] = lambda: True,
) -> Dynamics:
    """Both runs, step by step, until either all steps or all the time is used up.

    Raises Unwanted once nobody waits for it.

    Velocity Verlet (L. Verlet, Phys. Rev. 159, 98 (1967); ASE's), 0.5 fs; velocities drawn at 300 K, the
    molecule neither drifting nor spinning.
    """
    runs = [_start(run, atoms, seed, degrees) for degrees in (0.0, TURNED)]
    rows: list[list[tuple[float, np.ndarray]]] = [[_now(each.atoms)] for each in runs]
    began = time.perf_counter()
    for _ in range(steps):
        if not wanted():
            raise Unwanted
        for each, found in zip(runs, rows, strict=True):
            each.run(1)
            found.append(_now(each.atoms))
        if time.perf_counter() - began > longest:
            break
    seconds = time.perf_counter() - began
    scale = _scale(_start(run, atoms, seed, 0.0).atoms)
    sound, faulty = (_path(found, scale) for found in rows)
    return Dynamics(sound, faulty, seconds, 2 * (len(rows[0]) - 1))


def _start(run: Run, atoms: ase.Atoms, seed: int, degrees: float) -> VelocityVerlet:
    atoms = ase.Atoms(atoms.numbers, atoms.positions)
    drawn = np.random.default_rng(seed).standard_normal((len(atoms), 3))
    atoms.set_momenta(np.sqrt(atoms.get_masses() * units.kB * KELVIN)[:, None] * drawn)
    Stationary(atoms)
    ZeroRotation(atoms)
    atoms.calc = _Forces(run, degrees)
    return VelocityVerlet(atoms, STEP * units.fs)


def _now(atoms: ase.Atoms) -> tuple[float, np.ndarray]:
    return float(atoms.get_total_energy()), atoms.get_angular_momentum()


def _scale(atoms: ase.Atoms) -> float:
    arms = np.linalg.norm(atoms.positions - atoms.get_center_of_mass(), axis=1)
    return float((arms * np.linalg.norm(atoms.get_momenta(), axis=1)).sum())


def _path(rows: list[tuple[float, np.ndarray]], scale: float) -> Path:
    energy = np.array([e for e, _ in rows])
    spin = np.array([momentum for _, momentum in rows])
    return Path(
        STEP * np.arange(len(rows)),
        1e3 * (energy - energy[0]),
        np.linalg.norm(spin - spin[0], axis=1) / scale,
    )
