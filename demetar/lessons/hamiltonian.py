"""Hamiltonian: a Kohn–Sham matrix turns as D F Dᵀ, that of PySCF and that of a model; its orbital energies.

Blocks between shells of degrees l₁ and l₂ turn by D^{l₁} and D^{l₂}, and fall into irreps by one orthogonal
matrix (`models.nn.irreps.blocks`); a model of `demetar.models.hamiltonian` makes them from positions.
PBE/STO-3G matrices of four small molecules. Baselines: the Kohn–Sham matrix of superposed free atoms, and
extended Hückel: free atoms' blocks, between atoms F_ij = K S_ij (F_ii + F_jj) / 2 with K = 1.75
(M. Wolfsberg, L. Helmholz, J. Chem. Phys. 20, 837 (1952); R. Hoffmann, J. Chem. Phys. 39, 1397 (1963)).
Source of the model: H. Yu et al., QHNet, ICML 2023 (arXiv:2306.04922), 3.2 and 3.3.
"""

from __future__ import annotations

import functools

import jax
import numpy as np
from scipy.linalg import block_diag, eigh

from demetar.core.graph import from_arrays
from demetar.core.kinds import BLOCK
from demetar.data.making import kohn_sham
from demetar.data.sets import _electrons
from demetar.lessons import _trained
from demetar.lessons._apart import apart
from demetar.lessons.irreps import wigner
from demetar.models.nn.irreps import blocks
from demetar.symmetry.action import rotate_rows

MOLECULES = _electrons.MOLECULES
BASES = {"STO-3G": "sto-3g", "def2-SVP": "def2-svp"}
MEV, EV = 27211.386245988, 27.211386245988  # of a Hartree (CODATA 2018)
K = 1.75  # Hoffmann 1963
WHO = ("model", "superposed atoms", "extended Hückel")
CHECKED = 3


def elements() -> np.ndarray:
    """The orthogonal matrices [CHECKED, 3, 3] at which PySCF computed water anew; the last is improper."""
    return _electrons.stored("hamiltonian")["check/matrices"]


def representation(degrees: np.ndarray, m: np.ndarray, mistaken: bool = False) -> np.ndarray:
    """D(g) [n, n] on orbitals of these degrees, in PySCF's order: x, y, z, and from d on m about z.

    `mistaken` uses e3nn's D as if the order were e3nn's from d on, and p had m = −1, 0, 1: y, z, x.
    """
    parts = []
    for l in map(int, degrees):
        d = wigner(f"{l}{'eo'[l % 2]}", m)
        change = kohn_sham.to_e3nn(l)
        if mistaken:
            change = kohn_sham.Q.T if l == 1 else np.eye(len(d))
        parts.append(change.T @ d @ change)
    return np.asarray(block_diag(*parts))


def labels(basis: str, which: int, mistaken: bool) -> dict:
    """PySCF's "F" of water, "again" at g·x, "D F Dᵀ", how far the last two are "apart"; and "own grid".

    `which` of `elements`; "own grid" is what is apart on the integration grid that does not turn along.
    """
    stored = _electrons.stored("hamiltonian")
    get = lambda key: stored[f"check/{BASES[basis]}/{key}"]  # noqa: E731
    d = representation(get("shells")[:, 1], elements()[which], mistaken)
    f, again = get("matrix"), get("turned")[which]
    expected = d @ f @ d.T
    return {
        "F": f,
        "again": again,
        "D F Dᵀ": expected,
        "difference": again - expected,
        "apart": apart(again, expected),
        "own grid": apart(get("own_grid")[which], expected),
        "degrees": get("shells")[:, 1],
    }


def orbitals(species: np.ndarray) -> list[slice]:
    """Which rows of a matrix belong to each atom: one of hydrogen, five of the others."""
    ends = np.cumsum([0, *(int(blocks.present(int(z)).sum()) for z in species)])
    return [slice(a, b) for a, b in zip(ends[:-1], ends[1:])]


def present(a: int, b: int) -> np.ndarray:
    """Which of the 25 coupled numbers [25] a block between two elements has."""
    there = np.outer(blocks.present(int(a)), blocks.present(int(b))).reshape(-1)
    return (np.abs(blocks.coupling()) @ there > 0).astype(float)


def coupled(
    f: np.ndarray, species: np.ndarray, receivers: np.ndarray, senders: np.ndarray
) -> dict[str, np.ndarray]:
    """The irreps of a matrix's blocks: "atoms" [n, 25] and "pairs" [edges, 25], receiver by sender."""
    where = orbitals(species)

    def block(i: int, j: int) -> np.ndarray:
        full = np.zeros((blocks.ORBITALS, blocks.ORBITALS))
        part = f[where[i], where[j]]
        full[: part.shape[0], : part.shape[1]] = part
        return full

    pairs = [block(i, j) for i, j in zip(receivers, senders)]
    return {
        "atoms": blocks.couple(np.stack([block(i, i) for i in range(len(species))])),
        "pairs": blocks.couple(np.stack(pairs)),
    }


def assembled(
    values: dict[str, np.ndarray], species: np.ndarray, receivers: np.ndarray, senders: np.ndarray
) -> np.ndarray:
    """The matrix [n, n] of the irreps of its blocks: `coupled` backwards."""
    where = orbitals(species)
    found = np.zeros((where[-1].stop, where[-1].stop))
    own, pairs = blocks.uncouple(values["atoms"]), blocks.uncouple(values["pairs"])
    for i, z in enumerate(where):
        found[z, z] = own[i, : z.stop - z.start, : z.stop - z.start]
    for block, i, j in zip(pairs, receivers, senders):
        a, b = where[i], where[j]
        found[a, b] = block[: a.stop - a.start, : b.stop - b.start]
    return found


def predicted(species: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """The model's matrix [n, n] in Hartree for positions in Å, in float64."""
    output, graph = _trained.predict("hamiltonian", species, positions)
    values = {
        "atoms": output["atoms"][: len(species)],
        "pairs": output["pairs"][: len(graph.senders)],
    }
    return assembled(values, species, graph.receivers, graph.senders)


def model_turns(name: str, index: int, which: int) -> dict[str, float]:
    """How far the model's F(g·x) is from D F Dᵀ, "apart", and from F itself, "still"."""
    x = geometry(name, index)
    m = elements()[which]
    d = representation(_degrees(x["species"]), m)
    before = predicted(x["species"], x["positions"])
    after = predicted(x["species"], x["positions"] @ m.T)
    return {"apart": apart(after, d @ before @ d.T), "still": apart(after, before)}


def _degrees(species: np.ndarray) -> np.ndarray:
    return np.concatenate([[0] if z == 1 else [0, 0, 1] for z in species])


def geometry(name: str, index: int) -> dict[str, np.ndarray]:
    """A test geometry: "species", "positions" in Å, matrices "fock", "overlap", "superposed" in Hartree."""
    part = _electrons.molecule("hamiltonian", name, "test")
    at = index % len(part["positions"])
    found = {k: _electrons.symmetric(part[k][at]) for k in ("fock", "overlap", "superposed")}
    return {"species": part["species"], "positions": part["positions"][at], **found}


def hueckel(species: np.ndarray, overlap: np.ndarray) -> np.ndarray:
    """Extended Hückel's matrix from the blocks of free atoms and the overlap."""
    stored, where = _electrons.stored("hamiltonian"), orbitals(species)
    found = np.asarray(block_diag(*(stored[f"atom/{z}"] for z in species)))
    level = np.diag(found)
    between = K * overlap * (level[:, None] + level) / 2
    for part in where:
        between[part, part] = found[part, part]
    return between


@functools.cache
def matrices(name: str, index: int) -> dict[str, np.ndarray]:
    """F of a test geometry by "DFT" and each of WHO, in Hartree; "overlap"."""
    x = geometry(name, index)
    return {
        "DFT": x["fock"],
        "overlap": x["overlap"],
        "model": predicted(x["species"], x["positions"]),
        "superposed atoms": x["superposed"],
        "extended Hückel": hueckel(x["species"], x["overlap"]),
    }


def levels(name: str, index: int) -> dict[str, np.ndarray]:
    """Orbital energies in eV by "DFT" and each of WHO; "occupied": how many orbitals hold electrons."""
    made = matrices(name, index)
    species = geometry(name, index)["species"]
    found = {k: EV * eigh(made[k], made["overlap"], eigvals_only=True) for k in ("DFT", *WHO)}
    return found | {"occupied": np.array(int(np.sum(species)) // 2)}


@functools.cache
def errors(name: str) -> dict[str, dict[str, float]]:
    """Mean errors on the test geometries in meV by WHO: "entries" of F, "occupied" orbital energies.

    "gap" is that of the difference between lowest empty and highest occupied orbital.
    """
    count = len(_electrons.molecule("hamiltonian", name, "test")["positions"])
    found: dict[str, dict[str, list[float]]] = {
        who: {"entries": [], "occupied": [], "gap": []} for who in WHO
    }
    for i in range(count):
        made, level = matrices(name, i), levels(name, i)
        n = int(level["occupied"])
        for who in WHO:
            off = 1000 * (level[who] - level["DFT"])
            found[who]["entries"].append(MEV * float(np.abs(made[who] - made["DFT"]).mean()))
            found[who]["occupied"].append(float(np.abs(off[:n]).mean()))
            found[who]["gap"].append(float(abs(off[n] - off[n - 1])))
    return {who: {k: float(np.mean(v)) for k, v in each.items()} for who, each in found.items()}


def irreps_turn(name: str, index: int, which: int, wrong_parity: bool) -> float:
    """How far the irreps of D F Dᵀ are from the turned irreps of F; or with 1o and 1e exchanged."""
    x, m = geometry(name, index), elements()[which]
    graph = from_arrays(x["positions"], x["species"])
    ends = (x["species"], graph.receivers, graph.senders)
    d = representation(_degrees(x["species"]), m)
    swapped = BLOCK.replace("1o", "1?").replace("1e", "1o").replace("1?", "1e")
    irreps = swapped if wrong_parity else BLOCK
    before, after = coupled(x["fock"], *ends), coupled(d @ x["fock"] @ d.T, *ends)
    turned = {k: _turned(irreps, m, rows) for k, rows in before.items()}
    return max(apart(after[k], turned[k]) for k in after)


def _turned(irreps: str, m: np.ndarray, rows: np.ndarray) -> np.ndarray:
    with jax.enable_x64(True):
        return np.asarray(rotate_rows(irreps, np.asarray(m), rows))


def numbers() -> dict[str, tuple[float, float]]:
    """Each rule's largest error where it is kept, and its smallest where it is broken."""
    found = [labels("STO-3G", i, False)["apart"] for i in range(CHECKED)]
    lost = [labels(b, i, True)["apart"] for b in BASES for i in range(CHECKED)]
    mirrored = CHECKED - 1
    models = [model_turns(name, 0, mirrored) for name in MOLECULES]
    return {
        "F(g·x) = D F Dᵀ, by PySCF": (max(found), min(lost)),
        "blocks are irreps": (
            max(irreps_turn(name, 0, mirrored, False) for name in MOLECULES),
            min(irreps_turn(name, 0, mirrored, True) for name in MOLECULES),
        ),
        "the model's F(g·x) = D F Dᵀ": (
            max(m["apart"] for m in models),
            min(m["still"] for m in models),
        ),
    }
