"""Whether forces and stress are derivatives of the energy: atom by atom, and around a loop."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float

from demetar.diagnosis.audit.evidence.laws import force_law
from demetar.diagnosis.audit.evidence.scene import Scene
from demetar.diagnosis.audit.finding import Finding
from demetar.diagnosis.audit.probe import Refused, displaced, moved
from demetar.symmetry.elements import rotations

STEPS = (1e-5, 1e-4, 1e-3, 3e-3, 1e-2, 3e-2)  # Å
MOST_ATOMS = 40


def balance(scene: Scene) -> list[Finding]:
    """Net force, and net torque of what has no cell: both vanish for an energy that is invariant."""
    if scene.base.forces is None:
        return []
    forces, limit = scene.base.forces, scene.limits(scene.generic)[1] * len(scene.generic)
    net = float(np.abs(forces.sum(0)).max())
    found = [
        Finding(
            "net-force",
            "Net force",
            net,
            limit,
            "eV/Å",
            net > limit,
            tags={"vector": forces.sum(0).tolist()},
        )
    ]
    if not scene.periodic:
        arms = scene.generic.positions - scene.generic.positions.mean(0)
        torque = float(np.abs(np.cross(arms, forces).sum(0)).max())
        reach = float(np.abs(arms).max()) + 1
        found.append(
            Finding("net-torque", "Net torque", torque, limit * reach, "eV", torque > limit * reach)
        )
    return found


def steps(scene: Scene) -> list[Finding]:
    """−dE/ds along two directions that move every atom, over six steps, against the forces."""
    if scene.base.forces is None:
        return []
    size = scene.precision.scale
    table, verdicts = [], []
    for k in range(2):
        way = scene.rng(40 + k).standard_normal(scene.generic.positions.shape)
        way /= np.sqrt(np.mean(way**2))
        expected = float((scene.base.forces * way).sum())
        slopes = {}
        for h in STEPS:
            try:
                plus, minus = (scene.probe(displaced(scene.generic, s * h * way)) for s in (1, -1))
            except Refused:
                continue
            slopes[h] = -(plus.energy - minus.energy) / (2 * h)
        rows = _scan(scene, slopes, expected)
        table += [
            [h, abs(slopes[h] - expected) / np.sqrt(len(scene.atoms)), allowed]
            for h, allowed in rows
        ]
        sharpest = min(rows, key=lambda r: r[1], default=None)
        verdicts.append(sharpest is not None and abs(slopes[sharpest[0]] - expected) > sharpest[1])
    best = min((r[1] for r in table), default=0.0)
    limit = min((r[2] / np.sqrt(len(scene.atoms)) for r in table), default=None)
    return [
        Finding(
            "gradient",
            "Forces against −dE/dx",
            best,
            limit,
            "eV/Å",
            any(verdicts),
            "the best of six steps, root mean square over atoms",
            {"relative": best / size},
            {"steps": table},
        )
    ]


def _scan(scene: Scene, slopes: dict[float, float], expected: float) -> list[tuple[float, float]]:
    """Each step with what it may be wrong by: noise over the step, and what halving changes."""
    count = len(scene.generic)
    noise = max(scene.precision.energy, 2.0**-53 * abs(scene.base.energy))
    force = np.sqrt(count) * scene.precision.forces
    rows = []
    hs = sorted(slopes)
    for k, h in enumerate(hs):
        wider = hs[min(k + 1, len(hs) - 1)]
        narrower = hs[max(k - 1, 0)]
        curve = max(abs(slopes[h] - slopes[wider]), 0.0) if wider != h else np.inf
        if k and wider == h:
            curve = 2 * abs(slopes[h] - slopes[narrower])
        rounding = 2.0**-53 * scene.precision.scale * count * 100 / h
        rows.append(
            (
                h,
                2 * curve
                + 10 * noise / h
                + 10 * force
                + rounding
                + 3 * scene.precision.memory * np.sqrt(count),
            )
        )
    return rows


def central(scene: Scene) -> float:
    """The step (Å) at which noise and curvature balance: the cube root of the relative noise."""
    relative = (
        max(scene.precision.energy, 2.0**-53 * abs(scene.base.energy)) / scene.precision.scale
    )
    return float(np.clip(relative ** (1 / 3), 1e-4, 2e-2))


def atoms(scene: Scene) -> list[Finding]:
    """−dE/dx of each atom (up to forty), and the asymmetry of the Jacobian of the forces."""
    if scene.base.forces is None:
        return []
    count = min(len(scene.generic), MOST_ATOMS)
    chosen = np.sort(scene.rng(50).permutation(len(scene.generic))[:count])
    h = central(scene)
    slopes = np.full((count, 3), np.nan)
    jacobian = np.zeros((count, 3, len(scene.generic), 3))
    for row, i in enumerate(chosen):
        for a in range(3):
            way = np.zeros_like(scene.generic.positions)
            way[i, a] = h
            plus, minus = (
                scene.probe(displaced(scene.generic, way)),
                scene.probe(displaced(scene.generic, -way)),
            )
            slopes[row, a] = -(plus.energy - minus.energy) / (2 * h)
            jacobian[row, a] = (np.asarray(plus.forces) - np.asarray(minus.forces)) / (2 * h)
    forces = scene.base.forces[chosen]
    error = np.abs(slopes - forces).max(1)
    noise = max(scene.precision.energy, 2.0**-53 * abs(scene.base.energy))
    third = float(np.abs(jacobian).max()) * h**2 * 30
    limit = (
        10 * noise / h
        + 10 * scene.precision.forces
        + third
        + 1e-6 * scene.precision.scale
        + 3 * scene.precision.memory
    )
    wrong = [int(i) for i, e in zip(chosen, error) if e > limit]
    tags: dict[str, Any] = {
        "wrong": wrong,
        "count": count,
        "ratio": _ratio(forces, slopes),
        "order": _order(forces, slopes),
        "slopes": slopes.tolist(),
        "chosen": chosen.tolist(),
        "step": h,
    }
    return [
        Finding(
            "gradient-atoms",
            "Forces against −dE/dx of each atom",
            float(error.max()),
            limit,
            "eV/Å",
            bool(wrong),
            f"step {h:.2g} Å; atoms that disagree: {_listed(wrong, count)}",
            tags,
        ),
        _asymmetry(scene, jacobian[:, :, chosen], h),
    ]


def _listed(wrong: list[int], count: int) -> str:
    if not wrong:
        return "none"
    return "all" if len(wrong) == count else ", ".join(str(i + 1) for i in wrong[:8])


def _ratio(forces: Any, slopes: Any) -> float | None:
    """The one factor between forces and slopes, or None where there is none."""
    factor = float((forces * slopes).sum() / max((slopes**2).sum(), 1e-300))
    left = np.linalg.norm(forces - factor * slopes) / max(np.linalg.norm(forces - slopes), 1e-300)
    return factor if left < 0.01 else None


def _order(forces: Any, slopes: Any) -> bool:
    """Whether the forces are the slopes of the atoms in another order."""
    d = np.abs(forces[:, None] - slopes[None]).max(-1)
    best = d.argmin(1)
    fits = bool(np.all(d.min(1) < 0.02 * np.abs(slopes).max()))
    return fits and len(set(best)) == len(best) and bool(np.any(best != np.arange(len(best))))


def _asymmetry(scene: Scene, block: Float[np.ndarray, "n 3 n 3"], h: float) -> Finding:
    matrix = block.reshape(3 * len(block), -1)
    odd = matrix - matrix.T
    value = float(np.linalg.norm(odd) / max(np.linalg.norm(matrix + matrix.T), 1e-300))
    size = np.linalg.norm(matrix + matrix.T)
    rounding = max(
        scene.precision.forces, 2.0**-53 * scene.precision.scale, 0.1 * scene.precision.memory
    )
    limit = 10 * rounding / h * len(matrix) / max(size, 1e-300) + 300 * h**2
    return Finding(
        "jacobian",
        "Asymmetry of the forces' Jacobian",
        value,
        float(limit),
        "",
        bool(value > limit),
        "‖J − Jᵀ‖ / ‖J + Jᵀ‖",
        {"value": value},
    )


def law(scene: Scene, found: Finding) -> Finding:
    """The law between forces and −∇E in eight orientations; the energy has to be invariant."""
    slopes = np.array(found.tags["slopes"])
    chosen = found.tags["chosen"]
    forces, expected = [np.asarray(scene.base.forces)[chosen]], [slopes]
    for matrix in rotations(8, 61):
        answer = scene.try_(moved(scene.generic, matrix))
        if answer is not None and answer.forces is not None:
            forces.append(answer.forces[chosen])
            expected.append(slopes @ matrix.T)
    tags = force_law(np.array(forces), np.array(expected))
    return Finding(
        "force-law",
        "What the forces are of −∇E",
        tags.get("left"),
        None,
        "of the deviation unexplained",
        detail=tags["law"] or "no simple law",
        tags=tags,
    )


def stress(scene: Scene) -> list[Finding]:
    """Stress against the derivative of the energy with respect to strain, all six components."""
    if scene.base.stress is None:
        return []
    h = max(central(scene) / 5, 1e-4)
    numeric = np.zeros((3, 3))
    volume = scene.generic.get_volume()
    curve = 0.0
    for a in range(3):
        for b in range(a + 1):
            slopes = []
            for step in (h, 2 * h):
                energies = []
                for sign in (1, -1):
                    strain = np.zeros((3, 3))
                    strain[a, b] += sign * step / 2
                    strain[b, a] += sign * step / 2
                    new = moved(scene.generic)
                    new.set_cell(scene.generic.cell @ (np.eye(3) + strain), scale_atoms=True)
                    energies.append(scene.probe(new).energy)
                slopes.append((energies[0] - energies[1]) / (2 * step * volume))
            numeric[a, b] = numeric[b, a] = slopes[0]
            curve = max(curve, abs(slopes[0] - slopes[1]))
    given = scene.base.stress
    error = float(np.abs(given - numeric).max())
    noise = max(scene.precision.energy, 2.0**-53 * abs(scene.base.energy))
    limit = 10 * noise / (h * volume) + 2 * curve + 1e-6 * float(np.abs(numeric).max())
    tags = {"given": given.tolist(), "numeric": numeric.tolist(), "law": None}
    if error > limit:
        for p in ([0, 1, 2], [1, 2, 0], [2, 0, 1], [1, 0, 2], [0, 2, 1], [2, 1, 0]):
            off = {(0, 1): numeric[0, 1], (0, 2): numeric[0, 2], (1, 2): numeric[1, 2]}
            wanted = np.array([numeric[i, i] for i in range(3)])
            seen = np.array([off[1, 2], off[0, 2], off[0, 1]])
            mine = np.array([given[1, 2], given[0, 2], given[0, 1]])
            for q in ([0, 1, 2], p):
                both = np.abs(np.diag(given) - wanted[q]).max() + np.abs(mine - seen[p]).max()
                if both < 10 * limit and both < 0.05 * error and p != [0, 1, 2]:
                    tags["law"] = "axis-order"
    return [
        Finding(
            "stress",
            "Stress against dE/dε",
            error,
            limit,
            "eV/Å³",
            error > limit,
            f"strain {h:.2g}",
            tags,
        )
    ]
