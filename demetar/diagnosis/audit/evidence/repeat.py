"""Whether the same question gets the same answer: at once, and after other questions."""

from __future__ import annotations

import ase
import numpy as np

from demetar.diagnosis.audit.finding import Finding
from demetar.diagnosis.audit.probe import Answer, Probe, Refused, displaced, energy_of, moved

# Sums in another order, as on a GPU: what single precision loses is no fault.
SINGLE = 1e-5
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
            "repeat", "The same call again", again, limit, "eV, eV/Å", broken,
            "between two equal calls after the same other call", {"again": again},
        )
    ]  # fmt: skip
    if not broken:
        found.append(_history(probe, atoms, between, first, limit))
        if found[-1].tags["far_only"]:
            probe.before = between
    return found


def _history(
    probe: Probe, atoms: ase.Atoms, between: ase.Atoms, first: Answer, limit: float
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
