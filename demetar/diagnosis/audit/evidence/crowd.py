"""What larger systems show: copies far apart, a crowd of neighbours, a short run of dynamics."""

from __future__ import annotations

from typing import Any

import ase
import numpy as np
from ase import units

from demetar.diagnosis.audit.evidence import surface
from demetar.diagnosis.audit.evidence.groups import finding
from demetar.diagnosis.audit.evidence.scene import Scene, rattled
from demetar.diagnosis.audit.finding import Finding
from demetar.diagnosis.audit.probe import displaced, moved
from demetar.symmetry.elements import rotations

FAR = 60.0  # Å
CROWD = 60  # atoms


def copies(scene: Scene) -> list[Finding]:
    """Two copies 60 Å apart against twice one of them."""
    if scene.periodic:
        return []
    pair = scene.generic + moved(scene.generic, shift=[FAR, 0, 0])
    answer = scene.try_(pair)
    if answer is None:
        return []
    energy, force = abs(answer.energy - 2 * scene.base.energy), 0.0
    if answer.forces is not None and scene.base.forces is not None:
        force = float(np.abs(answer.forces - np.tile(scene.base.forces, (2, 1))).max())
    le, lf = scene.limits(pair, FAR)
    # multipoles of neutral molecules still act at 60 Å: 0.1 e Å twice give 14.4 × 2 × 0.01 / 60³ = 1e-6 eV
    row = ("60 Å apart", energy, force, max(energy / (3 * le + 1e-5), force / (3 * lf + 1e-5)))
    return [finding("copies", "Two copies far apart", scene, [row])]


def crowded(scene: Scene) -> ase.Atoms:
    """At least sixty atoms as dense as a liquid or solid, with no symmetry."""
    if scene.periodic:
        times = max(1, int(np.ceil((CROWD / len(scene.atoms)) ** (1 / 3))))
        return rattled(scene.atoms.repeat((times, times, times)), 3)
    step = np.ptp(scene.generic.positions, axis=0) + 1.9
    count = int(np.ceil(CROWD / len(scene.generic)))
    side = int(np.ceil(count ** (1 / 3)))
    places = [(i, j, k) for i in range(side) for j in range(side) for k in range(side)][:count]
    crowd = ase.Atoms()
    for place in places:
        crowd += moved(scene.generic, shift=np.array(place) * step)
    return rattled(crowd, 4)


def crowd(scene: Scene) -> list[Finding]:
    """A crowd in another order and turned, and which atoms feel the one in its middle.

    Neighbours were left out where near atoms do not feel it and farther ones of the same element do, and
    where its motion makes jumps that no pair alone makes.
    """
    atoms = crowded(scene)
    before = scene.try_(atoms)
    if before is None or not before.finite:
        return []
    order = list(scene.rng(90).permutation(len(atoms)))
    matrix = rotations(1, 91)[0]
    rows = []
    ways: dict[str, dict[str, Any]] = {
        "another order": {"order": order},
        "turned": {"matrix": matrix},
    }
    for name, how in ways.items():
        after = scene.try_(moved(atoms, **how))
        if after is not None:
            rows.append(
                (
                    name,
                    *scene.error(before, after, **how),
                    scene.excess(before, after, atoms, **how),
                )
            )
    deaf = _deaf(scene, atoms) if before.forces is not None else None
    if deaf is not None and not _switches(scene, atoms):
        deaf = None  # what is felt through common neighbours need not fall with the distance
    tags = {"permuted": bool(rows and rows[0][3] > 1), "deaf": deaf}
    return [finding("crowd", f"A crowd of {len(atoms)} atoms", scene, rows, tags=tags)]


def _switches(scene: Scene, atoms: ase.Atoms) -> bool:
    """Whether energy or forces jump as the middle atom moves by 0.6 Å, and no pair of atoms jumps alone."""
    middle = int(np.argmin(np.linalg.norm(atoms.positions - atoms.positions.mean(0), axis=1)))

    def at(s: float) -> ase.Atoms:
        change = np.zeros_like(atoms.positions)
        change[middle] = s * np.array([0.36, 0.48, 0.8])
        return displaced(atoms, change)

    jumps, _ = surface.walk(scene, surface.Path("middle of the crowd", at, np.linspace(0, 0.6, 41)))
    return bool(jumps) and not any(surface.alone(scene).values())


def _deaf(scene: Scene, atoms: ase.Atoms) -> dict[str, Any] | None:
    """A nearer atom that does not feel the middle one's motion while a farther one of its element does."""
    middle = int(np.argmin(np.linalg.norm(atoms.positions - atoms.positions.mean(0), axis=1)))
    responses = np.zeros(len(atoms))
    h = 0.02
    for a in range(3):
        way = np.zeros_like(atoms.positions)
        way[middle, a] = h
        plus, minus = scene.try_(displaced(atoms, way)), scene.try_(displaced(atoms, -way))
        if plus is None or minus is None:
            return None
        responses = np.maximum(
            responses, np.abs(np.asarray(plus.forces) - np.asarray(minus.forces)).max(1) / (2 * h)
        )
    silent = max(scene.limits(atoms)[1] / h, 1e-9 * responses.max())
    distance = atoms.get_distances(middle, list(range(len(atoms))), mic=bool(atoms.pbc.any()))
    best = None
    for kind in np.unique(atoms.numbers):
        mine = [i for i in range(len(atoms)) if atoms.numbers[i] == kind and i != middle]
        heard = [i for i in mine if responses[i] > 30 * silent]
        deaf = [i for i in mine if responses[i] <= silent]
        for i in deaf:
            beyond = [j for j in heard if distance[j] > distance[i] + 0.1]
            if beyond and (best is None or distance[i] < best["near"]):
                far = max(distance[j] for j in beyond)
                best = {
                    "near": float(distance[i]),
                    "far": float(far),
                    "element": int(kind),
                    "neighbours": int(np.sum(responses > 30 * silent)) - 1,
                }
    return best


def dynamics(scene: Scene, count: int = 120, step: float = 0.5) -> list[Finding]:
    """A run at constant energy from 300 K (velocity Verlet, 0.5 fs): the drift of the total energy."""
    if scene.base.forces is None:
        return []
    rng = scene.rng(95)
    atoms = moved(scene.generic)
    masses = atoms.get_masses()[:, None]
    velocities = rng.standard_normal(atoms.positions.shape) * np.sqrt(300 * units.kB / masses)
    velocities -= (masses * velocities).sum(0) / masses.sum()
    dt, answer = step * units.fs, scene.probe(atoms)
    totals = []
    for _ in range(count):
        velocities = velocities + 0.5 * dt * np.asarray(answer.forces) / masses
        atoms.positions = atoms.positions + dt * velocities
        answer = scene.probe(atoms)
        velocities = velocities + 0.5 * dt * np.asarray(answer.forces) / masses
        totals.append(answer.energy + 0.5 * float((masses * velocities**2).sum()))
    energies = 1e3 * (np.array(totals) - totals[0]) / len(atoms)
    times = step * np.arange(count)
    slope, offset = np.polyfit(times / 1000, energies, 1)
    wobble = float(np.std(energies - slope * times / 1000 - offset))
    return [
        Finding(
            "dynamics",
            "Drift of the energy at constant energy",
            float(slope),
            None,
            "meV/atom/ps",
            detail=f"over {step * count:g} fs from 300 K; it varies by {wobble:.2g} meV/atom",
            tags={"wobble": wobble},
            data={"time": times.tolist(), "energy": energies.tolist()},
        )
    ]
