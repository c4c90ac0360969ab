"""Whether the same question gets the same answer: at once, and after other questions."""

from __future__ import annotations

import dataclasses

import ase
import numpy as np

from demetar.diagnosis.audit.finding import Finding
from demetar.diagnosis.audit.probe import Answer, Probe, Refused, displaced, energy_of, moved

# Sums in another order, as on a GPU: what single precision loses is no fault.
SINGLE = 1e-5
# Of the largest force, on a walk there and back: the same structure, asked twice.
STEADY = 1e-9
TIMES = 12  # the same two questions, before a difference is put down to memory
SPREAD = "the structure drawn out"


def other_size(probe: Probe, atoms: ase.Atoms) -> ase.Atoms | None:
    """A structure with another number of atoms that the calculator accepts, or None."""
    smaller = moved(atoms)[:-1]
    doubled = atoms.repeat((2, 1, 1)) if atoms.pbc.any() else moved(atoms) + moved(atoms, shift=30)
    for candidate in (smaller, doubled):
        try:
            if len(candidate) and probe(candidate).finite:
                return candidate
        except Refused:
            continue
    return None


def difference(a: Answer, b: Answer) -> float:
    """The larger of |ΔE| (eV) and the largest |ΔF| (eV/Å)."""
    found = abs(a.energy - b.energy)
    for x, y in ((a.forces, b.forces), (a.stress, b.stress), (a.charges, b.charges)):
        if x is not None and y is not None:
            found = max(found, float(np.abs(x - y).max()))
    return found


def spread(atoms: ase.Atoms) -> ase.Atoms:
    """The structure drawn out until atoms lose neighbours: a molecule to 6.5 Å, a cell 1.25-fold."""
    new = moved(atoms)
    if atoms.pbc.any():
        new.set_cell(np.asarray(atoms.cell) * 1.25, scale_atoms=True)
    else:
        centre = atoms.positions.mean(0)
        d = atoms.get_all_distances() + 1e9 * np.eye(len(atoms))
        factor = max(1.8, 6.5 / float(d.min())) if len(atoms) > 1 else 1.8
        new.positions = centre + factor * (atoms.positions - centre)
    return new


def variants(atoms: ase.Atoms) -> dict[str, ase.Atoms]:
    """Structures that differ from this one in one thing that a cache may overlook."""
    rng = np.random.default_rng(5)
    change = rng.standard_normal(atoms.positions.shape)
    found = {
        "atoms moved by 0.001 Å": displaced(atoms, 1e-3 * change),
        "atoms moved by 0.1 Å": displaced(atoms, 0.1 * change / 1.7),
        SPREAD: spread(atoms),
    }
    if atoms.pbc.any():
        cell = moved(atoms)
        cell.set_cell(np.asarray(atoms.cell) * 1.03, scale_atoms=False)
        found["the cell alone"] = cell
    kinds = np.unique(atoms.numbers)
    if len(kinds) > 1:
        first, second = (int(np.flatnonzero(atoms.numbers == k)[0]) for k in kinds[:2])
        exchanged = moved(atoms)
        numbers = exchanged.numbers.copy()
        numbers[[first, second]] = numbers[[second, first]]
        exchanged.numbers = numbers
        found["two elements exchanged"] = exchanged
    return found


def repeat(probe: Probe, atoms: ase.Atoms) -> list[Finding]:
    """The same call twice with another between, then each variant after this structure and after another.

    Where only a structure that is drawn far out remembers, as by bonds that were found once, the further
    questions are asked with another one before each.
    """
    other = other_size(probe, atoms)
    between = other if other is not None else spread(atoms)
    first = probe(atoms)
    answers = [first]
    for _ in range(2):
        probe(between)
        answers.append(probe(atoms))
    again = difference(answers[1], answers[2])
    size = float(np.sqrt(np.mean(first.forces**2))) if first.forces is not None else 1.0
    limit = SINGLE * max(size, 1e-12) + 8 * 2.0**-24 * abs(first.energy)
    broken = not again <= limit
    found = [
        Finding(
            "repeat",
            "The same call again",
            again,
            limit,
            "eV, eV/Å",
            broken,
            "between two equal calls after the same other call",
            {"again": again},
        )
    ]
    if broken:
        return found
    history = _history(probe, atoms, between, first, limit, again)
    if history.broken and not history.tags["far_only"]:
        again = seldom(probe, atoms, between, found[0])
        if again.broken:
            return [again]
    if history.tags["far_only"]:
        probe.before = between
    return [*found, history]


def seldom(probe: Probe, atoms: ase.Atoms, between: ase.Atoms | None, found: Finding) -> Finding:
    """The finding of the same call again, of many of them: what is drawn at random may strike seldom."""
    between = spread(atoms) if between is None else between
    answers = []
    for _ in range(TIMES):
        probe(between)
        answers.append(probe(atoms))
    again = max(difference(answers[0], a) for a in answers[1:])
    if again <= (found.limit or 0.0):
        return found
    detail = f"among {TIMES} equal calls, each after the same other call"
    return dataclasses.replace(found, value=again, broken=True, detail=detail)


def _history(
    probe: Probe, atoms: ase.Atoms, between: ase.Atoms, first: Answer, limit: float, again: float
) -> Finding:
    worst, which, seen, memory = 0.0, "", [], 0.0
    chosen = list(variants(atoms).items())
    for name, variant in chosen[1:2] if probe.thrifty else chosen:
        try:
            probe(between)
            clean = probe(variant)
            probe(between)  # or what is kept of the variant would still be there
            probe(atoms)
            after = probe(variant)
            in_place = _in_place(probe, atoms, variant)
        except Refused:
            continue
        pairs = [("", clean, after), (" in place", clean, in_place)]
        if name == SPREAD:  # and back: what has lost its neighbours must find them again
            try:
                probe(between)
                probe(variant)
                pairs.append((", and back", first, probe(atoms)))
            except Refused:
                pass
        # An old answer misses the whole change; what is iterated from the last answer misses a per cent.
        allowed = limit + (1e-3 if name == SPREAD else 0.1) * difference(clean, first)
        for how, expected, answer in pairs:
            wrong = difference(expected, answer)
            if name != SPREAD and wrong <= allowed:
                memory = max(memory, wrong)
            if not wrong <= allowed:
                seen.append(name + how)
                worst, which = max(worst, wrong), which or name + how
        instance = probe.fresh()
        if instance is not None:
            wrong = difference(probe(variant, instance), clean)
            if not wrong <= allowed:
                seen.append(f"{name}, beside a fresh calculator")
                worst, which = max(worst, wrong), which or seen[-1]
    if not seen and not probe.thrifty:
        wrong = _walked(probe, atoms)
        size = 1.0 if first.forces is None else float(np.abs(first.forces).max())
        steady = limit if probe.single else STEADY * size + 64 * 2.0**-53 * abs(first.energy)
        if wrong > max(steady, 30 * memory, 30 * again):
            seen, worst, which = (
                ["a walk there and back"],
                wrong,
                "a walk to wider places, and back",
            )
    far = bool(seen) and all(name.startswith(SPREAD) for name in seen)
    detail = f"changed: {which}" if which else "no answer depends on an earlier question"
    return Finding(
        "history",
        "A call after another one",
        worst,
        limit,
        "eV, eV/Å",
        bool(seen),
        detail,
        {"seen": seen, "far_only": far, "memory": memory},
    )


def _walked(probe: Probe, atoms: ase.Atoms) -> float:
    """How far the answers on a walk in steps of a quarter of an ångström are from those on the way back.

    A molecule is drawn out to 7 Å at least, one atom of a cell moved by 3 Å. A list of neighbours that is
    renewed after a large move alone and has no skin lacks on the way back what came into reach.
    """
    if atoms.pbc.any():
        way = np.zeros_like(atoms.positions)
        way[0] = np.array([0.36, 0.48, 0.8])
        length = 3.0
    else:
        arms = atoms.positions - atoms.positions.mean(0)
        outer = float(np.linalg.norm(arms, axis=1).max())
        across = float(atoms.get_all_distances().max())
        length = outer * max(1.0, 7.0 / max(across, 0.1) - 1)
        way = arms / max(outer, 1e-6)
    walk = [
        displaced(atoms, s * way) for s in np.linspace(0, length, int(np.clip(4 * length, 8, 24)))
    ]
    try:
        there = [probe(a) for a in walk]
        back = [probe(a) for a in walk[::-1]][::-1]
    except Refused:
        return 0.0
    return max(difference(a, b) for a, b in zip(there, back, strict=True) if a.finite and b.finite)


def _in_place(probe: Probe, atoms: ase.Atoms, variant: ase.Atoms) -> Answer:
    """The variant's answer where one Atoms object is changed between two questions."""
    held = moved(atoms)
    held.calc = probe.calculator
    try:
        energy_of(held)
        held.set_cell(variant.cell, scale_atoms=False)
        held.numbers[:] = variant.numbers
        held.positions[:] = variant.positions
        energy = energy_of(held)
        forces = np.array(held.get_forces(), float) if probe.has_forces else None
    except Exception as error:
        raise Refused(str(error)) from error
    finally:
        probe.evaluations += 2
    return Answer(energy, forces)
