"""Whether energy and forces are continuous along a path, and smooth on a scale far below a bond."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import ase
import numpy as np
from ase.data import covalent_radii
from jaxtyping import Float

from demetar.diagnosis.audit.evidence.noise import EPS32
from demetar.diagnosis.audit.evidence.scene import Scene, two
from demetar.diagnosis.audit.finding import Finding
from demetar.diagnosis.audit.probe import Answer, displaced, isolated, moved

HALVINGS = 15
CANDIDATES = 3


@dataclasses.dataclass(frozen=True)
class Path:
    """Structures along a coordinate (Å, or strain): a name, the structure at s, points to look at."""

    name: str
    at: Callable[[float], ase.Atoms]
    grid: Float[np.ndarray, " points"]


@dataclasses.dataclass(frozen=True)
class Jump:
    """A discontinuity at s: of the energy (eV) and of the largest force (eV/Å) across a gap."""

    path: str
    s: float
    energy: float
    force: float
    gap: float


def stretch(scene: Scene, which: int) -> Path | None:
    """One atom moved along the bond to its nearest neighbour, from 0.75 to 1.7 of its length."""
    atoms = scene.generic
    if len(atoms) < 2:
        return None
    d = atoms.get_all_distances(mic=bool(atoms.pbc.any()))
    np.fill_diagonal(d, np.inf)
    ends = np.argsort(d.min(1) + 10 * (atoms.numbers != atoms.numbers[np.argsort(d.min(1))[0]]) * which)
    i = int(ends[0]) if which == 0 else int(np.argsort(-d.min(1))[0])
    j = int(np.argmin(d[i]))
    bond = atoms.get_distance(j, i, mic=bool(atoms.pbc.any()), vector=True)
    unit, length = bond / np.linalg.norm(bond), float(np.linalg.norm(bond))

    def at(s: float) -> ase.Atoms:
        change = np.zeros_like(atoms.positions)
        change[i] = (s - length) * unit
        return displaced(atoms, change)

    kinds = atoms.get_chemical_symbols()
    name = f"bond {kinds[i]}{i + 1}–{kinds[j]}{j + 1}"
    return Path(name, at, np.linspace(0.75 * length, 1.7 * length, 40))


def approach(scene: Scene) -> Path:
    """Two copies of a molecule that come from 13 Å down to contact."""
    atoms = scene.generic
    extent = np.ptp(atoms.positions[:, 0])
    near = two(atoms, extent + 1.0)
    gap = _closest(near, len(atoms))
    start = extent + 1.0 + max(1.6 - gap, 0)

    def at(s: float) -> ase.Atoms:
        new = near.copy()
        new.positions[len(atoms) :, 0] += start + s - (extent + 1.0)
        return new

    return Path("two copies", at, np.linspace(0, 12.5, 126))


def _closest(pair: ase.Atoms, count: int) -> float:
    p = pair.positions
    return float(np.linalg.norm(p[:count, None] - p[count:], axis=-1).min())


def swelling(scene: Scene) -> Path:
    """The cell and what is in it, from 0.93 to 1.15 of its lengths."""

    def at(s: float) -> ase.Atoms:
        new = moved(scene.generic)
        new.set_cell(scene.generic.cell * s, scale_atoms=True)
        return new

    return Path("cell lengths", at, np.linspace(0.93, 1.15, 45))


def dimer(scene: Scene, first: int, second: int) -> Path:
    """Two atoms of these elements from contact to 12.5 Å."""
    reach = covalent_radii[first] + covalent_radii[second]

    def at(s: float) -> ase.Atoms:
        pair = ase.Atoms(numbers=[first, second], positions=[[0, 0, 0], [0.6 * s, 0.48 * s, 0.64 * s]])
        return isolated(pair, scene.atoms)

    kinds = isolated(ase.Atoms(numbers=[first, second], positions=np.zeros((2, 3))), scene.atoms)
    symbols = kinds.get_chemical_symbols()
    return Path(f"pair {symbols[0]}–{symbols[1]}", at, np.linspace(0.8 * reach, 12.5, 150))


def paths(scene: Scene) -> list[Path]:
    """What is looked at: bonds, and copies that approach or a cell that swells."""
    bonds = [p for p in (stretch(scene, 0), stretch(scene, 1)) if p is not None]
    if len({p.name for p in bonds}) == 1:
        bonds = bonds[:1]
    return [*bonds, swelling(scene) if scene.periodic else approach(scene)]


def walk(scene: Scene, path: Path) -> tuple[list[Jump], dict[str, Any]]:
    """Discontinuities along a path, each closed in by halving, and the curve for the figure."""
    known = {float(s): a for s in path.grid if (a := scene.try_(path.at(float(s)))) is not None}
    s = np.array([x for x, a in known.items() if a.finite])
    if len(s) < 6:
        return [], {}
    energies = np.array([known[x].energy for x in s])
    scores = [np.abs(np.diff(energies, 3))]
    forces = [known[x].forces for x in s]
    if forces[0] is not None:
        table = np.array(forces).reshape(len(s), -1)
        scores.append(np.abs(np.diff(table, 3, axis=0)).max(1))
    chosen = [(k, mode) for mode, score in enumerate(scores) for k in _peaks(score)]
    found = [_close_in(scene, path, known, float(s[k]), float(s[k + 3]), mode) for k, mode in chosen]
    curve = {"s": s.tolist(), "energy": energies.tolist(), "name": path.name}
    return [j for j in found if j is not None], curve


def _peaks(score: Any) -> list[int]:
    """Intervals whose third differences stand out most from those around."""
    around = np.array([np.median(score[max(k - 5, 0) : k + 6]) for k in range(len(score))])
    ratio = score / np.maximum(around, 1e-12 * max(float(score.max()), 1e-300))
    best: list[int] = []
    for k in np.argsort(-ratio):
        if all(abs(k - b) > 3 for b in best):
            best.append(int(k))
        if len(best) == CANDIDATES:
            break
    return best


def _close_in(
    scene: Scene, path: Path, known: dict[float, Answer], a: float, b: float, of_force: int
) -> Jump | None:
    """Halves the interval of [a, b] with the largest change; None as soon as it fades like a slope."""
    ends = [x for x in known if a <= x <= b and known[x].finite]
    changes = [_change(known[x], known[y], of_force) for x, y in zip(ends, ends[1:])]
    third = np.abs(np.array(changes) - np.median(changes))
    best: Jump | None = None
    for k in np.argsort(-third)[:2]:
        x, y = ends[k], ends[k + 1]
        found = _halve(scene, path, (x, y), (known[x], known[y]), of_force)
        if found is not None and (best is None or found.energy > best.energy):
            best = found
    return best


def _halve(scene: Scene, path: Path, ends: Any, answers: Any, of_force: int) -> Jump | None:
    (a, b), (x, y) = ends, answers
    last = _change(x, y, of_force)
    for level in range(HALVINGS):
        middle = (a + b) / 2
        z = scene.try_(path.at(middle))
        if z is None or not z.finite:
            return None
        left, right = _change(x, z, of_force), _change(z, y, of_force)
        a, x, b, y = (a, x, middle, z) if left > right else (middle, z, b, y)
        if level >= 5 and max(left, right) < 0.52 * last:
            return None  # what has a slope is halved with its interval, a jump stays
        last = max(left, right)
    energy, force = abs(y.energy - x.energy), _change(x, y, 1)
    le, lf = scene.limits(path.at(a))
    slope = np.abs(x.forces).sum() if x.forces is not None else 0.0
    is_energy = energy > 2 * le + 3 * slope * (b - a)
    stiff = 100 * max(scene.precision.stiffness, 1.0) * (b - a)
    is_force = x.forces is not None and force > 2 * lf + stiff
    if not (is_energy or is_force):
        return None
    return Jump(path.name, (a + b) / 2, energy if is_energy else 0.0, force if is_force else 0.0, b - a)


def _change(x: Answer, y: Answer, of_force: int) -> float:
    if of_force and x.forces is not None and y.forces is not None:
        return float(np.abs(y.forces - x.forces).max())
    return abs(y.energy - x.energy)


def continuity(scene: Scene) -> list[Finding]:
    """Jumps along the paths; where there are any, along pairs of atoms as well."""
    jumps, curves, range_ = [], [], 0.0
    for path in paths(scene):
        found, curve = walk(scene, path)
        jumps += found
        if curve:
            curves.append(curve)
            range_ = max(range_, float(np.ptp(curve["energy"])))
    # what single precision would not resolve of the energies on these paths moves nothing
    seen_e, seen_f = EPS32 * max(range_, scene.precision.scale), 30 * EPS32 * scene.precision.scale
    faint = [j for j in jumps if j.energy <= seen_e and j.force <= seen_f]
    jumps = [j for j in jumps if j not in faint]
    energy = max((j.energy for j in jumps if j.energy > seen_e), default=0.0)
    force = max((j.force for j in jumps if j.force > seen_f), default=0.0)
    alone = _pairs(scene) if jumps else {}
    where = max(jumps, key=lambda j: (j.energy > seen_e, j.energy, j.force), default=None)
    detail = f"no jump on {len(curves)} paths" + (f", {len(faint)} too small to matter" if faint else "")
    if where is not None:
        detail = f"{where.path} at {where.s:.5g}, across {where.gap:.1g}"
    tags = {
        "energy": energy, "force": force, "pairs": alone, "count": len(jumps),
        "where": None if where is None else dataclasses.asdict(where),
    }  # fmt: skip
    unit = "eV" if energy else "eV/Å"
    return [
        Finding("continuity", "Jumps along a path", energy or force, seen_e if energy else seen_f, unit,
                bool(jumps), detail, tags, {"curves": curves})
    ]  # fmt: skip


def _pairs(scene: Scene) -> dict[str, Any]:
    """Jumps of single pairs of the structure's elements: {pair: [distance, energy, force]}."""
    kinds = [int(k) for k in np.unique(scene.atoms.numbers)][:3]
    found: dict[str, Any] = {}
    for k, first in enumerate(kinds):
        for second in kinds[k:]:
            path = dimer(scene, first, second)
            jumps, curve = walk(scene, path)
            if curve:
                best = max(jumps, key=lambda j: (j.energy, j.force), default=None)
                found[path.name] = None if best is None else [best.s, best.energy, best.force]
    return found


def roughness(scene: Scene) -> list[Finding]:
    """What a polynomial of fifth degree leaves of the forces over 0.12 Å, along two directions."""
    if scene.base.forces is None:
        return []
    x = np.linspace(-0.06, 0.06, 25)
    worst, size = 0.0, 0.0
    for k in range(2):
        way = scene.rng(70 + k).standard_normal(scene.generic.positions.shape)
        way /= np.abs(way).max()
        answers = [scene.try_(displaced(scene.generic, s * way)) for s in x]
        table = np.array([a.forces for a in answers if a is not None and a.finite])
        if len(table) < len(x):
            continue
        table = table.reshape(len(x), -1)
        left = table - np.polynomial.polynomial.polyvander(x, 5) @ np.linalg.lstsq(
            np.polynomial.polynomial.polyvander(x, 5), table, rcond=None
        )[0]
        worst = max(worst, float(np.sqrt(np.mean(left**2, axis=0)).max()))
        size = max(size, float(np.ptp(table, axis=0).max()))
    limit = scene.limits(scene.generic)[1] + 1e-3 * size
    return [
        Finding("roughness", "Ripples of the forces", worst, limit, "eV/Å", worst > limit,
                "what a quintic over 0.12 Å leaves", {"relative": worst / max(size, 1e-300)})
    ]  # fmt: skip
