"""Bonds perceived from QM9's geometries against its SMILES, over the whole set.

python benchmarks/qm9_bonds.py [--json FILE]        (needs the packages rdkit and qm9pack)

For each molecule the graph that `demetar.core.bonds` sees (who is bonded to whom, and of which type) is
compared with the graph that RDKit reads in the SMILES. Graphs are compared as coloured graphs: by
element, by number of hydrogens and, in the last rows, by bond type, refined from neighbour to
neighbour (Weisfeiler and Leman) until nothing changes; so the order of atoms does not matter.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from rdkit import Chem, RDLogger  # pyright: ignore[reportMissingImports]

from demetar.core import bonds
from demetar.data.sets import _qm9_archive

ROUNDS = 8
Bonds = dict[tuple[int, int], str]


def colours(species: list, pairs: Bonds) -> Counter:
    """The multiset of refined colours of a coloured graph; equal for equal graphs."""
    near: list[list[tuple[int, str]]] = [[] for _ in species]
    for (i, j), kind in pairs.items():
        near[i].append((j, kind))
        near[j].append((i, kind))
    found: list[Any] = list(species)
    for _ in range(ROUNDS):
        found = [
            hash((found[i], tuple(sorted((found[j], k) for j, k in near[i]))))
            for i in range(len(species))
        ]
    return Counter(found)


def written(smiles: str) -> tuple[list[int], list[int], Bonds] | None:
    """Elements, numbers of hydrogens and bonds of the heavy atoms that a SMILES names."""
    molecule = Chem.MolFromSmiles(smiles)
    if molecule is None:
        return None
    atoms = [a for a in molecule.GetAtoms() if a.GetAtomicNum() > 1]
    row = {a.GetIdx(): i for i, a in enumerate(atoms)}
    pairs = {
        (row[b.GetBeginAtomIdx()], row[b.GetEndAtomIdx()]): b.GetBondType().name.lower()
        for b in molecule.GetBonds()
        if b.GetBeginAtomIdx() in row and b.GetEndAtomIdx() in row
    }
    hydrogens = [a.GetTotalNumHs(includeNeighbors=True) for a in atoms]
    return [a.GetAtomicNum() for a in atoms], hydrogens, pairs


def perceived(species: np.ndarray, positions: np.ndarray) -> tuple[list[int], list[int], Bonds]:
    """The same from the geometry."""
    near = bonds.bonded(species, positions)
    heavy = np.flatnonzero(species > 1)
    row = {int(a): i for i, a in enumerate(heavy)}
    i, j = np.nonzero(np.triu(near))
    inside = (species[i] > 1) & (species[j] > 1)
    i, j = i[inside], j[inside]
    lengths = np.linalg.norm(positions[i] - positions[j], axis=-1)
    kinds = [bonds.TYPES[k] for k in bonds.types(species[i], species[j], lengths)]
    pairs = {(row[int(a)], row[int(b)]): k for a, b, k in zip(i, j, kinds, strict=True)}
    hydrogens = near[heavy][:, species == 1].sum(1)
    return species[heavy].tolist(), hydrogens.tolist(), pairs


def molecules() -> Iterator[tuple[int, str, np.ndarray, np.ndarray]]:
    data = _qm9_archive.arrays()
    ends = np.cumsum(data["n_atoms"], dtype=np.int64)
    for row, text in enumerate(data["smiles"].tobytes().decode().split("\n")):
        own = slice(ends[row] - data["n_atoms"][row], ends[row])
        yield int(data["index"][row]), text, data["z"][own].astype(int), data["R"][own]


def alike(theirs: Any, ours: Any, hydrogens: bool, kinds: bool) -> bool:
    """Whether both are the same coloured graph: at once where the atoms stand in one order."""
    graphs = []
    for species, hydrogen, pairs in (theirs, ours):
        colour = list(zip(species, hydrogen, strict=True)) if hydrogens else species
        ordered = {tuple(sorted(pair)): kind if kinds else "" for pair, kind in pairs.items()}
        graphs.append((colour, ordered))
    return graphs[0] == graphs[1] or colours(*graphs[0]) == colours(*graphs[1])


def compare(theirs: Any, ours: Any) -> dict[str, bool]:
    """Which of the questions the two graphs of a molecule answer alike."""
    return {
        "number of bonds between heavy atoms": len(theirs[2]) == len(ours[2]),
        "heavy atoms' connectivity": alike(theirs, ours, False, False),
        "and hydrogens on each": alike(theirs, ours, True, False),
        "number of bonds of each type": Counter(theirs[2].values()) == Counter(ours[2].values()),
        "type of every bond": alike(theirs, ours, False, True),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Perceived bonds of QM9 against its SMILES.")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--every", type=int, default=1, help="look at each such molecule only")
    arguments = parser.parse_args()
    RDLogger.DisableLog("rdApp.*")
    count, unread, agree, kinds = 0, 0, Counter(), Counter()
    differ: dict[str, list[str]] = {}
    for number, smiles, species, positions in molecules():
        if number % arguments.every:
            continue
        count += 1
        theirs, ours = written(smiles), perceived(species, positions)
        if theirs is None:
            unread += 1
            continue
        found = compare(theirs, ours)
        for question, same in found.items():
            agree[question] += same
            if not same and len(differ.setdefault(question, [])) < 10:
                differ[question].append(f"{number} {smiles}")
        if found["heavy atoms' connectivity"] and not found["type of every bond"]:
            first, second = (Counter(graph[2].values()) for graph in (theirs, ours))
            kinds[f"{dict(first - second)} seen as {dict(second - first)}"] += 1
    report = {
        "molecules": count,
        "unread": unread,
        "agree": dict(agree),
        "examples": differ,
        "confused": dict(kinds.most_common(12)),
    }
    for question, number in agree.items():
        print(f"{question:40} {number:7d}  {100 * number / count:.3f} %", file=sys.stderr)
    text = json.dumps(report, indent=1)
    print(text)
    if arguments.json:
        arguments.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
