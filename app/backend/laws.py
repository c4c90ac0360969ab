"""What the force laws of N-body keep and whether they turn, as measured and stored. No Streamlit."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from demetar.experiments.conservation import stored
from demetar.simulation.laws import law


@dataclass(frozen=True)
class Law:
    """What was measured of a force law, in scene units.

    `breaks`: in words, what of it depends on the axes. `kept`: by quantity the median and the
    largest relative change at `times` of `followed` systems. `defect`: mean squared difference that
    a rotation of the start makes, over `tested` systems and `rotations` each; `floor`: what no
    predictor that turns can undercut; `share`: of cases that differ by more than 1e-6.
    """

    breaks: tuple[str, ...]
    times: list[float]
    kept: dict[str, tuple[list[float], list[float]]]
    followed: int
    defect: float
    floor: float
    share: float
    tested: int
    rotations: int


@functools.cache
def laws() -> dict[str, Law]:
    """The laws of the N-body set with what is stored about each."""
    found = {}
    for name, numbers in stored().items():
        turned, drift, rule, breaks = numbers["rotation"], numbers["drift"], law(name), []
        if np.isfinite(rule.limit) and turned["limited"]:
            breaks.append(
                f"each Cartesian component of a force is held to ±{rule.limit:g} (it acts in "
                f"{turned['limited']:.0%} of the systems)"
            )
        if np.isfinite(rule.box):
            breaks.append(f"bodies are reflected at the walls of a box of half width {rule.box:g}")
        kept = {}
        for what, scale in drift["scale"].items():
            pair = (np.asarray(drift[what][kind]) / scale for kind in ("median", "largest"))
            median, largest = (values.tolist() for values in pair)
            kept[what] = (median, largest)
        found[name] = Law(
            tuple(breaks),
            drift["times"],
            kept,
            drift["systems"],
            turned["mse"],
            turned["floor"],
            turned["share"],
            turned["systems"],
            turned["rotations"],
        )
    return found
