"""A smooth, invariant many-body potential with exact derivatives, for atoms of any element."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from ase.calculators.calculator import Calculator, all_changes
from ase.data import covalent_radii
from jaxtyping import Float

CUTOFF = 5.0  # Å
Site = Callable[[Any, Any], tuple[Any, Any, Any]]
WEIGHTS = (1.0, 0.6, 0.4)  # of the three vectors of each atom


def envelope(r: Float[np.ndarray, " edges"], cutoff: float = CUTOFF) -> tuple[Any, Any]:
    """A function that falls from 1 to 0 at the cutoff with two continuous derivatives; and its slope."""
    u = np.clip(r / cutoff, 0, 1)
    return 1 - 10 * u**3 + 15 * u**4 - 6 * u**5, (-30 * u**2 + 60 * u**3 - 30 * u**4) / cutoff


def invariant(rho: Any, v: Any) -> tuple[Any, Any, Any]:
    """Energy of a site from a density [n] and vectors [n, 3, 3] (channels, xyz), with both derivatives.

    e = −√(1 + ρ) + 0.3 Σ w |v|² + 0.05 (v₁ · v₂)²: nothing here prefers a direction.
    """
    w = np.array(WEIGHTS)
    dot = (v[:, 0] * v[:, 1]).sum(-1)
    energy = -np.sqrt(1 + rho) + 0.3 * (w * (v**2).sum(-1)).sum(-1) + 0.05 * dot**2
    dv = 0.6 * w[:, None] * v
    dv[:, 0] += 0.1 * dot[:, None] * v[:, 1]
    dv[:, 1] += 0.1 * dot[:, None] * v[:, 0]
    return energy, -0.5 / np.sqrt(1 + rho), dv


def within(atoms: Any, cutoff: float) -> tuple[Any, Any, Any]:
    """Receivers, senders and vectors of all pairs within a cutoff (Å), images included; for small cells."""
    shifts = np.zeros((1, 3))
    x = atoms.positions
    if atoms.pbc.any():
        cell = np.array(atoms.cell)
        heights = 1 / np.linalg.norm(np.linalg.inv(cell), axis=0)
        spread = np.ceil(np.ptp(x @ np.linalg.inv(cell), axis=0))
        times = np.where(atoms.pbc, np.ceil(cutoff / heights) + spread, 0).astype(int)
        grids = np.meshgrid(*(np.arange(-k, k + 1) for k in times), indexing="ij")
        shifts = np.stack(grids, -1).reshape(-1, 3) @ cell
    d = x[None, None] - x[None, :, None] + shifts[:, None, None]
    squares = (d**2).sum(-1)
    s, i, j = np.nonzero((squares < cutoff**2) & (squares > 1e-12))
    return i, j, d[s, i, j]


class Potential(Calculator):
    """Pairs, a density and three vectors of each atom; sound as it stands.

    Faults override one of its steps: `neighbours` (the edges), `pair` (a pair's energy and slope), `site`
    (a site's energy and derivatives) or `finish` (the results).
    """

    implemented_properties = ["energy", "free_energy", "forces", "stress", "dipole", "charges"]
    site: Site = staticmethod(invariant)

    def neighbours(self, atoms: Any) -> tuple[Any, Any, Any]:
        """Receivers, senders [edges] and vectors [edges, 3] from receiver to sender (Å)."""
        return within(atoms, CUTOFF)

    def pair(self, r: Any, first: Any, second: Any) -> tuple[Any, Any]:
        """Energy (eV) and slope of pairs at distances r: Morse with an envelope, by radii of elements."""
        rest = covalent_radii[first] + covalent_radii[second]
        f, df = envelope(r)
        x = np.exp(-1.8 * (r - rest))
        bare, slope = x**2 - 2 * x, -3.6 * (x**2 - x)
        return bare * f, slope * f + bare * df

    def weight(self, z: Any) -> Any:
        """How strongly an element is felt by the sites around it."""
        return 0.3 + 0.1 * np.sqrt(z)

    def radial(self, r: Any) -> tuple[Any, Any]:
        """Three radial functions [edges, 3] and their slopes."""
        f, df = envelope(r)
        centres = np.array([1.0, 2.0, 3.2])
        g = np.exp(-((r[:, None] - centres) ** 2))
        return g * f[:, None], g * (df[:, None] - 2 * (r[:, None] - centres) * f[:, None])

    def calculate(
        self, atoms: Any = None, properties: Any = ("energy",), system_changes: Any = all_changes
    ) -> None:
        """Fills results; stress where there is a cell."""
        super().calculate(atoms, properties, system_changes)
        self.results = self.finish(self.atoms, self.compute(self.atoms))

    def finish(self, atoms: Any, results: dict[str, Any]) -> dict[str, Any]:
        """The results as they are."""
        return results

    def compute(self, atoms: Any) -> dict[str, Any]:
        """Energy, forces, stress, charges and dipole (eV, Å, e)."""
        i, j, d = self.neighbours(atoms)
        z, n = atoms.numbers, len(atoms)
        r = np.linalg.norm(d, axis=1)
        unit = d / r[:, None]
        pair, slope = self.pair(r, z[i], z[j])
        g, dg = self.radial(r)
        w = self.weight(z[j])[:, None]
        rho, v = np.zeros(n), np.zeros((n, 3, 3))
        np.add.at(rho, i, (w * g).sum(1))
        np.add.at(v, i, (w * g)[:, :, None] * unit[:, None, :])
        energy, e_rho, e_v = self.site(rho, v)
        # dE/dd of each edge: pair, density, and the vectors, whose direction turns as well
        along = 0.5 * slope + e_rho[i] * (w * dg).sum(1)
        turn = np.einsum("ecx,ec->ex", e_v[i], w * g)
        radial = np.einsum("ecx,ec->ex", e_v[i], w * dg)
        radial = (radial * unit).sum(1)
        across = (turn - (turn * unit).sum(1)[:, None] * unit) / r[:, None]
        slopes = (along + radial)[:, None] * unit + across
        forces = np.zeros((n, 3))
        np.add.at(forces, i, slopes)
        np.add.at(forces, j, -slopes)
        total = float(0.5 * pair.sum() + energy.sum())
        charges = 0.1 * (rho - rho.mean()) / (1 + rho.mean())
        results = {
            "energy": total,
            "free_energy": total,
            "forces": forces,
            "charges": charges,
            "dipole": 0.2 * v[:, 0].sum(0),
        }
        if atoms.cell.rank == 3:
            virial = np.einsum("ex,ey->xy", d, slopes) / atoms.get_volume()
            results["stress"] = ((virial + virial.T) / 2).flat[[0, 4, 8, 5, 2, 1]]
        return results
