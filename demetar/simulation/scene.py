"""Scenes of moving charged bodies: starts, trajectories, and what rotating a start changes."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from demetar.core.errors import InputError
from demetar.simulation.laws import TIME_STEP
from demetar.simulation.simulate import simulate
from demetar.simulation.starts import charged

MAX_BODIES = 50
MAX_STEPS = 20_000
MAX_FRAMES = 2_000


@dataclass(frozen=True)
class Scene:
    """Frames of n bodies in scene units, float64.

    positions, velocities [frames, n, 3]; charges, masses [n]; times [frames].
    """

    positions: Float[np.ndarray, "frames n 3"]
    velocities: Float[np.ndarray, "frames n 3"]
    charges: Float[np.ndarray, " n"]
    masses: Float[np.ndarray, " n"]
    times: Float[np.ndarray, " frames"]

    def at(self, frame: int) -> "Scene":
        """The scene of this one frame."""
        one = slice(frame, frame + 1 or None)
        return replace(
            self,
            positions=self.positions[one],
            velocities=self.velocities[one],
            times=self.times[one],
        )


def _numbers(name: str, values: ArrayLike, shape: tuple[int, ...]) -> Float[np.ndarray, "..."]:
    values = np.asarray(values, np.float64)
    finite = bool(np.isfinite(values).all())
    if values.shape != shape or not finite:
        raise InputError(
            f"Expected the {name} of a scene as finite numbers of shape {list(shape)}, got "
            f"{list(values.shape)}{'' if finite else ' with NaN or inf'}; give a row for "
            "each body."
        )
    return values


def trajectory(
    positions: ArrayLike,
    velocities: ArrayLike,
    charges: ArrayLike,
    steps: int = 1_000,
    every: int = 10,
    variant: str = "clean",
    masses: ArrayLike | None = None,
) -> Scene:
    """The scene that starts there: a frame at step 0 and after each `every` of `steps` steps.

    Takes positions, velocities [n, 3], charges, masses [n] (masses default to 1) in scene units; a
    step is 0.001 time units. Raises InputError for wrong shapes, counts beyond the limits, or
    bodies so close that the unsoftened law has no finite answer.
    """
    n = len(np.asarray(positions))
    if not 1 <= n <= MAX_BODIES:
        raise InputError(
            f"Expected 1 to {MAX_BODIES} bodies in a scene, got {n}; change their number."
        )
    if not 1 <= every <= steps <= MAX_STEPS or steps // every > MAX_FRAMES:
        raise InputError(
            f"Expected a trajectory of 1 to {MAX_STEPS} steps and at most {MAX_FRAMES} "
            f"frames, got {steps} steps with a frame every {every}; change them."
        )
    start = _numbers("positions", positions, (n, 3)), _numbers("velocities", velocities, (n, 3))
    charges = _numbers("charges", charges, (n,))
    masses = _numbers("masses", np.ones(n) if masses is None else masses, (n,))
    if (masses <= 0).any():
        raise InputError(f"Expected masses above 0 in a scene, got {masses.min()}; correct them.")
    recorded = range(0, steps + 1, every)
    x, v = simulate(start[0][None], start[1][None], charges[None], recorded, variant, masses[None])
    if not np.isfinite(x).all():
        raise InputError(
            "Expected the bodies of a scene to stay apart, got two so close that the force "
            "has no finite value; move them or use the clean variant."
        )
    return Scene(x[:, 0], v[:, 0], charges, masses, TIME_STEP * np.array(recorded))


def scene(
    n_bodies: int = 5,
    charges: ArrayLike | None = None,
    seed: int = 0,
    steps: int = 1_000,
    every: int = 10,
    variant: str = "clean",
) -> Scene:
    """A random scene: the start drawn by seed as the benchmark draws its own, then simulated.

    `charges` [n] replaces the drawn ones of +-1; positions and velocities stay those of the seed.
    """
    if not 1 <= n_bodies <= MAX_BODIES:
        raise InputError(
            f"Expected 1 to {MAX_BODIES} bodies in a scene, got {n_bodies}; change their number."
        )
    x, v, drawn = charged(1, n_bodies, np.random.RandomState(seed % 2**32), recorded_frames=0)
    return trajectory(
        x[0], v[0], drawn[0] if charges is None else np.asarray(charges), steps, every, variant
    )
