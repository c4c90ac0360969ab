"""Electron density: coefficients about each atom turn by D(g), those of PySCF and those of a model.

ρ(r) = Σ_i Σ_k Σ_l Σ_m c_iklm Y_lm(r − r_i) exp(−α_k |r − r_i|²). PBE/def2-SVP densities of four small
molecules, fitted in 6 s, 4 p and 3 d functions an atom; a model of `demetar.models.density` predicts the
coefficients. Baseline: the spherical densities of free atoms, superposed. Sources: J. Rackers et al., Mach.
Learn.: Sci. Technol. 4, 015027 (2023) (arXiv:2201.03726); B. Dunlap et al., J. Chem. Phys. 71, 3396 (1979).
"""

from __future__ import annotations

import functools

import numpy as np
from scipy.spatial.transform import Rotation

from demetar.data.making import kohn_sham
from demetar.data.sets import _electrons
from demetar.lessons import _gaussians as gaussians
from demetar.lessons import _trained
from demetar.lessons._apart import apart
from demetar.lessons._surfaces import mesh
from demetar.lessons.irreps import Quaternion, matrix, wigner

MOLECULES = _electrons.MOLECULES
SHOWN = {"bonding density": 0.012, "density": 0.12}  # value of the surface, electrons per bohr³
REACH = 3.8  # bohr from the middle of the cube of points to its faces
SIDE = 22  # points along its edge
CHECKED = 3
NOW = (0.0, 0.0, 0.0, 1.0)


def geometry(name: str, index: int) -> dict[str, np.ndarray]:
    """A test geometry: "species" [n], "positions" [n, 3] in Å, "coefficients" [n, 33], "missed" per cent."""
    part = _electrons.molecule("density", name, "test")
    at = index % len(part["positions"])
    return {k: v if k == "species" else v[at] for k, v in part.items()}


def turned(c: np.ndarray, m: np.ndarray, mistaken: bool = False) -> np.ndarray:
    """D(g) c [n, 33] for the orthogonal matrix m [3, 3].

    `mistaken` takes the numbers for those of PySCF's order with e3nn's D: p as y, z, x and d about z.
    """
    found = np.zeros_like(c)
    for l, count in enumerate(gaussians.SHELLS):
        d = wigner(f"{l}{'eo'[l % 2]}", m)
        if mistaken:
            wrong = wigner(f"{l}{'eo'[l % 2]}", kohn_sham.Q)
            d = wrong @ d @ wrong.T
        part = slice(gaussians.STARTS[l], gaussians.STARTS[l + 1])
        rows = c[:, part].reshape(len(c), count, 2 * l + 1) @ d.T
        found[:, part] = rows.reshape(len(c), -1)
    return found


def free_atoms(species: np.ndarray) -> np.ndarray:
    """Coefficients [n, 33] of free atoms, s functions alone."""
    stored = _electrons.stored("density")
    where = [list(stored["elements"]).index(z) for z in species]
    return stored["atoms"][where]


@functools.cache
def _predicted(name: str, index: int, g: Quaternion, invert: bool) -> np.ndarray:
    found = geometry(name, index)
    moved = found["positions"] @ matrix(g, invert).T
    return _trained.predict("density", found["species"], moved)[0]["density"][: len(moved)]


def points_in_space(count: int = 400, seed: int = 0) -> np.ndarray:
    """Points [count, 3] in bohr about the molecules, at random by seed."""
    return 1.5 * np.random.default_rng(seed).normal(size=(count, 3))


def values_turn(name: str, index: int, g: Quaternion, invert: bool, mistaken: bool) -> float:
    """How far ρ of D(g) c at g·r, about the atoms of g·x, is from ρ of c at r, about those of x.

    Of the bonding density, so that the round cores do not drown what turns.
    """
    x, m, points = geometry(name, index), matrix(g, invert), points_in_space()
    c = x["coefficients"] - free_atoms(x["species"])
    before = gaussians.density(points, x["species"], x["positions"], c)
    moved = turned(c, m, mistaken)
    after = gaussians.density(points @ m.T, x["species"], x["positions"] @ m.T, moved)
    return apart(after, before)


def model_turns(name: str, index: int, g: Quaternion, invert: bool) -> dict[str, float]:
    """How far the model's f(g·x) is from D(g) f(x), "apart", and from f(x) itself, "still".

    Less the coefficients of free atoms, which never turn and are larger than the rest.
    """
    atoms = free_atoms(geometry(name, index)["species"])
    before = _predicted(name, index, NOW, False) - atoms
    after = _predicted(name, index, g, invert) - atoms
    return {"apart": apart(after, turned(before, matrix(g, invert))), "still": apart(after, before)}


def labels_turn(mistaken: bool = False) -> dict[str, float]:
    """PySCF at g·x against D(g) c of water, the worst of CHECKED elements.

    "coefficients"; "own grid": as all data are made, on an integration grid that does not turn along.
    """
    stored = _electrons.stored("density")
    c, found = stored["check/coefficients"], {"coefficients": 0.0, "own grid": 0.0}
    for i, m in enumerate(stored["check/matrices"]):
        expected = turned(c, m, mistaken)
        each = {
            "coefficients": apart(stored["check/turned"][i], expected),
            "own grid": apart(stored["check/own_grid"][i], expected),
        }
        found = {k: max(found[k], v) for k, v in each.items()}
    return found


@functools.cache
def integrated(name: str, index: int) -> dict[str, float]:
    """Of a geometry: per cent of the density that is misplaced, and electrons counted, by who says it.

    100 ∫ |ρ − ρ'| / N against PySCF's fitted density for "model" and "free atoms"; "fit" is what the fit
    itself misses of PySCF's density; "N of …" ∫ ρ, "N" the number of electrons; "grid" the error of
    the grid's own count.
    """
    x = geometry(name, index)
    points, weights = gaussians.grid(x["positions"])
    rows = {
        "PySCF": x["coefficients"],
        "model": _predicted(name, index, NOW, False),
        "free atoms": free_atoms(x["species"]),
    }
    rho = {k: gaussians.density(points, x["species"], x["positions"], c) for k, c in rows.items()}
    total = float(np.sum(x["species"]))
    found = {
        who: 100 * float(np.abs(rho[who] - rho["PySCF"]) @ weights) / total
        for who in ("model", "free atoms")
    }
    counts = {f"N of {k}": gaussians.electrons(x["species"], c) for k, c in rows.items()}
    off = abs(float(rho["PySCF"] @ weights) - counts["N of PySCF"])
    return found | counts | {"fit": float(x["missed"]), "N": total, "grid": off}


def averages(name: str) -> dict[str, float]:
    """Means of `integrated` over the test geometries of a molecule: "model", "free atoms", "fit"."""
    count = len(_electrons.molecule("density", name, "test")["positions"])
    each = [integrated(name, i) for i in range(count)]
    return {k: float(np.mean([e[k] for e in each])) for k in ("model", "free atoms", "fit")}


def volume(name: str, index: int, shown: str, g: Quaternion, invert: bool, mistaken: bool) -> dict:
    """One of SHOWN in a cube about the molecule, PySCF's fit turned by g; in bohr.

    "values" [SIDE, SIDE, SIDE]; the surfaces "above" at the value of SHOWN and "below" at its negative, each
    "corners" [v, 3], "faces" [f, 3] and "normals" [v, 3]; "positions" [n, 3]; "species".
    """
    x, m = geometry(name, index), matrix(g, invert)
    axis = np.linspace(-REACH, REACH, SIDE)
    points = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 3)
    c, species, moved = x["coefficients"], x["species"], x["positions"] @ m.T
    if shown == "bonding density":
        c = c - free_atoms(species)
    values = gaussians.density(points, species, moved, turned(c, m, mistaken))
    values, level = values.reshape(SIDE, SIDE, SIDE), SHOWN[shown]
    return {
        "values": values,
        "above": mesh(values, axis, level),
        "below": mesh(-values, axis, level),
        "positions": moved / gaussians.BOHR,
        "species": species,
    }


def section(name: str, index: int, side: int = 56) -> dict[str, np.ndarray]:
    """Bonding densities [side, side] in the plane of three atoms: "PySCF", "model", "difference"."""
    x = geometry(name, index)
    places = x["positions"] / gaussians.BOHR
    first = places[1] - places[0]
    first = first / np.linalg.norm(first)
    second = places[2] - places[0]
    second = second - (second @ first) * first
    second = second / np.linalg.norm(second)
    axis = np.linspace(-REACH, REACH, side)
    points = (axis[None, :, None] * first + axis[::-1, None, None] * second).reshape(-1, 3)
    atoms = free_atoms(x["species"])
    rows = {"PySCF": x["coefficients"], "model": _predicted(name, index, NOW, False)}
    found = {
        who: gaussians.density(points, x["species"], x["positions"], c - atoms).reshape(side, side)
        for who, c in rows.items()
    }
    return found | {"difference": found["model"] - found["PySCF"]}


def numbers() -> dict[str, tuple[float, float]]:
    """Each rule's largest error where it is kept, and its smallest where it is broken."""
    g = tuple(Rotation.from_rotvec([0.9, 0.5, -0.6]).as_quat())
    asked = [(name, 0, g, True) for name in MOLECULES]
    models = [model_turns(*of) for of in asked]
    return {
        "ρ turns with its coefficients": (
            max(values_turn(*of, False) for of in asked),
            min(values_turn(*of, True) for of in asked),
        ),
        "the model's coefficients turn": (
            max(m["apart"] for m in models),
            min(m["still"] for m in models),
        ),
    }
