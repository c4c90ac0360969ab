"""Roll-outs: a run applied to its own answer again and again, of x and of g·x, against the true path.

A run gives the places after one horizon. Where it gives velocities too, the next step begins with them;
else with the displacement over the horizon (mean velocity over the step, half a step late). Both turn with
the scene, so a roll-out of an equivariant run does, too. On 60 test systems of the clean law and
`egnn-nbody-clean` the median squared error after five steps is 0.16 with this rule, 0.23 with velocities
that change linearly within a step and 0.035 with the true velocities: what stands between the second and
the last is the rule's, not the model's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from app.backend import nbody
from app.backend.molecules import Element, act
from demetar.experiments.conservation import potential
from demetar.runs.run import Run
from demetar.simulation.protocols import HORIZON
from demetar.simulation.simulate import simulate

STEPS = 5


@dataclass(frozen=True)
class Rollout:
    """Both ways around the square after 0, 1, … steps.

    `left` is g·f^k(x) and `right` is f^k(g·x): places [steps+1 n 3]; `first` is f^k(x), `velocities` those
    with which each of its steps begins. `delta` [steps+1] is Δ_EQ of the places, relative to the displacement
    from the start.
    """

    first: np.ndarray
    velocities: np.ndarray
    left: np.ndarray
    right: np.ndarray
    delta: list[float]


def ahead(
    run: Run, begin: nbody.Start, steps: int = STEPS, dtype: str = "float32"
) -> list[nbody.Start]:
    """The start, and what the run makes of it after each of so many steps, each computed in `dtype`.

    A run whose answer is not finite any more stays where it was.
    """
    states = [begin]
    for _ in range(steps):
        now = states[-1]
        output = run(nbody.to_graph(now), dtype)
        places = np.asarray(output["positions"], np.float64)
        velocities = (places - now.positions) / HORIZON
        if "velocities" in output.values:
            velocities = np.asarray(output["velocities"], np.float64)
        finite = np.isfinite(places).all() and np.isfinite(velocities).all()
        states.append(replace(now, positions=places, velocities=velocities) if finite else now)
    return states


def energies(found: Rollout, begin: nbody.Start, law: str) -> list[float]:
    """Kinetic and potential energy of f^k(x) under the law, its limit on forces left out."""
    kinetic = 0.5 * (begin.masses[:, None] * found.velocities**2).sum((1, 2))
    return (kinetic + potential(found.first, law, begin.charges)).tolist()


def turned(run: Run, begin: nbody.Start, element: Element, dtype: str = "float32") -> np.ndarray:
    """f^k(g·x): places [steps+1 n 3] of the roll-out of the moved start."""
    return np.stack([s.positions for s in ahead(run, nbody.moved(begin, element), dtype=dtype)])


def deltas(left: np.ndarray, right: np.ndarray) -> list[float]:
    """Δ_EQ after each step of two roll-outs that began alike; 0 at the start."""
    pairs = zip(left[1:], right[1:], strict=True)
    return [0.0, *(nbody.relative(a, b, right[0]) for a, b in pairs)]


def rollout(run: Run, begin: nbody.Start, element: Element, dtype: str = "float32") -> Rollout:
    """The twin roll-outs of a run: predicted and then moved, moved and then predicted."""
    states = ahead(run, begin, dtype=dtype)
    first = np.stack([s.positions for s in states])
    left = np.stack([act(element, places) for places in first])
    right = turned(run, begin, element, dtype)
    velocities = np.stack([s.velocities for s in states])
    return Rollout(first, velocities, left, right, deltas(left, right))


def true_deltas(true: nbody.Twin, element: Element) -> list[float]:
    """Δ_EQ of the simulator itself after each step of a roll-out."""
    left, right = true.straight[:: nbody.PER_HORIZON], true.moved[:: nbody.PER_HORIZON]
    return deltas(np.stack([act(element, places) for places in left]), right)


def true_energy(begin: nbody.Start, law: str) -> list[float]:
    """Energy along the true path, one number a frame of `nbody.path` over all steps.

    The integrator leaves the velocity half a step behind the place: the mean of the speeds before and after
    a kick is that at the place (as `demetar.experiments.conservation.drifts` has it).
    """
    frames = nbody.EVERY * np.arange(STEPS * nbody.PER_HORIZON + 1)
    steps = np.unique(np.concatenate([frames, frames + 1]))
    x, v, charges, masses = (
        a[None] for a in (begin.positions, begin.velocities, begin.charges, begin.masses)
    )
    xs, vs = simulate(x, v, charges, steps.tolist(), law, masses)
    now = np.searchsorted(steps, frames)
    speeds = (np.abs(vs[now, 0]) + np.abs(vs[now + 1, 0])) / 2
    kinetic = 0.5 * (begin.masses[:, None] * speeds**2).sum((1, 2))
    return (kinetic + potential(xs[now, 0], law, begin.charges)).tolist()


@dataclass(frozen=True)
class Told:
    """What goes beside roll-outs, by run and of the true path: energies, Δ_EQ, the error after the last step.

    `error`: the root of the mean squared error of a coordinate of f^k(x), scene units.
    """

    energy: dict[str, list[float]]
    error: dict[str, float]
    true_energy: list[float]
    true_delta: list[float]


def told(
    begin: nbody.Start, element: Element, law: str, rolled: Mapping[str, Rollout], true: nbody.Twin
) -> Told:
    """Energies and errors of roll-outs against the true paths of x and g·x."""
    return Told(
        {name: energies(found, begin, law) for name, found in rolled.items()},
        {
            name: nbody.mse(found.first[-1], true.straight[-1]) ** 0.5
            for name, found in rolled.items()
        },
        true_energy(begin, law),
        true_deltas(true, element),
    )
