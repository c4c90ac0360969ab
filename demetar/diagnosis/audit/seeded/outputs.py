"""Faults behind a sound energy: in the forces alone, or in the digits of the energy."""

from __future__ import annotations

from typing import Any

import numpy as np

from demetar.diagnosis.audit.seeded.potential import Potential

Results = dict[str, Any]


class VectorBias(Potential):
    """A bias of 0.02 eV/Å on each component of each force."""

    def finish(self, atoms: Any, results: Results) -> Results:
        """Forces with a constant vector added."""
        return {**results, "forces": results["forces"] + 0.02}


class VectorNorm(Potential):
    """Forces are normalised with weights and a bias of each component."""

    def finish(self, atoms: Any, results: Results) -> Results:
        """w (f − mean) / deviation + b, mean and deviation over all components."""
        f = results["forces"]
        w, b = np.array([1.0, 0.8, 1.3]), np.array([0.05, -0.02, 0.1])
        return {**results, "forces": w * (f - f.mean()) / np.sqrt(f.var() + 1e-6) + b}


class FixedFrame(Potential):
    """Forces by central differences of 0.05 Å along x, y and z."""

    def finish(self, atoms: Any, results: Results) -> Results:
        """Differences of the energy for each component."""
        forces = np.zeros((len(atoms), 3))
        for i in range(len(atoms)):
            for a in range(3):
                sides = []
                for sign in (1, -1):
                    new = atoms.copy()
                    new.positions[i, a] += sign * 0.05
                    sides.append(self.compute(new)["energy"])
                forces[i, a] = (sides[1] - sides[0]) / 0.1
        return {**results, "forces": forces}


class RoundedSum(Potential):
    """Energies of atoms, some thousand eV, are added in single precision."""

    def finish(self, atoms: Any, results: Results) -> Results:
        """The energy with references added and rounded."""
        total = float(
            np.float32(results["energy"]) + np.float32((-13.6 * atoms.numbers**2.0).sum())
        )
        return {**results, "energy": total, "free_energy": total}


class AxisOrder(Potential):
    """Components of forces come as y, z, x."""

    def finish(self, atoms: Any, results: Results) -> Results:
        """Forces with their components in another order."""
        return {**results, "forces": np.roll(results["forces"], -1, axis=1)}


class Swirl(Potential):
    """Forces with a part around each pair that does work around a loop; they turn well."""

    def finish(self, atoms: Any, results: Results) -> Results:
        """f_i + 0.2 Σ_j r_ij exp(−r_ij) ρ_i: not the gradient of anything, as ρ_i depends on others."""
        i, _, d = self.neighbours(atoms)
        r = np.linalg.norm(d, axis=1)
        density, extra = np.zeros(len(atoms)), np.zeros((len(atoms), 3))
        fade = (1 - (r / 5) ** 2) ** 3
        np.add.at(density, i, np.exp(-r) * fade)
        np.add.at(extra, i, d * (np.exp(-r) * fade)[:, None])
        return {**results, "forces": results["forces"] + 0.4 * density[:, None] * extra}


class OneAtom(Potential):
    """The gradient of one atom is wrong, and another makes up for it: the sum is right."""

    def finish(self, atoms: Any, results: Results) -> Results:
        """A tenth of one force, on the heaviest element's shortest bond, goes to the neighbour."""
        f = results["forces"].copy()
        d = atoms.get_all_distances(mic=bool(atoms.pbc.any())) + 1e9 * np.eye(len(atoms))
        d[atoms.numbers < atoms.numbers.max()] += 1e6
        i, j = np.unravel_index(int(np.argmin(d)), d.shape)
        f[j] += 0.1 * f[i]
        f[i] *= 0.9
        return {**results, "forces": f}


class Factor(Potential):
    """All forces are five per cent too large."""

    def finish(self, atoms: Any, results: Results) -> Results:
        """Scaled forces."""
        return {**results, "forces": 1.05 * results["forces"]}


class Gain(Potential):
    """Components of forces are multiplied by 1, 1.1 and 0.9."""

    def finish(self, atoms: Any, results: Results) -> Results:
        """Scaled components."""
        return {**results, "forces": results["forces"] * np.array([1.0, 1.1, 0.9])}


class Limited(Potential):
    """Each component of a force is limited to 0.6 times the largest force."""

    def finish(self, atoms: Any, results: Results) -> Results:
        """Clipped components; the limit itself is invariant."""
        most = 0.6 * np.linalg.norm(results["forces"], axis=1).max()
        return {**results, "forces": np.clip(results["forces"], -most, most)}


class Relu(Potential):
    """A leaky ReLU on the components of forces."""

    def finish(self, atoms: Any, results: Results) -> Results:
        """Negative components are halved."""
        f = results["forces"]
        return {**results, "forces": np.where(f > 0, f, 0.5 * f)}


class MeanSubtraction(Potential):
    """From each force the mean of its components is taken off."""

    def finish(self, atoms: Any, results: Results) -> Results:
        """f − mean(f)."""
        f = results["forces"]
        return {**results, "forces": f - f.mean(1, keepdims=True)}


class Sorted(Potential):
    """Atoms are sorted by element inside, the last of each first, and forces come in that order."""

    def finish(self, atoms: Any, results: Results) -> Results:
        """The right rows in the wrong order."""
        order = np.lexsort((-np.arange(len(atoms)), atoms.numbers))
        return {**results, "forces": results["forces"][order]}
