"""Hamiltonian: PySCF's matrix before and after g, a model's matrix, and orbital energies."""

from __future__ import annotations

from app.backend import cached
from app.figures import lessons as figures
from app.figures import pixels
from app.pages.lessons import _parts
from app.pages.lessons._asked import Asked, One, Switch, Whole
from app.ui import layout, words

TITLE, SHORT, ORDER = "Hamiltonian", "Hamiltonian", 10
RULE = (
    "The block of F between shells of degrees l₁ and l₂ turns as D^l₁ B D^l₂ᵀ: it holds irreps from "
    "|l₁ − l₂| to l₁ + l₂, and F(g·x) = D F Dᵀ."
)
DO = (
    "choose a turn. F(g·x), computed anew, has to be D F Dᵀ, computed from F; below stand the energies "
    "of the electrons."
)
QUESTION = (
    "A molecule is turned, and its Kohn–Sham matrix changes. What do its orbital energies do?"
)
CHOICES = ("They stay", "They turn along, as vectors", "They change by a little")
RIGHT = 0
WHY = (
    "F and the overlap S both become D · Dᵀ with an orthogonal D: F C = S C ε keeps its ε. A matrix in the "
    "wrong order of orbitals has other ones."
)
USED = ("Tensor products in a trained model, SEGNN", "nbody", {"run": "segnn-nbody"})
SOURCE = (
    "H. Yu et al., QHNet, ICML 2023 (arXiv:2306.04922), 3.2 and 3.3; R. Hoffmann, J. Chem. Phys. 39, "
    "1397 (1963)."
)
MOLECULES = ("water", "ammonia", "methane", "formaldehyde")
BASES = ("STO-3G", "def2-SVP")
TURNS = {"g₁": 0, "g₂": 1, "g₃, mirrored": 2}
WHO = ("model", "superposed atoms", "extended Hückel")

ASKED = Asked(
    "hamiltonian",
    {
        "basis": One(BASES),
        "turn": One(tuple(TURNS)),
        "molecule": One(MOLECULES),
        "index": Whole(0, 4),
        "broken": Switch(),
    },
)


def show() -> list[_parts.Reading]:
    """F of water as PySCF gives it at x and at g·x, and the energies of four ways to F."""
    with ASKED.row():
        basis = ASKED.buttons("basis", "Water in the basis")
        turn = ASKED.buttons(
            "turn", "Turned by", help="PySCF has computed these three turned geometries anew."
        )
        name = ASKED.menu("molecule", "Energies of", width=140)
        index = ASKED.number("index", "Test geometry", width=110)
        mistaken = ASKED.breaks(
            "PySCF's order of orbitals taken for another",
            "p taken as m = −1, 0, 1, which is y, z, x, where PySCF has x, y, z; d with e3nn's pole y for z.",
        )
    which = TURNS[turn]
    found = cached.lesson("hamiltonian", "labels", basis, which, mistaken)
    dark = layout.dark()
    named = {
        "F(x)": found["F"],
        "F(g·x), PySCF": found["again"],
        "D F(x) Dᵀ": found["D F Dᵀ"],
        "difference": found["difference"],
    }
    same = "the same" if found["apart"] < 1e-9 else "different"
    _parts.pixels(
        pixels.matrices(_compressed(named), dark, like={"difference": "D F(x) Dᵀ"}),
        260,
        f"Water's matrix, that of the turned molecule, and the turned matrix: the last two are {same}.",
    )
    level = cached.lesson("hamiltonian", "levels", name, int(index))
    columns = {k: level[k] for k in ("DFT", *WHO)}
    _parts.chart(
        figures.energy_levels(columns, int(level["occupied"]), dark, 260),
        "hamiltonian:levels",
        f"Orbital energies of {name}: DFT, the model, superposed atoms, extended Hückel.",
    )
    return _readings(basis, which, name, int(index), found)


def _compressed(named: dict) -> dict:
    """Entries as sign · √|entry|, so that 20 Hartree and 0.1 Hartree can be seen side by side."""
    return {k: abs(v) ** 0.5 * (2 * (v > 0) - 1) for k, v in named.items()}


def _readings(basis: str, which: int, name: str, index: int, found: dict) -> list[_parts.Reading]:
    right = cached.lesson("hamiltonian", "labels", basis, which, False)
    broken = found["apart"] if found["apart"] >= 1e-9 else None
    model = cached.lesson("hamiltonian", "model_turns", name, index, which)
    errors = cached.lesson("hamiltonian", "errors", name)
    facts = {
        "on PySCF's own grid": words.delta(right["own grid"]),
        "blocks": ", ".join("spd"[l] for l in found["degrees"]),
    }
    rows = {
        f"{who}: ε, F": f"{errors[who]['occupied']:,.0f} meV, {errors[who]['entries']:,.1f} meV"
        for who in WHO
    }
    return [
        _parts.Reading("PySCF at g·x against D F Dᵀ", right["apart"], broken, facts),
        _parts.Reading(
            "Model: F(g·x) against D F Dᵀ",
            model["apart"],
            None,
            {"mean errors, test set": "occupied energies, entries", **rows},
        ),
    ]
