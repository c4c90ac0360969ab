"""What gives energies and forces while data are made: GFN2-xTB, PBE, and ASE's EMT for trials.

tblite and PySCF are optional: pip install "demetar[md]". Energies in eV, forces in eV/Å, dipoles in
e·Å.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
from ase import Atoms, units
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.emt import EMT

from demetar.core.errors import InputError


def _needed(package: str, part: str) -> Any:
    try:
        return importlib.import_module(f"{package}.{part}")
    except ImportError as error:
        raise InputError(
            f"Expected the package {package} for this calculator, got none ({error}); run: "
            'pip install "demetar[md]".'
        ) from None


def _gfn2() -> Calculator:
    return _needed("tblite", "ase").TBLite(method="GFN2-xTB", verbosity=0)


class PBE(Calculator):
    """PBE/def2-SVP with density fitting by PySCF, the level of rMD17's labels.

    With these settings forces of rMD17's ethanol come out to 0.008 kcal/mol/Å (grid level 6).
    """

    implemented_properties = ["energy", "forces", "dipole"]

    def __init__(self) -> None:
        super().__init__()
        self.gto, self.dft = _needed("pyscf", "gto"), _needed("pyscf", "dft")
        self.density: np.ndarray | None = None  # of the step before: the next one starts from it

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: list[str] | None = None,
        system_changes: list[str] = all_changes,
    ) -> None:
        """Puts energy, forces and dipole of the atoms into `results`; InputError if it diverges."""
        super().calculate(atoms, properties, system_changes)
        assert self.atoms is not None
        places = list(zip(self.atoms.get_chemical_symbols(), self.atoms.positions.tolist()))
        mole = self.gto.M(
            atom=places,
            basis="def2-svp",
            unit="Angstrom",
            verbose=0,
            spin=int(self.atoms.numbers.sum()) % 2,
        )
        field = self.dft.KS(mole, xc="pbe").density_fit(auxbasis="def2-universal-jfit")
        field.grids.level = 6
        energy = field.kernel(dm0=self.density)
        if not field.converged:
            raise InputError(
                "Expected an electronic structure that converges, got a frame where it did not; "
                "lower the temperature or the step."
            )
        self.density = field.make_rdm1()
        self.results = {
            "energy": float(energy) * units.Hartree,
            "forces": -np.asarray(field.nuc_grad_method().kernel()) * units.Hartree / units.Bohr,
            "dipole": np.asarray(field.dip_moment(mole, self.density, unit="Debye", verbose=0))
            * units.Debye,
        }


CALCULATORS: dict[str, Callable[[], Calculator]] = {"gfn2-xtb": _gfn2, "pbe": PBE, "emt": EMT}
LEVELS = {
    "gfn2-xtb": "GFN2-xTB (tblite)",
    "pbe": "PBE/def2-SVP, density fitting (PySCF)",
    "emt": "EMT (ASE): a toy, of no use for molecules but to try the machinery",
}
