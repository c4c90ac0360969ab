"""Standardised targets: what is taken off and divided by before training, and put back after.

target = Σ_i reference(species_i) + mean + scale · (model's output). Equivariance leaves no other
choice for directions: a vector is only divided, of a tensor only the invariant part is shifted,
places and velocities are left alone. Energies of whole molecules are 1e6 times as large as what
matters in them, so the constant part is kept in float64 and added on the host (see `demetar.runs.run`).
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from demetar.core.errors import InputError
from demetar.core.kinds import QUANTITIES
from demetar.data.systems import Systems

REFERENCES = ("none", "free", "fit")
ELEMENTS = 119  # atomic numbers from 0


@dataclasses.dataclass(frozen=True)
class Norm:
    """Mean, scale and, where they are used, references [119] by atomic number of a target."""

    mean: float = 0.0
    scale: float = 1.0
    references: np.ndarray | None = None

    def params(self, model: Any) -> dict[str, Any]:
        """The parameters of a run: the model's with what stands here."""
        found = {"mean": np.asarray(self.mean), "model": model, "scale": np.asarray(self.scale)}
        return found if self.references is None else {**found, "references": self.references}


def norm_of(params: dict[str, Any]) -> Norm:
    """What the parameters of a run say about its target."""
    references = params.get("references")
    return Norm(
        float(params["mean"]),
        float(params["scale"]),
        None if references is None else np.asarray(references, np.float64),
    )


def reference_energies(systems: Systems, references: np.ndarray | None) -> np.ndarray:
    """Sum [systems, 1] of the references over the atoms of each system, float64."""
    if references is None or systems.species is None:
        return np.zeros((len(systems), 1))
    return np.add.reduceat(
        references[systems.species.astype(np.int64)],
        np.cumsum(systems.sizes, dtype=np.int64) - systems.sizes,
    )[:, None]


def fit(
    systems: Systems, output: str, references: str = "none", free: dict[int, float] | None = None
) -> Norm:
    """The standardisation of a training set.

    `references`: "none", "free" (`free`: of free atoms by atomic number, in the target's unit) or
    "fit" (least squares on the composition, the smallest solution where several fit). The scale of
    invariants is the mean absolute deviation; with labelled forces it is the root mean square of
    their components, of vectors and tensors that of theirs; 1 where it would be zero. Raises
    InputError where references are asked for and there can be none.
    """
    targets = systems.targets.astype(np.float64)
    per_element = _references(systems, targets, output, references, free)
    quantity = QUANTITIES[output]
    if quantity.fitted == "nothing":
        return Norm()
    if quantity.fitted != "all":
        mean = float(targets[:, 0].mean()) if quantity.fitted == "trace" else 0.0
        return Norm(mean, _or_one(np.sqrt(np.mean((targets - quantity.offset(mean)) ** 2))))
    targets = targets - reference_energies(systems, per_element) if output == "scalar" else targets
    mean = float(targets.mean())
    scale = np.abs(targets - mean).mean()
    if systems.forces is not None:
        scale = np.sqrt(np.mean(np.square(systems.forces, dtype=np.float64)))
    return Norm(mean, _or_one(scale), per_element)


def _or_one(scale: Any) -> float:
    return float(scale) if scale > 0 else 1.0


def _references(
    systems: Systems, targets: np.ndarray, output: str, kind: str, free: dict[int, float] | None
) -> np.ndarray | None:
    if kind == "none":
        return None
    if output != "scalar" or systems.species is None or (kind == "free" and free is None):
        raise InputError(
            f"Expected references 'none' for this target, got {kind!r}; leave them out, for "
            "only an invariant of molecules has any, and 'free' needs a data set that lists "
            "free atoms."
        )
    found = np.zeros(ELEMENTS)
    if kind == "free":
        for number, value in (free or {}).items():
            found[number] = value
        return found
    elements = np.unique(systems.species)
    owner = np.repeat(np.arange(len(systems)), systems.sizes)
    counts = np.zeros((len(systems), len(elements)))
    np.add.at(counts, (owner, np.searchsorted(elements, systems.species)), 1)
    found[elements] = np.linalg.lstsq(counts, targets[:, 0], rcond=None)[0]
    return found


def standardised(systems: Systems, norm: Norm, output: str) -> Systems:
    """The systems with the targets and forces that a model is trained on, float32."""
    quantity = QUANTITIES[output]
    if quantity.fitted == "nothing":
        return dataclasses.replace(systems, targets=systems.targets.astype(np.float32))
    shift = quantity.offset(norm.mean)
    if output == "scalar":
        shift = reference_energies(systems, norm.references) + shift
    targets = ((systems.targets - shift) / norm.scale).astype(np.float32)
    forces = systems.forces
    forces = None if forces is None else (forces / norm.scale).astype(np.float32)
    return dataclasses.replace(systems, targets=targets, forces=forces)
