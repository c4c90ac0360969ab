"""Electron densities and Kohn–Sham matrices of small molecules for lessons, read from `data/samples/`.

`demetar data make density` and `demetar data make hamiltonian` write them: `demetar.data.making.electrons`.
"""

import functools
import hashlib
import json
from types import MappingProxyType

import numpy as np

from demetar.core.disk import samples
from demetar.core.errors import InputError
from demetar.core.registry import unknown
from demetar.data.sets import _lessons
from demetar.data.sets._about import SPLITS

KINDS = ("density", "hamiltonian")
MOLECULES = ("water", "ammonia", "methane", "formaldehyde")
ELEMENTS = (1, 6, 7, 8)


@functools.cache
def stored(kind: str) -> MappingProxyType[str, np.ndarray]:
    """All arrays of a kind; InputError where the file is missing or is not the one whose sum is known."""
    if kind not in KINDS:
        raise unknown("a kind of electronic data", KINDS, kind)
    place = samples() / f"{kind}.npz"
    found = _lessons.stored(place)
    sums = json.loads((samples() / "electrons.json").read_text(encoding="utf-8"))
    if hashlib.sha256(place.read_bytes()).hexdigest() != sums[kind]["sha256"]:
        raise InputError(
            f"Expected {place} as electrons.json knows it, got another file; check it out again or run: "
            f"demetar data make {kind}."
        )
    return MappingProxyType(found)


def molecule(kind: str, name: str, split: str) -> dict[str, np.ndarray]:
    """The arrays of a molecule's split: "species" [n], "positions" [S, n, 3] float64 in Å, labels [S, …]."""
    for what, known, given in (("a molecule", MOLECULES, name), ("a split", SPLITS, split)):
        if given not in known:
            raise unknown(what, known, given)
    arrays = {k.partition("/")[2]: v for k, v in stored(kind).items() if k.startswith(f"{name}/")}
    ends = np.cumsum([0, *arrays.pop("sizes")])
    at = SPLITS.index(split)
    part = slice(ends[at], ends[at + 1])
    species, superposed = arrays.pop("species"), arrays.pop("superposed", None)
    found = {key: value[part].astype(np.float64) for key, value in arrays.items()}
    if superposed is not None and split == "test":
        found["superposed"] = superposed
    return {"species": species, **found}


def symmetric(rows: np.ndarray) -> np.ndarray:
    """Symmetric matrices [..., n, n] of their lower triangles [..., n (n + 1) / 2]."""
    n = int(np.sqrt(2 * rows.shape[-1]))
    found = np.zeros((*rows.shape[:-1], n, n))
    i, j = np.tril_indices(n)
    found[..., i, j] = found[..., j, i] = rows
    return found
