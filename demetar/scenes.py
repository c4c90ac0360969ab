"""Scenes of moving charged bodies: starts, trajectories, and what rotating a start changes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from demetar.datasets.nbody import INPUT_STEP, TARGET_STEP, NBody
from demetar.errors import InputError
from demetar.simulate import TIME_STEP, simulate
from demetar.starts import charged

MAX_BODIES = 50
MAX_STEPS = 20_000
MAX_FRAMES = 2_000


@dataclass(frozen=True)
class Scene:
    """Frames of n bodies in scene units, float64.

    positions, velocities [frames, n, 3]; charges, masses [n]; times [frames].
    """

    positions: np.ndarray
    velocities: np.ndarray
    charges: np.ndarray
    masses: np.ndarray
    times: np.ndarray

    def at(self, frame: int) -> "Scene":
        """The scene of this one frame."""
        one = slice(frame, frame + 1 or None)
        return replace(
            self,
            positions=self.positions[one],
            velocities=self.velocities[one],
            times=self.times[one],
        )


def _numbers(name: str, values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    values = np.asarray(values, np.float64)
    finite = bool(np.isfinite(values).all())
    if values.shape != shape or not finite:
        raise InputError(
            f"The {name} of a scene must be finite numbers of shape {list(shape)}, not of shape "
            f"{list(values.shape)}{'' if finite else ' with NaN or inf'}; give a row for each body."
        )
    return values


def trajectory(
    positions: np.ndarray,
    velocities: np.ndarray,
    charges: np.ndarray,
    steps: int = 1_000,
    every: int = 10,
    variant: str = "clean",
    masses: np.ndarray | None = None,
) -> Scene:
    """The scene that starts there: a frame at step 0 and after each `every` of `steps` steps.

    Takes positions, velocities [n, 3], charges, masses [n] (masses default to 1) in scene units; a
    step is 0.001 time units. Raises InputError for wrong shapes, counts beyond the limits, or
    bodies so close that the unsoftened law has no finite answer.
    """
    n = len(positions)
    if not 1 <= n <= MAX_BODIES:
        raise InputError(f"A scene must have 1 to {MAX_BODIES} bodies, not {n}; leave some out.")
    if not 1 <= every <= steps <= MAX_STEPS or steps // every > MAX_FRAMES:
        raise InputError(
            f"A trajectory must have 1 to {MAX_STEPS} steps and at most {MAX_FRAMES} frames, "
            f"not {steps} steps with a frame every {every}; change them."
        )
    start = _numbers("positions", positions, (n, 3)), _numbers("velocities", velocities, (n, 3))
    charges = _numbers("charges", charges, (n,))
    masses = _numbers("masses", np.ones(n) if masses is None else masses, (n,))
    if (masses <= 0).any():
        raise InputError(
            f"The masses of a scene must be above 0, not {masses.min()}; correct them."
        )
    recorded = range(0, steps + 1, every)
    x, v = simulate(start[0][None], start[1][None], charges[None], recorded, variant, masses[None])
    if not np.isfinite(x).all():
        raise InputError(
            "The bodies of a scene must stay apart, but two came so close that the force has no "
            "finite value; move them or use the clean variant."
        )
    return Scene(x[:, 0], v[:, 0], charges, masses, TIME_STEP * np.array(recorded))


def scene(
    n_bodies: int = 5,
    charges: Sequence[float] | np.ndarray | None = None,
    seed: int = 0,
    steps: int = 1_000,
    every: int = 10,
    variant: str = "clean",
) -> Scene:
    """A random scene: the start drawn by seed as the benchmark draws its own, then simulated.

    `charges` [n] replaces the drawn ones of +-1; positions and velocities stay those of the seed.
    """
    if not 1 <= n_bodies <= MAX_BODIES:
        raise InputError(f"A scene must have 1 to {MAX_BODIES} bodies, not {n_bodies}; change it.")
    x, v, drawn = charged(1, n_bodies, np.random.RandomState(seed % 2**32), recorded_frames=0)
    return trajectory(
        x[0], v[0], drawn[0] if charges is None else np.asarray(charges), steps, every, variant
    )


def rotations(count: int, seed: int) -> np.ndarray:
    """Uniformly random rotation matrices [count, 3, 3], float64, from unit quaternions."""
    w, x, y, z = np.random.default_rng(seed).standard_normal((4, count))
    norm = np.sqrt(w * w + x * x + y * y + z * z)
    w, x, y, z = w / norm, x / norm, y / norm, z / norm
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.array(rows), -1, 0)


@dataclass(frozen=True)
class Defect:
    """How far a benchmark is from rotation symmetry, in scene units squared.

    mse: between R x(T; x0) and x(T; R x0). floor: the variance of the targets, turned back, over
    rotations of one start, which no rotation-equivariant predictor can undercut on such targets.
    share: fraction of systems whose squared error exceeds 1e-6.
    """

    mse: float
    floor: float
    share: float


def symmetry_defect(
    data: NBody, variant: str = "published", samples: int = 8, seed: int = 0
) -> Defect:
    """What rotating the inputs and simulating the 1,000 steps again does to a benchmark's targets.

    Takes `samples` random rotations of every system; float64 throughout, from the stored inputs.
    """
    turns = np.concatenate([np.eye(3)[None], rotations(samples, seed)])

    def turned(vectors: np.ndarray) -> np.ndarray:
        return np.einsum("gij,snj->gsni", turns, vectors).reshape(-1, *vectors.shape[1:])

    start = turned(data.positions), turned(data.velocities)
    acting = {
        name: None if value is None else np.tile(value, (samples + 1, *[1] * (value.ndim - 1)))
        for name in ("charges", "masses", "springs")
        for value in [getattr(data, name)]
    }
    steps = (TARGET_STEP - INPUT_STEP,)
    target = simulate(start[0], start[1], steps=steps, variant=variant, **acting)[0][0]
    target = target.reshape(samples + 1, *data.positions.shape)
    back = np.einsum("gij,gsni->gsnj", turns, target)
    error = ((back[1:] - back[0]) ** 2).mean(axis=(2, 3))
    return Defect(
        mse=float(error.mean()),
        floor=float(back[1:].var(axis=0, ddof=1).mean()),
        share=float((error > 1e-6).mean()),
    )
