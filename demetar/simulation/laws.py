"""Force laws between bodies."""

from typing import NamedTuple

import numpy as np

from demetar.core.registry import unknown

TIME_STEP = 0.001
SPRING = 0.1
SIMULATING = "generating N-body systems"  # for whoever follows how far that is


class Law(NamedTuple):
    """A force law, in scene units.

    softening: length. limit: largest force component. source: what makes the force, "charges",
    "springs" or "masses". box: half width of the reflecting box. leapfrog: whether a step is half a
    kick, a drift, half a kick.
    """

    softening: float
    limit: float
    source: str = "charges"
    box: float = np.inf
    leapfrog: bool = False


LAWS = {
    "published": Law(0.0, 100.0),
    "clean": Law(0.1, np.inf),
    "fuchs": Law(0.0, 100.0, box=5.0),
    "springs": Law(0.0, 100.0, "springs", 5.0),
    "gravity": Law(0.1, np.inf, "masses", leapfrog=True),
}


def law(variant: str) -> Law:
    """The force law of a variant's name; InputError for another name."""
    if variant not in LAWS:
        raise unknown("an N-body variant", LAWS, variant)
    return LAWS[variant]
