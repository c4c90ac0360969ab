"""Faulty calculators by cause: one row a fault, each the sound potential with one step replaced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from demetar.core import registry
from demetar.core.errors import InputError
from demetar.diagnosis.audit.seeded import outputs, sites, systems

Maker = Callable[[], Any]
# cause -> {variant: class}. "energy" puts the fault into the energy, with exact forces of it; "output"
# into the forces alone.
FAULTS: dict[str, dict[str, Maker]] = {
    "vector-bias": {"energy": sites.VectorBias, "output": outputs.VectorBias},
    "vector-norm": {"energy": sites.VectorNorm, "output": outputs.VectorNorm},
    "laboratory-frame": {"energy": sites.CubicFrame, "output": outputs.FixedFrame},
    "sphere-grid": {"energy": sites.SphereGrid},
    "neighbour-limit": {"order": systems.FirstNeighbours, "distance": systems.NearestNeighbours},
    "nondeterministic": {"energy": systems.RandomFrame},
    "float32-constants": {"energy": sites.RoundedConstants},
    "float32-input": {"energy": systems.RoundedInput},
    "float32-sum": {"energy": outputs.RoundedSum},
    "fast-matmul": {"energy": sites.FastMatmul},
    "untransformed-input": {"energy": systems.ForgottenCell},
    "axis-order": {"energy": sites.AxisOrder, "output": outputs.AxisOrder},
    "parity": {"energy": sites.Handed},
    "singular-direction": {"energy": systems.Pole},
    "nonconservative": {"output": outputs.Swirl},
    "wrong-gradient": {"output": outputs.OneAtom, "factor": outputs.Factor},
    "atom-order": {"energy": systems.FirstAtom},
    "per-axis-gain": {"energy": sites.Gain, "output": outputs.Gain},
    "axis-mean": {"energy": systems.AxisMean},
    "biased-labels": {"output": outputs.Limited},
    "unconstrained": {"energy": sites.Perceptron},
    "absolute-position": {"energy": systems.Place},
    "discontinuous-cutoff": {"energy": systems.HardCutoff},
    "stale-state": {"neighbours": systems.OldNeighbours, "behind": systems.OneBehind},
    "relu-on-components": {"energy": sites.Relu, "output": outputs.Relu},
    "force-kink": {"energy": systems.Kink},
    "periodic-image": {"energy": systems.Image},
    "rough-surface": {"energy": systems.Ripples},
    "mean-subtraction": {"energy": sites.MeanSubtraction, "output": outputs.MeanSubtraction},
    "permuted-output": {"output": outputs.Sorted},
}
PERIODIC = ("periodic-image", "untransformed-input")  # causes that only a cell can show


def faulty(cause: str, variant: str | None = None) -> Any:
    """A calculator with that fault, the first of its variants by default.

    Raises InputError on a cause without a faulty calculator.
    """
    if cause not in FAULTS:
        known = list(FAULTS)
        raise InputError(
            f"Expected a fault among {', '.join(known)}, got {cause!r}{registry.closest(cause, known)}"
        )
    made = FAULTS[cause]
    if variant is not None and variant not in made:
        raise InputError(
            f"Expected a variant of {cause} among {', '.join(made)}, got {variant!r}; choose one."
        )
    return made[variant or next(iter(made))]()


def count() -> int:
    """How many faulty calculators there are."""
    return int(np.sum([len(v) for v in FAULTS.values()]))
