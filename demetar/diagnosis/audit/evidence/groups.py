"""Whether energy, forces, stress, dipole and charges turn, shift and renumber with the atoms."""

from __future__ import annotations

from typing import Any

import ase
import numpy as np

from demetar.diagnosis.audit.evidence.scene import Scene, two
from demetar.diagnosis.audit.finding import Finding
from demetar.diagnosis.audit.probe import Answer, moved
from demetar.symmetry.elements import rotations

SHIFTS = (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)  # Å
WAY = np.array([0.48, -0.6, 0.64])
ORIENTATIONS = 24
Row = tuple[str, float, float, float]  # what was done, |ΔE|, |ΔF|, excess


def finding(name: str, title: str, scene: Scene, rows: list[Row], **more: Any) -> Finding:
    """A row of the report from the worst of several group elements."""
    if not rows:
        return Finding(name, title, detail="the calculator refused these structures")
    worst = max(rows, key=lambda r: np.nan_to_num(r[3], nan=np.inf))
    le, lf = scene.limits(scene.generic)
    by_force = worst[2] / lf > worst[1] / le
    return Finding(
        name,
        title,
        worst[2] if by_force else worst[1],
        lf if by_force else le,
        "eV/Å" if by_force else "eV",
        bool(worst[3] > 1),
        f"worst: {worst[0]}",
        {
            "rows": [[r[0], r[1], r[2], r[3]] for r in rows],
            "energy": any(r[1] > le for r in rows),
            **more.pop("tags", {}),
        },
        more.pop("data", {}),
    )


def check(
    scene: Scene,
    name: str,
    atoms: ase.Atoms,
    before: Answer,
    matrix: Any = None,
    shift: Any = None,
    order: Any = None,
) -> tuple[Row, Answer] | None:
    """One group element: the errors it shows and the answer itself."""
    after = scene.try_(moved(atoms, matrix, shift, order))
    if after is None:
        return None
    reach = 0.0 if shift is None else float(np.abs(shift).max())
    excess = scene.excess(before, after, atoms, reach, matrix=matrix, order=order)
    return (name, *scene.error(before, after, matrix, order), excess), after


def translations(scene: Scene) -> list[Finding]:
    """Shifts from 0.01 to 1,000 Å, along (1, 1, 1), and one that loses nothing in single precision."""
    at, before = interior(scene)
    rows = [
        got[0]
        for s in SHIFTS
        if (got := check(scene, f"{s:g} Å", at, before, shift=s * WAY)) is not None
    ]
    tags: dict[str, Any] = {}
    broken = [r for r in rows if r[3] > 1]
    if broken:
        tags["first"] = float(broken[0][0].split()[0])
        for key, way in (("diagonal", np.ones(3)), ("across", np.array([1.0, -1.0, 0]))):
            got = [check(scene, key, at, before, shift=s * way) for s in (0.5, 20.0)]
            tags[key] = max(g[0][3] for g in got if g is not None) if any(got) else None
        coarse = moved(at)
        coarse.positions = np.round(coarse.positions * 4096) / 4096
        unmoved = scene.try_(coarse)
        exact = unmoved and check(scene, "1,024 Å", coarse, unmoved, shift=[1024.0, -512.0, 512.0])
        tags["representable"] = exact[0][3] if exact else None
        tags["last"] = rows[-1][1:]
    return [finding("translation", "Translations", scene, rows, tags=tags)]


def interior(scene: Scene) -> tuple[ase.Atoms, Answer]:
    """The structure with no atom near a face of its cell, so that a small shift moves none across."""
    if not scene.periodic:
        return scene.generic, scene.base
    at = moved(scene.generic)
    fractions = at.get_scaled_positions(wrap=True)
    for axis in range(3):
        values = np.sort(fractions[:, axis])
        gaps = np.diff(np.append(values, values[0] + 1))
        start = values[int(np.argmax(gaps))] + gaps.max() / 2
        fractions[:, axis] = (fractions[:, axis] - start) % 1
    at.set_scaled_positions(fractions)
    answer = scene.try_(at)
    return (scene.generic, scene.base) if answer is None else (at, answer)


def orders(count: int, rng: np.random.Generator) -> dict[str, list[int]]:
    """Reversal, random orders, transpositions with the first atom, and among others."""
    found = {"reversed": list(range(count))[::-1]}
    for k in range(3):
        found[f"random order {k + 1}"] = list(rng.permutation(count))
    pairs = [(0, j) for j in range(1, count)][:10] + [(i, i + 1) for i in range(1, count - 1)][:6]
    for i, j in pairs:
        order = list(range(count))
        order[i], order[j] = j, i
        found[f"atoms {i + 1} and {j + 1} exchanged"] = order
    return found


def permutations(scene: Scene) -> list[Finding]:
    """Atoms in other orders; energies and forces must come in that order."""
    if len(scene.atoms) < 2:
        return []
    rows, elsewhere = [], True  # charges only come in another order
    for atoms, before in ((scene.generic, scene.base), (scene.atoms, scene.try_(scene.atoms))):
        if before is None or not before.finite:
            continue
        few = atoms is scene.atoms
        for name, order in list(orders(len(atoms), scene.rng(1)).items())[: 2 if few else None]:
            name = f"{name}, as given" if few else name
            if (got := check(scene, name, atoms, before, order=order)) is None:
                continue
            rows.append(got[0])
            after = got[1]
            if after.charges is not None and before.charges is not None:
                wrong = np.abs(after.charges - before.charges[order]).max()
                limit = 1e-6 if scene.precision.word == "float64" else 1e-3
                rows.append((f"charges, {name}", 0.0, float(wrong), float(wrong / limit)))
                elsewhere &= bool(
                    np.abs(np.sort(after.charges) - np.sort(before.charges)).max() < limit
                )
    le = scene.limits(scene.generic)[0]
    forces_only = all(r[1] <= le for r in rows)
    of_charges = all(r[3] <= 1 for r in rows if not r[0].startswith("charges"))
    with_first = [r[3] > 1 for r in rows if r[0].startswith("atoms 1 ")]
    others = [
        r[3] > 1 for r in rows if r[0].startswith("atoms ") and not r[0].startswith("atoms 1 ")
    ]
    generic = any(r[3] > 1 for r in rows if not r[0].endswith("as given"))
    tags = {
        "energy_exact": forces_only,
        "with_first": with_first,
        "others": others,
        "generic": generic,
        "new_charges": of_charges and not elsewhere,
    }
    return [finding("permutation", "Order of the atoms", scene, rows, tags=tags)]


def turns(scene: Scene) -> list[Finding]:
    """Random rotations, and the structure as it was given; the pairs of orientations for the figure."""
    rows, seen, vectors = [], [], []
    given = scene.try_(scene.atoms)
    for k, matrix in enumerate(rotations(ORIENTATIONS, scene.seed + 3)):
        got = check(scene, f"orientation {k + 1}", scene.generic, scene.base, matrix)
        if got is None:
            continue
        rows.append(got[0])
        seen.append((matrix, got[1]))
        vectors += _others(scene, scene.base, got[1], matrix, f"orientation {k + 1}")
    symmetric = []
    if given is not None and given.finite:
        for k, matrix in enumerate(rotations(3, scene.seed + 4)):
            if got := check(scene, f"as given, {k + 1}", scene.atoms, given, matrix):
                symmetric.append(got[0])
    tags = {
        "generic": any(r[3] > 1 for r in rows),
        "as_given": any(r[3] > 1 for r in symmetric),
        "relative": max((r[2] for r in rows), default=0.0) / scene.precision.scale,
    }
    found = [
        finding(
            "rotation",
            "Rotations",
            scene,
            rows + symmetric,
            tags=tags,
            data={"pairs": pairs(scene.base, seen)},
        )
    ]
    return [*found, *_vectors(vectors, seen, scene)]


def _others(scene: Scene, before: Answer, after: Answer, matrix: Any, name: str) -> list[Row]:
    """Stress, dipole and charges under a rotation; their limit is relative to their own size."""
    digits = max(scene.precision.forces / scene.precision.scale * 30, 1e-9)
    if scene.precision.word != "float64":
        digits = max(digits, 1e-4)
    if scene.precision.memory > 1e-6 * scene.precision.scale:
        digits = max(
            digits, 1e-3
        )  # iterated: the energy is stationary there, density and charges are not
    rows = []
    for key in ("stress", "dipole", "charges"):
        a, b = getattr(before, key), getattr(after, key)
        if a is None or b is None:
            continue
        turned = {"stress": lambda a: matrix @ a @ matrix.T, "dipole": lambda a: matrix @ a}
        wrong = float(np.abs(b - turned.get(key, lambda a: a)(a)).max())
        size = float(np.abs(a).max())
        # an isotropic solid has hardly any other stress, a neutral atom no charge
        rows.append((f"{key}, {name}", 0.0, wrong, wrong / (digits * max(size, 1e-3))))
    return rows


def _vectors(rows: list[Row], seen: list, scene: Scene) -> list[Finding]:
    found = []
    units = {"stress": "eV/Å³", "dipole": "e Å", "charges": "e"}
    for key, unit in units.items():
        mine = [r for r in rows if r[0].startswith(key)]
        if mine:
            worst = max(mine, key=lambda r: r[3])
            law = _law(key, scene.base, seen) if worst[3] > 1 else None
            found.append(
                Finding(
                    f"rotation-{key}",
                    f"Rotations: {key}",
                    worst[2],
                    worst[2] / max(worst[3], 1e-300),
                    unit,
                    worst[3] > 1,
                    f"worst: {worst[0]}",
                    {"law": law},
                )
            )
    return found


def _law(key: str, base: Answer, seen: list) -> str | None:
    """Another law that fits: a constant vector in a dipole, gains of its axes, a constant stress."""
    from demetar.diagnosis.audit.evidence import laws

    if key == "dipole":
        return laws.vector_law(base.dipole, [(m, a.dipole) for m, a in seen])
    if key == "stress":
        return laws.stress_law(base.stress, [(m, a.stress) for m, a in seen])
    return None


def inversion(scene: Scene, alone: bool = False) -> list[Finding]:
    """Inversion with some rotations; of few atoms, which are all planar, two copies, unless `alone`."""
    atoms, before = scene.generic, scene.base
    if len(atoms) < 4 and not alone and not scene.periodic:
        pair = two(scene.generic, 3.5 + float(np.ptp(atoms.positions, axis=0).max()))
        answer = scene.try_(pair)
        if answer is not None:
            atoms, before = pair, answer
    rows, others = [], []
    for k, matrix in enumerate([np.eye(3), *rotations(2, scene.seed + 5)]):
        got = check(scene, f"inversion {k + 1}", atoms, before, -matrix)
        if got is not None:
            rows.append(got[0])
            if before.dipole is not None and got[1].dipole is not None:
                wrong = float(np.abs(got[1].dipole + matrix @ before.dipole).max())
                size = max(float(np.abs(before.dipole).max()), 1e-3)
                digits = 1e-7 if scene.precision.word == "float64" else 1e-3
                others.append((f"dipole, inversion {k + 1}", 0.0, wrong, wrong / size / digits))
    tags = {"forces": any(r[3] > 1 for r in rows), "dipole": any(r[3] > 1 for r in others)}
    return [finding("inversion", "Inversion", scene, rows + others, tags=tags)]


def pairs(base: Answer, seen: list) -> dict[str, list[float]]:
    """Over all pairs of orientations: angle (degrees), |ΔE| per atom (meV), mean |ΔF| (meV/Å)."""
    angle, energy, force = [], [], []
    count = 1 if base.forces is None else len(base.forces)
    everything = [(np.eye(3), base), *seen]
    for i, (a, x) in enumerate(everything):
        for b, y in everything[:i]:
            cosine = (np.trace(a.T @ b) - 1) / 2
            angle.append(round(float(np.degrees(np.arccos(np.clip(cosine, -1, 1)))), 2))
            energy.append(float(1e3 * abs(x.energy - y.energy) / count))
            if x.forces is not None and y.forces is not None:
                force.append(float(1e3 * np.abs(x.forces @ a - y.forces @ b).mean()))
    return {"angle": angle, "energy": energy, "force": force}
