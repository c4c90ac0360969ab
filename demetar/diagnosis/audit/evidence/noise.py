"""How precise a calculator is, from its own answers: the limits of all other checks."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import ase
import numpy as np
from jaxtyping import Float

from demetar.diagnosis.audit.finding import Finding
from demetar.diagnosis.audit.probe import Answer, Probe, displaced

EPS32, EPS64 = 2.0**-24, 2.0**-53
SCALES = (1e-5, 1e-4, 1e-3)  # Å
POINTS = 10
# A largest value among some thousand rounding errors lies within five standard deviations; the deviation
# itself, from five differences, is uncertain by a factor of three, and a turned input is rounded anew.
MARGIN = 30.0


def noise(values: Float[np.ndarray, "points ..."]) -> float:
    """Standard deviation of the noise of a smooth function at equidistant points.

    From its differences of order k, in which a smooth function is of order h^k and independent noise is
    amplified by (2k)!/(k!)²; the least over orders 4 to 7 (Moré and Wild, SIAM J. Sci. Comput. 33, 1292
    (2011), equation 3.1; they compare orders in the same way).
    """
    table = np.asarray(values, float).reshape(len(values), -1)
    # A constant offset would be rounded in the differences themselves.
    table = table - table[0]
    found = []
    for order in range(1, 8):
        table = np.diff(table, axis=0)
        if order >= 4:
            gamma = math.factorial(order) ** 2 / math.factorial(2 * order)
            found.append(float(np.sqrt(gamma * np.mean(table**2))))
    return min(found)


@dataclasses.dataclass(frozen=True)
class Precision:
    """Noise of energy (eV) and forces (eV/Å), the size of forces and of their derivative (eV/Å²).

    `word`: "float64", "float32", or "low" where noise is larger than single precision explains.
    `energy_digits` is the noise of the energy over the energy itself.
    """

    energy: float
    forces: float
    scale: float
    stiffness: float
    word: str
    energy_digits: float
    memory: float = 0.0  # by how much an answer depends on where its iterations started

    def energy_limit(self, reach: float, total: float, atoms: int) -> float:
        """What rounding explains in an energy (eV) of so many atoms whose positions reach so far (Å)."""
        inputs = math.sqrt(atoms) * self.scale * reach
        return (
            MARGIN * self.energy
            + 3 * self.memory
            + 64 * EPS64 * (abs(total) + inputs + 1e-3 * self.scale)
        )

    def force_limit(self, reach: float) -> float:
        """What rounding explains in a component of a force (eV/Å)."""
        return (
            MARGIN * self.forces
            + 3 * self.memory
            + 64 * EPS64 * (self.stiffness * reach + self.scale)
        )


def _line(probe: Probe, atoms: ase.Atoms, way: Any, step: float) -> list[Answer]:
    return [probe(displaced(atoms, k * step * way)) for k in range(POINTS)]


def _settled(found: list[float]) -> float:
    """Of the noise on three lines the middle one; the least where it grows with the step as a kink's does."""
    if not found:
        return 0.0
    return min(found) if len(found) == 3 and found[2] > 6 * found[1] else float(np.median(found))


def precision(
    probe: Probe, atoms: ase.Atoms, rng: np.random.Generator, memory: float = 0.0
) -> Precision:
    """The precision at one structure, from short lines in two directions; the calmer one counts."""
    energies, forces, stiff = [], [], 0.0
    scale = 1e-300
    total = 0.0
    steps = SCALES[1:2] if probe.thrifty else SCALES
    for _ in range(1 if probe.thrifty else 2):
        way = rng.standard_normal(atoms.positions.shape)
        of_energy, of_forces, stands = [], [], False
        for step in steps:
            line = _line(probe, atoms, way, step)
            total = abs(line[0].energy)
            along = np.array([a.energy for a in line])
            stands |= step == steps[0] and int((np.diff(along) == 0).sum()) >= 3
            of_energy.append(noise(along))
            if line[0].forces is not None:
                table = np.array([a.forces for a in line])
                of_forces.append(noise(table))
                scale = max(scale, float(np.sqrt(np.mean(table[0] ** 2))))
                if step == steps[-1]:
                    change = np.abs(table[-1] - table[0]).max() / (step * (POINTS - 1))
                    stiff = max(stiff, float(change))
            elif step == steps[-1]:
                slope = (line[-1].energy - line[0].energy) / (step * (POINTS - 1))
                scale = max(scale, abs(slope) / math.sqrt(3 * len(atoms)))
                stiff = max(stiff, scale)
        # an energy that stands still where forces act goes in steps: the widest line sees their height
        energies.append(max(of_energy) if stands else _settled(of_energy))
        forces.append(_settled(of_forces))
    sigma_e, sigma_f = min(energies), min(forces)
    # Noise against the slopes, where there are forces; else against the energy that a slope gives in 1 Å.
    relative = sigma_f / scale if probe.has_forces else sigma_e / max(scale, total * 1e-3, 1e-300)
    word = "float64" if relative < 1e-10 and not probe.single else "float32"
    # of forces that are iterated to a few digits the energy has more; of coarse products it has not
    if relative > 3e-5 and (memory < 1e-6 * scale or sigma_e > 3e-6 * scale):
        word = "low"
    # where forces are smooth and the energy is not: float32 keeps 1e-7 of an energy, sums some of these
    if sigma_e > 3e-6 * max(total, 0.3 * scale) and memory < 1e-6 * scale:
        word = "low"
    return Precision(sigma_e, sigma_f, scale, stiff, word, sigma_e / max(total, 1e-300), memory)


def told(found: Precision, probe: Probe) -> Finding:
    """The precision as a row of the report."""
    energy_only = found.word == "float64" and (
        found.energy > 300 * max(found.forces, EPS64 * found.scale) and found.energy_digits > 1e-10
    )
    return Finding(
        "noise",
        "Noise of the energy",
        found.energy,
        None,
        "eV",
        broken=found.word == "low" or energy_only,
        detail=f"{found.forces:.2g} eV/Å in the forces, {found.forces / found.scale:.1g} of their size: "
        f"the calculator works in {found.word if found.word != 'low' else 'less than float32'}",
        tags={
            "word": found.word,
            "energy_only": energy_only,
            "digits": found.energy_digits,
            "relative": found.forces / found.scale,
            "memory": found.memory / found.scale,
            "single": probe.single,
        },
    )
