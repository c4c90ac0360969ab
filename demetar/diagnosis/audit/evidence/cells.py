"""What only a periodic structure can show: images, other cells for the same crystal, supercells."""

from __future__ import annotations

import numpy as np

from demetar.diagnosis.audit.evidence.groups import check, finding, interior
from demetar.diagnosis.audit.evidence.scene import Scene
from demetar.diagnosis.audit.finding import Finding
from demetar.diagnosis.audit.probe import moved

# Shifts that carry some atoms across a face, in parts of the cell's vectors.
FACES = ((0.37, 0, 0), (0, 0.37, 0), (0, 0, 0.37), (0.5, 0.5, 0.5), (0.71, 0.29, 0.43))


def images(scene: Scene) -> list[Finding]:
    """Single atoms written by another image, all wrapped, and all shifted until others lie at the faces."""
    at, before = interior(scene)
    rows = []
    for i in scene.rng(80).permutation(len(at))[: 1 if scene.probe.thrifty else 3]:
        for sign, axis in ((1, 0), (-1, 1), (2, 2)):
            if not at.pbc[axis]:
                continue
            shift = np.zeros_like(at.positions)
            shift[i] = sign * np.asarray(at.cell)[axis]
            got = check(
                scene, f"atom {i + 1} by {sign} × cell vector {axis + 1}", at, before, shift=shift
            )
            if got is not None:
                rows.append(got[0])
    for part in FACES:
        beyond = moved(at, shift=np.where(at.pbc, part, 0) @ np.asarray(at.cell))
        beyond.wrap()
        answer = scene.try_(beyond)
        if answer is not None:
            excess = scene.excess(before, answer, beyond)
            text = ", ".join(f"{p:g}" for p in part)
            rows.append(
                (f"shifted by ({text}) of the cell, wrapped", *scene.error(before, answer), excess)
            )
    outside = moved(at, shift=-0.5 * np.asarray(at.cell).sum(0))
    answer = scene.try_(outside)
    if answer is not None:
        wrapped = moved(outside)
        wrapped.wrap()
        other = scene.try_(wrapped)
        if other is not None:
            e, f = scene.error(answer, other)
            rows.append(("all wrapped", e, f, scene.excess(answer, other, wrapped)))
    return [finding("image", "Periodic images", scene, rows, tags={"as_given": _as_given(scene)})]


def _as_given(scene: Scene) -> bool:
    """Whether images matter in the structure as it was given, whose cell may be upright."""
    before = scene.try_(scene.atoms)
    if before is None or not before.finite:
        return True
    for axis in range(3):
        shift = np.zeros_like(scene.atoms.positions)
        shift[len(shift) // 2] = np.asarray(scene.atoms.cell)[axis]
        got = check(scene, "", scene.atoms, before, shift=shift) if scene.atoms.pbc[axis] else None
        if got is not None and got[0][3] > 1:
            return True
    return False


def other_cells(scene: Scene) -> list[Finding]:
    """The same crystal by another cell vector (b + a for b), and by a cell that is twice as long."""
    if not scene.atoms.pbc.all():
        return []
    found = []
    le, lf = scene.limits(scene.generic)
    sheared = moved(scene.generic)
    cell = np.array(sheared.cell)
    cell[1] += cell[0]
    sheared.set_cell(cell, scale_atoms=False)
    answer = scene.try_(sheared)
    if answer is not None:
        row = (
            "b + a for b",
            *scene.error(scene.base, answer),
            scene.excess(scene.base, answer, sheared),
        )
        found.append(finding("same-crystal", "Another cell of the same crystal", scene, [row]))
    double = scene.generic.repeat((2, 1, 1))
    answer = scene.try_(double)
    if answer is not None:
        energy = abs(answer.energy - 2 * scene.base.energy)
        force = 0.0
        if answer.forces is not None and scene.base.forces is not None:
            force = float(np.abs(answer.forces - np.tile(scene.base.forces, (2, 1))).max())
        row = ("twice along a", energy, force, max(energy / (3 * le), force / (3 * lf)))
        found.append(finding("supercell", "A supercell", scene, [row]))
    return found
