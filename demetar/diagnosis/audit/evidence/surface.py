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
# Of the forces' change over 0.12 Å. Measured: sound networks whose activations have corners in their
# second derivative leave 1.6e-3 (ANI-1x in float64) and 1.4e-3 (DIEP), seeded ripples from 3.3e-2 on.
RIPPLE = 4e-3


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
    ends = np.argsort(
        d.min(1) + 10 * (atoms.numbers != atoms.numbers[np.argsort(d.min(1))[0]]) * which
    )
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
        new.set_cell(np.asarray(scene.generic.cell) * s, scale_atoms=True)
        return new

    return Path("cell lengths", at, np.linspace(0.93, 1.15, 45))


def dimer(scene: Scene, first: int, second: int) -> Path:
    """Two atoms of these elements from contact to 12.5 Å."""
    reach = covalent_radii[first] + covalent_radii[second]

    def at(s: float) -> ase.Atoms:
        pair = ase.Atoms(
            numbers=[first, second], positions=[[0, 0, 0], [0.6 * s, 0.48 * s, 0.64 * s]]
        )
        return isolated(pair, scene.atoms)

    kinds = isolated(ase.Atoms(numbers=[first, second], positions=np.zeros((2, 3))), scene.atoms)
    symbols = kinds.get_chemical_symbols()
    return Path(f"pair {symbols[0]}–{symbols[1]}", at, np.linspace(0.8 * reach, 12.5, 150))


def push(scene: Scene) -> Path:
    """One atom of a crystal moved by up to 0.6 Å in fine steps, so that single pairs cross a cutoff."""

    def at(s: float) -> ase.Atoms:
        change = np.zeros_like(scene.generic.positions)
        change[0] = s * np.array([0.36, 0.48, 0.8])
        return displaced(scene.generic, change)

    return Path(
        f"atom 1 ({scene.generic.get_chemical_symbols()[0]}) moved", at, np.linspace(0, 0.6, 61)
    )


def paths(scene: Scene) -> list[Path]:
    """What is looked at: bonds, and copies that approach; of a crystal an atom, its swelling, and a pair."""
    first = stretch(scene, 0)
    bonds = [] if first is None else [first]
    if scene.periodic:
        kinds = scene.atoms.numbers[[0, -1]]
        return [*bonds, push(scene), swelling(scene), dimer(scene, int(kinds[0]), int(kinds[1]))]
    second = stretch(scene, 1)
    if second is not None and second.name != bonds[0].name:
        bonds.append(second)
    return [*bonds, approach(scene)]


def walk(scene: Scene, path: Path) -> tuple[list[Jump], dict[str, Any]]:
    """Discontinuities along a path, each closed in by halving, and the curve for the figure."""
    known = {float(s): a for s in path.grid if (a := scene.try_(path.at(float(s)))) is not None}
    known = {s: a for s, a in known.items() if a.finite}
    s = list(known)
    if len(s) < 10:
        return [], {}
    modes = [False] if known[s[0]].forces is None else [False, True]
    found = []
    for of_force in modes:
        table = np.array([_numbers(a, of_force) for a in known.values()])
        limit = scene.limits(path.at(s[0]))[1 if of_force else 0]
        for k, component in _peaks(table, limit):
            steps = np.diff(table[k : k + 4, component])
            for m in np.argsort(-np.abs(steps - np.median(steps)))[:2]:
                ends = (s[k + m], s[k + m + 1])
                jump = _halve(scene, path, ends, (known[ends[0]], known[ends[1]]), of_force)
                found += [] if jump is None else [jump]
    energies = [a.energy for a in known.values()]
    return found, {"s": s, "energy": energies, "name": path.name}


def _numbers(answer: Answer, of_force: bool) -> Any:
    if of_force and answer.forces is not None:
        return answer.forces.ravel()
    return np.array([answer.energy])


def _peaks(table: Any, limit: float) -> list[tuple[int, int]]:
    """Where a third difference exceeds those on both sides, by how much; of a smooth slope none does."""
    score = np.abs(np.diff(table, 3, axis=0))
    inner = score[3:-3]
    beside = np.maximum(np.maximum(score[:-6], score[1:-5]), np.maximum(score[5:-1], score[6:]))
    ratio = inner / (beside + limit)
    component = ratio.argmax(1)
    best: list[tuple[int, int]] = []
    for k in np.argsort(-ratio.max(1)):
        if all(abs(k + 3 - b) > 3 for b, _ in best):
            best.append((int(k) + 3, int(component[k])))
        if len(best) == CANDIDATES:
            break
    return best


def _halve(scene: Scene, path: Path, ends: Any, answers: Any, of_force: bool) -> Jump | None:
    """Halves an interval towards a jump; None once second differences fade as of something smooth.

    They stay at a jump, are halved at a kink and quartered elsewhere.
    """
    (a, b), (x, y) = ends, answers
    sizes: list[float] = []
    for level in range(HALVINGS):
        middle = (a + b) / 2
        z = scene.try_(path.at(middle))
        if z is None or not z.finite:
            return None
        left = _numbers(z, of_force) - _numbers(x, of_force)
        right = _numbers(y, of_force) - _numbers(z, of_force)
        c = int(np.argmax(np.abs(left - right)))
        sizes.append(float(abs(left[c] - right[c])))
        a, x, b, y = (a, x, middle, z) if abs(left[c]) > abs(right[c]) else (middle, z, b, y)
        if level >= 4 and sizes[-1] < 0.3 * sizes[-2]:
            return None
    le, lf = scene.limits(path.at(a))
    stays = sizes[-1] > 0.7 * sizes[-4]
    if not of_force:
        if stays and sizes[-1] > 4 * le:
            return Jump(path.name, (a + b) / 2, sizes[-1], 0.0, b - a)
        kink = x.forces is None and sizes[-1] > 4 * le and 0.08 < sizes[-1] / sizes[-4] < 0.2
        return Jump(path.name, (a + b) / 2, 0.0, sizes[-1] / (b - a), b - a) if kink else None
    if stays and sizes[-1] > 4 * lf:
        return Jump(path.name, (a + b) / 2, 0.0, sizes[-1], b - a)
    return None


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
    single = alone(scene) if jumps else {}
    where = max(jumps, key=lambda j: (j.energy > seen_e, j.energy, j.force), default=None)
    detail = f"no jump on {len(curves)} paths" + (
        f", {len(faint)} too small to matter" if faint else ""
    )
    if where is not None:
        detail = f"{where.path} at {where.s:.5g}, across {where.gap:.1g}"
    tags = {
        "energy": energy,
        "force": force,
        "pairs": single,
        "count": len(jumps),
        "where": None if where is None else dataclasses.asdict(where),
    }
    unit, seen = ("eV", seen_e) if energy else ("eV/Å", seen_f)
    largest, rows = energy or force, {"curves": curves}
    return [
        Finding(
            "continuity", "Jumps along a path", largest, seen, unit, bool(jumps), detail, tags, rows
        )
    ]


def alone(scene: Scene) -> dict[str, Any]:
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
    powers = np.polynomial.polynomial.polyvander(x / x[-1], 5)
    worst, size = 0.0, 0.0
    for k in range(2):
        way = scene.rng(70 + k).standard_normal(scene.generic.positions.shape)
        way /= np.abs(way).max()
        answers = [scene.try_(displaced(scene.generic, s * way)) for s in x]
        table = np.array([a.forces for a in answers if a is not None and a.finite])
        if len(table) < len(x):
            continue
        table = table.reshape(len(x), -1)
        left = table - powers @ np.linalg.lstsq(powers, table, rcond=None)[0]
        worst = max(worst, float(np.sqrt(np.mean(left**2, axis=0)).max()))
        size = max(size, float(np.ptp(table, axis=0).max()))
    limit = scene.limits(scene.generic)[1] + RIPPLE * size
    what, tags = "what a quintic over 0.12 Å leaves", {"relative": worst / max(size, 1e-300)}
    title, rough = "Ripples of the forces", worst > limit
    return [Finding("roughness", title, worst, limit, "eV/Å", rough, what, tags)]
