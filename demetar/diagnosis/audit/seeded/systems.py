"""Faults in what enters: neighbours, places, order, images, memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from ase.calculators.calculator import Calculator, all_changes

from demetar.diagnosis.audit.seeded.outputs import Results
from demetar.diagnosis.audit.seeded.potential import CUTOFF, Potential


def kept(i: Any, j: Any, d: Any, key: Any, most: int) -> tuple[Any, Any, Any]:
    """Of each receiver's edges the first `most` by a key."""
    order = np.lexsort((key, i))
    i, j, d = i[order], j[order], d[order]
    starts = np.searchsorted(i, np.arange(i.max() + 1 if len(i) else 0))
    rank = np.arange(len(i)) - starts[i]
    keep = rank < most
    return i[keep], j[keep], d[keep]


class FirstNeighbours(Potential):
    """At most eight neighbours, those with the lowest numbers."""

    def neighbours(self, atoms: Any) -> tuple[Any, Any, Any]:
        """Edges, cut by order."""
        i, j, d = super().neighbours(atoms)
        return kept(i, j, d, j, 8)


class NearestNeighbours(Potential):
    """At most eight neighbours, the nearest ones."""

    def neighbours(self, atoms: Any) -> tuple[Any, Any, Any]:
        """Edges, cut by distance."""
        i, j, d = super().neighbours(atoms)
        return kept(i, j, d, np.linalg.norm(d, axis=1), 8)


class RandomFrame(Potential):
    """A term in a frame that is drawn anew at each call."""

    def finish(self, atoms: Any, results: Results) -> Results:
        """Forces and energy with what a random direction gives."""
        way = np.random.default_rng().standard_normal(3)
        spread = ((atoms.positions - atoms.positions.mean(0)) @ way).var()
        energy = results["energy"] + 1e-3 * spread
        return {**results, "energy": energy, "free_energy": energy}


class RoundedInput(Potential):
    """Positions are rounded to single precision."""

    def neighbours(self, atoms: Any) -> tuple[Any, Any, Any]:
        """Edges from rounded positions."""
        rounded = atoms.copy()
        rounded.positions = rounded.positions.astype(np.float32).astype(float)
        return super().neighbours(rounded)


class ForgottenCell(Potential):
    """Images are looked for along x, y and z by the lengths of the cell alone."""

    def neighbours(self, atoms: Any) -> tuple[Any, Any, Any]:
        """Edges in a cell that is not turned with the atoms."""
        if not atoms.pbc.any():
            return super().neighbours(atoms)
        upright = atoms.copy()
        upright.set_cell(np.diag(atoms.cell.lengths()), scale_atoms=False)
        return super().neighbours(upright)


class Pole(Potential):
    """A polar angle, whose sine is divided by: pairs along z have no number."""

    def finish(self, atoms: Any, results: Results) -> Results:
        """NaN in the forces of a pair that lies along z."""
        i, _, d = self.neighbours(atoms)
        sine = np.sqrt(np.clip(1 - (d[:, 2] / np.linalg.norm(d, axis=1)) ** 2, 0, None))
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = sine / sine
        forces = results["forces"].copy()
        np.multiply.at(forces, i, ratio[:, None])
        return {**results, "forces": forces}


class FirstAtom(Potential):
    """The first atom is the reference of a term."""

    def finish(self, atoms: Any, results: Results) -> Results:
        """0.02 Σ exp(−r₀ⱼ) more, with its forces."""
        vectors = atoms.get_distances(
            0, list(range(len(atoms))), mic=bool(atoms.pbc.any()), vector=True
        )
        r = np.linalg.norm(vectors, axis=1)
        far = r > 0
        energy = results["energy"] + 0.02 * np.exp(-r[far]).sum()
        pull = np.zeros_like(vectors)
        pull[far] = 0.02 * (np.exp(-r[far]) / r[far])[:, None] * vectors[far]
        forces = results["forces"] + pull
        forces[0] -= pull.sum(0)
        return {**results, "energy": energy, "free_energy": energy, "forces": forces}


class Place(Potential):
    """Coordinates as features: a weak harmonic well about the origin."""

    def finish(self, atoms: Any, results: Results) -> Results:
        """1e-3 Σ x² more, with its forces."""
        energy = results["energy"] + 1e-3 * float((atoms.positions**2).sum())
        forces = results["forces"] - 2e-3 * atoms.positions
        return {**results, "energy": energy, "free_energy": energy, "forces": forces}


class AxisMean(Potential):
    """From each position the mean of its own x, y and z is taken off."""

    def finish(self, atoms: Any, results: Results) -> Results:
        """1e-3 Σ |x − mean(x)|² more, with its forces."""
        away = atoms.positions - atoms.positions.mean(1, keepdims=True)
        energy = results["energy"] + 1e-3 * float((away**2).sum())
        forces = results["forces"] - 2e-3 * away
        return {**results, "energy": energy, "free_energy": energy, "forces": forces}


class HardCutoff(Potential):
    """A pair's energy ends at 4.2 Å without fading."""

    def pair(self, r: Any, first: Any, second: Any) -> tuple[Any, Any]:
        """The energy and slope of pairs, cut."""
        e, slope = super().pair(r, first, second)
        return e + 0.02 * (r < 4.2), slope


class Kink(Potential):
    """An absolute value of a distance: the energy is continuous, its slope is not."""

    def pair(self, r: Any, first: Any, second: Any) -> tuple[Any, Any]:
        """0.02 |r − 3.7| up to 4.4 Å more, faded out."""
        e, slope = super().pair(r, first, second)
        u = np.clip((r - 3.7) / 0.7, -1, 1)
        bump = (1 - u**2) ** 2
        return (
            e + 0.05 * np.abs(u) * bump,
            slope
            + (np.abs(r - 3.7) < 0.7) * 0.05 / 0.7 * np.sign(u) * (bump - 4 * u**2 * (1 - u**2)),
        )


class Image(Potential):
    """A term of each atom's own coordinates in the cell, not of its nearest image."""

    def finish(self, atoms: Any, results: Results) -> Results:
        """Pairs as far apart as they are written add 0.01 exp(−r/3)."""
        d = atoms.positions[:, None] - atoms.positions
        r = np.linalg.norm(d, axis=-1) + 1e9 * np.eye(len(atoms))
        energy = results["energy"] + 0.005 * np.exp(-r / 3).sum()
        forces = results["forces"] + ((0.01 / 3) * np.exp(-r / 3) / r)[:, :, None].repeat(
            3, 2
        ).__mul__(d).sum(1)
        return {**results, "energy": energy, "free_energy": energy, "forces": forces}


class Ripples(Potential):
    """Ripples of 2 meV with a wavelength of 0.05 Å on each pair."""

    def pair(self, r: Any, first: Any, second: Any) -> tuple[Any, Any]:
        """The energy and slope of pairs with a ripple, faded out."""
        e, slope = super().pair(r, first, second)
        u = r / CUTOFF
        f, df = (1 - u**2) ** 3, -6 * u * (1 - u**2) ** 2 / CUTOFF
        k = 2 * np.pi / 0.05
        inside = r < CUTOFF
        more = 0.002 * (np.cos(k * r) * df - k * np.sin(k * r) * f)
        return e + 0.002 * np.cos(k * r) * f * inside, slope + more * inside


class OldNeighbours(Potential):
    """The list of neighbours is kept from the first call with this number of atoms."""

    kept: Any = None

    def neighbours(self, atoms: Any) -> tuple[Any, Any, Any]:
        """Old edges, with images that no longer fit."""
        i, j, d = super().neighbours(atoms)
        if self.kept is None or self.kept[0] != len(atoms):
            shift = d - atoms.positions[j] + atoms.positions[i]
            self.kept = (len(atoms), i, j, shift)
        _, i, j, shift = self.kept
        return i, j, atoms.positions[j] - atoms.positions[i] + shift


class OneBehind(Calculator):
    """Answers are those of the last call wherever the number of atoms is the same."""

    implemented_properties = Potential.implemented_properties

    def __init__(self) -> None:
        super().__init__()
        self.sound, self.last = Potential(), None

    def calculate(
        self, atoms: Any = None, properties: Any = ("energy",), system_changes: Any = all_changes
    ) -> None:
        """Results of the atoms before these."""
        super().calculate(atoms, properties, system_changes)
        now = self.sound.compute(self.atoms)
        old, self.last = self.last, now
        fits = old is not None and len(old["forces"]) == len(now["forces"])
        self.results = dict(old if fits and old is not None else now)
