"""The smallest structure that shows a fault: pairs, then the structure with atoms taken away."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import ase
import numpy as np

from demetar.diagnosis.audit.evidence import aimed, cells, gradient, groups
from demetar.diagnosis.audit.evidence.scene import Scene
from demetar.diagnosis.audit.finding import Finding
from demetar.diagnosis.audit.probe import Refused, moved

MOST = 40  # structures tried
CHECKS: dict[str, Callable[[Scene], list[Finding]]] = {
    "translation": groups.translations,
    "permutation": groups.permutations,
    "rotation": groups.turns,
    "inversion": lambda scene: groups.inversion(scene, alone=True),
    "aimed": aimed.aimed,
    "image": cells.images,
    "gradient": gradient.steps,
    "gradient-atoms": gradient.steps,
    "jacobian": gradient.steps,
    "force-law": groups.turns,
    "stress": gradient.stress,
}


STANDS = {"gradient-atoms": "gradient", "jacobian": "gradient", "force-law": "rotation"}


def tried(name: str) -> bool:
    """Whether a smaller structure is looked for where the check of that name decided."""
    return STANDS.get(name, name) in CHECKS


def shows(scene: Scene, name: str, atoms: ase.Atoms) -> bool:
    """Whether the check of that name is broken at these atoms too."""
    try:
        base = scene.probe(atoms)
        if not base.finite:
            return False
        smaller = dataclasses.replace(scene, atoms=atoms, generic=atoms, base=base)
        return any(f.broken and f.name == name for f in CHECKS[name](smaller))
    except (Refused, IndexError, np.linalg.LinAlgError):
        return False


def smallest(scene: Scene, finding: Finding) -> dict[str, Any] | None:
    """The fewest atoms found that still break a check, as plain lists; None where that is not tried."""
    name = STANDS.get(finding.name, finding.name)
    if finding.name == "continuity":
        return _pair(scene, finding)
    if name not in CHECKS:
        return None
    atoms, tried = scene.generic, 0
    for pair in _pairs(atoms):
        tried += 1
        if shows(scene, name, pair):
            return told(pair)
    step = max(1, len(atoms) // 2)
    while step >= 1 and tried < MOST and scene.probe.left() > 0.05:
        for start in range(0, len(atoms), step):
            keep = [i for i in range(len(atoms)) if not start <= i < start + step]
            tried += 1
            if len(keep) >= 2 and shows(scene, name, atoms[keep]):
                atoms = atoms[keep]
                break
            if tried >= MOST:
                break
        else:
            step //= 2
    return told(atoms)


def _pairs(atoms: ase.Atoms) -> list[ase.Atoms]:
    """The nearest pair of each two elements, at most six."""
    if len(atoms) < 3:
        return []
    d = atoms.get_all_distances(mic=bool(atoms.pbc.any()))
    d[np.tril_indices(len(d))] = np.inf
    seen: dict[tuple[int, ...], ase.Atoms] = {}
    for k in np.argsort(d, axis=None):
        i, j = np.unravel_index(k, d.shape)
        if not np.isfinite(d[i, j]):
            break
        kinds = tuple(sorted((int(atoms.numbers[i]), int(atoms.numbers[j]))))
        seen.setdefault(kinds, atoms[[int(i), int(j)]])
    return list(seen.values())[:6]


def _pair(scene: Scene, finding: Finding) -> dict[str, Any] | None:
    from demetar.diagnosis.audit.evidence import surface

    kinds = [int(k) for k in np.unique(scene.atoms.numbers)][:3]
    for name, found in finding.tags["pairs"].items():
        for k, first in enumerate(kinds):
            for second in kinds[k:]:
                path = surface.dimer(scene, first, second)
                if found and path.name == name:
                    return {**told(path.at(found[0])), "distance": found[0]}
    where = finding.tags["where"]
    for path in surface.paths(scene):
        if where is not None and path.name == where["path"]:
            return told(path.at(where["s"]))
    return None


def told(atoms: ase.Atoms) -> dict[str, Any]:
    """A structure as JSON."""
    plain = moved(atoms)
    return {
        "atoms": len(plain),
        "formula": plain.get_chemical_formula(),
        "symbols": plain.get_chemical_symbols(),
        "positions": np.round(plain.positions, 6).tolist(),
        "cell": np.round(np.array(plain.cell), 6).tolist() if plain.pbc.any() else None,
    }
