"""Confusion table of the audit: seeded faulty calculators and sound ones, on three structures each.

python benchmarks/audit.py [--json] [--only CAUSE,...] [--out FILE]     (about ten minutes on two idle cores)

A fault counts as named where the audit's word is the fault's own. A sound calculator that is called
anything else is a defect; the program then ends with 1. Faults that only a cell can show are tried on
three crystals, the others on two molecules and a crystal.
"""

from __future__ import annotations

import argparse
import collections
import json
import sys
import time
from typing import Any

from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones
from ase.calculators.morse import MorsePotential

from demetar.diagnosis.audit import audit
from demetar.diagnosis.audit.seeded import FAULTS, Potential
from demetar.diagnosis.audit.seeded.faults import PERIODIC

SALT = bulk("NaCl", "rocksalt", a=5.64, cubic=True)
STRUCTURES = {"ethanol": molecule("CH3CH2OH"), "water": molecule("H2O"), "NaCl8": SALT}
CELLS = {"NaCl8": SALT, "Si8": bulk("Si", cubic=True), "Cu4": bulk("Cu", cubic=True)}
ARGON = bulk("Ar", a=5.3, cubic=True)


def cluster() -> Atoms:
    """Eight argon atoms, rattled."""
    atoms = ARGON.repeat((2, 1, 1))
    atoms.pbc = False
    atoms.rattle(0.1)
    return atoms


def lennard_jones() -> Any:
    """Argon's Lennard-Jones potential with its smooth cutoff."""
    return LennardJones(sigma=3.4, epsilon=0.01, rc=8, ro=6, smooth=True)


def sound() -> list[tuple[str, Any, str, Atoms]]:
    """Name, factory, structure's name, structure of what must be called sound."""
    gold = bulk("Cu", cubic=True)
    gold.numbers[0] = 79
    symmetric = {"methane": molecule("CH4"), "benzene": molecule("C6H6"), "CO2": molecule("CO2")}
    rows = [("seeded", Potential, n, a) for n, a in {**STRUCTURES, **CELLS, **symmetric}.items()]
    rows += [
        ("EMT", EMT, n, a)
        for n, a in (("Cu4", CELLS["Cu4"]), ("Cu3Au", gold), ("ethanol", STRUCTURES["ethanol"]))
    ]
    rows += [
        ("LennardJones, smooth", lennard_jones, n, a)
        for n, a in (("Ar8", cluster()), ("Ar4 crystal", ARGON))
    ]
    rows += [
        ("Morse", lambda: MorsePotential(epsilon=1.0, r0=2.5, rho0=6), "Cu4", CELLS["Cu4"]),
        (
            "Morse",
            lambda: MorsePotential(epsilon=1.0, r0=1.4, rho0=4),
            "methane",
            symmetric["methane"],
        ),
    ]
    return rows


def faults(only: list[str] | None) -> list[tuple[str, str, Any, str, Atoms]]:
    """Cause, variant, factory, structure's name, structure of all that is seeded."""
    return [
        (cause, variant, made, name, atoms)
        for cause, variants in FAULTS.items()
        if not only or cause in only
        for variant, made in variants.items()
        for name, atoms in (CELLS if cause in PERIODIC else STRUCTURES).items()
    ]


def main() -> int:
    """Prints a row each and the table; 1 if a sound calculator was called broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", default=None)
    parser.add_argument("--out", default=None)
    args = parser.parse_args()
    only = args.only.split(",") if args.only else None
    jobs = [("sound", *row) for row in sound()] if not only or "sound" in only else []
    rows = []
    for cause, variant, made, name, atoms in [*jobs, *faults(only)]:
        start = time.monotonic()
        found = audit(made, atoms)
        row = {
            "cause": cause,
            "variant": variant,
            "structure": name,
            "found": found.cause,
            "evaluations": found.evaluations,
            "seconds": round(time.monotonic() - start, 2),
            "smallest": found.smallest["formula"] if found.smallest else None,
            "decided": found.decided,
        }
        rows.append(row)
        print("  ".join(str(v) for v in row.values()), file=sys.stderr, flush=True)
    result = {"rows": rows, "confusion": confusion(rows), **shares(rows)}
    if args.out:
        with open(args.out, "w", encoding="utf-8") as file:
            json.dump(result, file, indent=1)
    print(json.dumps(result, indent=1) if args.json else table(result))
    return int(result["sound"] < 1)


def confusion(rows: list[dict[str, Any]]) -> dict[str, dict[str, int]]:
    """How often each cause was given each word."""
    found: dict[str, collections.Counter[str]] = {}
    for row in rows:
        found.setdefault(row["cause"], collections.Counter())[row["found"]] += 1
    return {cause: dict(words) for cause, words in found.items()}


def shares(rows: list[dict[str, Any]]) -> dict[str, float]:
    """The shares of faults that are named and of sound calculators that are called sound."""

    def share(mine: list[dict[str, Any]]) -> float:
        return sum(r["cause"] == r["found"] for r in mine) / max(len(mine), 1)

    sound_rows = [r for r in rows if r["cause"] == "sound"]
    return {
        "named": share([r for r in rows if r["cause"] != "sound"]),
        "sound": share(sound_rows) if sound_rows else 1.0,
    }


def table(result: dict[str, Any]) -> str:
    """The confusion table in Markdown."""
    lines = ["| fault | found |", "|---|---|"]
    for cause, words in result["confusion"].items():
        total = sum(words.values())
        said = ", ".join(
            f"{w} {n}" for w, n in sorted(words.items(), key=lambda x: -x[1]) if w != cause
        )
        lines.append(
            f"| `{cause}` | {words.get(cause, 0)} of {total}{' (' + said + ')' if said else ''} |"
        )
    return "\n".join(
        [*lines, f"\nnamed: {result['named']:.1%}; sound called sound: {result['sound']:.0%}"]
    )


if __name__ == "__main__":
    sys.exit(main())
