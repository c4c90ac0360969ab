"""Kohn–Sham calculations by PySCF and their results in e3nn's conventions: what two lessons show.

PBE at a given geometry: the matrix F, the density fitted in the functions of def2-universal-jfit up to
l = 2 by least squares in the Coulomb norm, (P|Q) c = (P|ρ), the number of electrons kept (B. Dunlap,
J. Connolly, J. Sabin, J. Chem. Phys. 71, 3396 (1979); F. Weigend, Phys. Chem. Chem. Phys. 8, 1057
(2006)). PySCF's harmonics have their pole at z, e3nn's at y: `to_e3nn` turns the ones into the others.
Optional: pip install "demetar[pyscf]". Positions in Å, matrices in Hartree.
"""

from __future__ import annotations

import importlib
from typing import Any

import jax
import numpy as np

from demetar.core.errors import InputError
from demetar.symmetry.irreps import wigner

FITTING = "def2-universal-jfit"
LMAX = 2  # of the fitting functions that are kept
SHELLS = (6, 4, 3)  # of s, p, d: the most that an atom has
WIDTH = sum(n * (2 * l + 1) for l, n in enumerate(SHELLS))
Q = np.array([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]])  # (x, y, z) to (y, z, x)


def pyscf(part: str) -> Any:
    """A module of PySCF; InputError where it is not installed."""
    try:
        return importlib.import_module(f"pyscf.{part}")
    except ImportError as error:
        raise InputError(
            f'Expected the package pyscf, got none ({error}); run: pip install "demetar[pyscf]".'
        ) from None


def to_e3nn(l: int) -> np.ndarray:
    """Matrix [2l+1, 2l+1] from PySCF's real harmonics of degree l to e3nn's.

    PySCF has l = 1 as x, y, z, which is e3nn's order, and from l = 2 on m = −l … l about the z axis:
    e3nn's Y at (y, z, x). So they are D(Q) of e3nn's, and D(Q)ᵀ leads back.
    """
    if l < 2:
        return np.eye(2 * l + 1)
    with jax.enable_x64(True):
        return np.asarray(wigner(f"{l}e", np.asarray(Q))).T


class Field:
    """A converged PBE calculation: `density` matrix, Kohn–Sham `matrix`, integration `grid`.

    On the given grid, else on PySCF's own; `exact` converges until rounding alone is left.
    """

    def __init__(
        self,
        species: np.ndarray,
        positions: np.ndarray,
        basis: str,
        grid: Any = None,
        exact: bool = False,
    ) -> None:
        gto, dft = pyscf("gto"), pyscf("dft")
        places = [(int(z), tuple(map(float, x))) for z, x in zip(species, positions)]
        self.mole = gto.M(atom=places, basis=basis, unit="Angstrom", verbose=0)
        self.field = dft.RKS(self.mole, xc="pbe")
        self.field.grids.level, self.field.conv_tol, self.field.max_cycle = 2, 1e-9, 200
        if exact:
            # Screening and pruning depend on the frame: without them only rounding is left.
            self.field.grids.level, self.field.grids.prune = 3, None
            self.field.small_rho_cutoff = 0
            self.field.conv_tol, self.field.conv_tol_grad = 1e-13, 1e-10
            self.field.direct_scf_tol = 1e-16
        self.field.grids.build()
        if grid is not None:
            self.field.grids.coords, self.field.grids.weights = grid
            self.field.grids.non0tab = self.field.grids.screen_index = None
        self.field.kernel()
        if not self.field.converged:
            raise InputError(
                "Expected a Kohn–Sham calculation that converges, got one that did not; take another "
                "seed."
            )
        self.density = self.field.make_rdm1()
        self.matrix = np.asarray(self.field.get_fock(dm=self.density))
        self.grid = (self.field.grids.coords, self.field.grids.weights)

    def turned_grid(self, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The integration grid after an orthogonal matrix."""
        return self.grid[0] @ matrix.T, self.grid[1]


def fitting_basis(species: list[int]) -> dict[str, Any]:
    """PySCF's def2-universal-jfit without the functions above LMAX, by element."""
    gto = pyscf("gto")
    symbols = [pyscf("data.elements").ELEMENTS[z] for z in species]
    return {s: [b for b in gto.basis.load(FITTING, s) if b[0] <= LMAX] for s in symbols}


def slots(mole: Any) -> list[tuple[int, int, np.ndarray]]:
    """(atom, first function, its places in a row of WIDTH coefficients) of each fitting shell."""
    found, seen = [], {}
    starts = np.cumsum([0, *(n * (2 * l + 1) for l, n in enumerate(SHELLS))])
    for shell, first in enumerate(mole.ao_loc[:-1]):
        atom, l = mole.bas_atom(shell), mole.bas_angular(shell)
        k = seen.setdefault((atom, l), 0)
        seen[atom, l] += 1
        found.append((atom, int(first), starts[l] + k * (2 * l + 1) + np.arange(2 * l + 1)))
    return found


def coefficients(made: Field) -> tuple[np.ndarray, float]:
    """c [atoms, WIDTH] in e3nn's order, and the per cent of the density that the fit misses."""
    numint = pyscf("dft.numint")
    rows, auxiliary, fitted = fit(made.mole, made.density)
    points, weights = made.grid
    exact = numint.eval_rho(made.mole, numint.eval_ao(made.mole, points), made.density)
    missed = np.abs(numint.eval_ao(auxiliary, points) @ fitted - exact) @ weights
    return rows, 100 * float(missed) / made.mole.nelectron


def fit(mole: Any, density: np.ndarray) -> tuple[np.ndarray, Any, np.ndarray]:
    """Coefficients [atoms, WIDTH] in e3nn's order, the fitting functions, and PySCF's coefficients."""
    df = pyscf("df")
    auxiliary = df.addons.make_auxmol(mole, fitting_basis(sorted(set(mole.atom_charges()))))
    coulomb = auxiliary.intor("int2c2e")
    three = df.incore.aux_e2(mole, auxiliary, intor="int3c2e", aosym="s1")
    right = np.einsum("ijp,ij->p", three, density)
    electrons = integrals(auxiliary)
    free, shift = np.linalg.solve(coulomb, np.stack([right, electrons], 1)).T
    wanted = float(np.einsum("ij,ij->", density, mole.intor("int1e_ovlp")))
    fitted = free + shift * (wanted - electrons @ free) / (electrons @ shift)
    rows = np.zeros((mole.natm, WIDTH))
    for atom, first, places in slots(auxiliary):
        l = (len(places) - 1) // 2
        rows[atom, places] = to_e3nn(l) @ fitted[first : first + len(places)]
    return rows, auxiliary, fitted


def integrals(auxiliary: Any) -> np.ndarray:
    """∫ χ of each fitting function: nonzero for s alone."""
    found = np.zeros(auxiliary.nao)
    for shell, first in enumerate(auxiliary.ao_loc[:-1]):
        if auxiliary.bas_angular(shell) == 0:
            for a, w in primitives(auxiliary, shell):
                found[first] += w * (np.pi / a) ** 1.5
    return found


def primitives(mole: Any, shell: int) -> np.ndarray:
    """(exponent in 1/bohr², weight) [n, 2] of a shell beside e3nn's solid harmonics, |Y|² = 2l + 1."""
    weights = np.asarray(mole._libcint_ctr_coeff(shell))[:, 0] / np.sqrt(4 * np.pi)
    return np.stack([mole.bas_exp(shell), weights], 1)


def basis_table(species: list[int]) -> np.ndarray:
    """Rows (element, degree, number of the shell, exponent, weight) of all fitting functions."""
    gto, rows = pyscf("gto"), []
    for z in species:
        basis = fitting_basis([z])
        mole = gto.M(atom=[(z, (0, 0, 0))], basis=basis, spin=z % 2, verbose=0)
        seen: dict[int, int] = {}
        for shell in range(mole.nbas):
            l = mole.bas_angular(shell)
            k = seen.setdefault(l, 0)
            seen[l] += 1
            rows += [(z, l, k, a, w) for a, w in primitives(mole, shell)]
    return np.array(rows)


def free_atom(z: int, basis: str) -> Any:
    """(density matrix, Kohn–Sham matrix, molecule) of a spherically averaged atom, by PBE."""
    mole = pyscf("gto").M(atom=[(z, (0, 0, 0))], basis=basis, spin=z % 2, verbose=0)
    atoms = pyscf("scf.atom_ks").get_atm_nrks(mole, xc="pbe")
    _, energies, orbitals, occupied = next(iter(atoms.values()))
    overlap = mole.intor("int1e_ovlp")
    weighted = overlap @ orbitals
    return (orbitals * occupied) @ orbitals.T, (weighted * energies) @ weighted.T, mole


def in_e3nn_order(mole: Any, matrix: np.ndarray) -> np.ndarray:
    """A matrix between orbitals [n, n] with each shell in e3nn's order."""
    change = np.zeros_like(matrix)
    for shell, first in enumerate(mole.ao_loc[:-1]):
        l = mole.bas_angular(shell)
        change[first : first + 2 * l + 1, first : first + 2 * l + 1] = to_e3nn(l)
    return change @ matrix @ change.T


def shells(mole: Any) -> np.ndarray:
    """(atom, degree) [shells, 2] of the orbitals of a molecule, in their order."""
    rows = [
        (mole.bas_atom(s), mole.bas_angular(s))
        for s in range(mole.nbas)
        for _ in range(mole.bas_nctr(s))
    ]
    return np.array(rows)
