"""The published N-body benchmarks: how systems are drawn, simulated and cut into splits."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Shaped

from demetar.simulation import starts
from demetar.simulation.exact import simulate_exact
from demetar.simulation.laws import TIME_STEP, law
from demetar.simulation.simulate import simulate


class Protocol(NamedTuple):
    """How a variant is drawn and cut.

    splits: rows of the generator's random stream. input_step, target_step: of the integrator. part:
    systems that are made and kept together.
    """

    seed: int
    bodies: int
    splits: dict[str, range]
    input_step: int
    target_step: int
    part: int
    file: str


_SMALL = {"train": range(10_000), "valid": range(10_000, 12_000), "test": range(12_000, 14_000)}
# The program makes 50,000 for training and 10,000 for the test; the next 2,000 are ours to validate.
_FUCHS = {"train": range(50_000), "test": range(50_000, 60_000), "valid": range(60_000, 62_000)}
PROTOCOLS = {
    "published": Protocol(43, 5, _SMALL, 3_100, 4_100, 14_000, "charged5-published"),
    "clean": Protocol(43, 5, _SMALL, 3_100, 4_100, 14_000, "charged5-clean"),
    "fuchs": Protocol(42, 5, _FUCHS, 100, 1_100, 10_000, "charged5-fuchs"),
    "springs": Protocol(43, 5, _SMALL, 3_100, 4_100, 14_000, "springs5"),
    "gravity": Protocol(43, 100, _SMALL, 3_000, 4_000, 500, "gravity100"),
}
INPUT_STEP, TARGET_STEP = PROTOCOLS["published"].input_step, PROTOCOLS["published"].target_step
HORIZON = (TARGET_STEP - INPUT_STEP) * TIME_STEP  # of every variant
_DRAW = {"charges": starts.charged, "springs": starts.sprung, "masses": starts.gravitating}

STATE = ("positions", "velocities", "target_positions", "target_velocities")


def systems_in(variant: str) -> int:
    return sum(map(len, PROTOCOLS[variant].splits.values()))


@dataclass(frozen=True)
class NBody:
    """Systems and where they are HORIZON time units later: float32 [S, n, 3].

    Charges and masses [S, n] and springs [S, n, n], where the variant has them.
    """

    positions: Float[np.ndarray, "systems n 3"]
    velocities: Float[np.ndarray, "systems n 3"]
    charges: Float[np.ndarray, "systems n"] | None
    target_positions: Float[np.ndarray, "systems n 3"]
    target_velocities: Float[np.ndarray, "systems n 3"]
    masses: Float[np.ndarray, "systems n"] | None = None
    springs: Float[np.ndarray, "systems n n"] | None = None

    def __len__(self) -> int:
        return len(self.positions)

    def __getitem__(self, rows: slice | Shaped[np.ndarray, " rows"]) -> "NBody":
        return NBody(**{"charges": None, **{k: v[rows] for k, v in self.arrays().items()}})

    def arrays(self) -> dict[str, Float[np.ndarray, "systems ..."]]:
        """What there is, by name."""
        return {name: value for name, value in vars(self).items() if value is not None}


def draw(
    variant: str, count: int, seed: int | None = None
) -> tuple[
    Float[np.ndarray, "{count} n 3"],
    Float[np.ndarray, "{count} n 3"],
    Float[np.ndarray, "{count} n ..."],
]:
    """Positions, velocities [count, n, 3] and what makes the force, as the variant draws them.

    The last are charges or masses [count, n] or springs [count, n, n]; all float64 at step 0.
    """
    protocol = PROTOCOLS[variant]
    rng = np.random.RandomState(protocol.seed if seed is None else seed)
    return _DRAW[law(variant).source](count, protocol.bodies, rng)


def generate(
    seed: int | None = None, count: int | None = None, variant: str = "published", first: int = 0
) -> NBody:
    """`count` systems (default all) of the variant's random stream from number `first` on.

    The stream starts from `seed` (default the variant's own). Simulated in float64.
    """
    protocol, source = PROTOCOLS[variant], law(variant).source
    count = systems_in(variant) - first if count is None else count
    x, v, strengths = (a[first:] for a in draw(variant, first + count, seed))
    steps = (protocol.input_step, protocol.target_step)
    given = {"charges": None, source: strengths}
    if variant == "published":
        xs, vs = simulate_exact(x, v, strengths, steps)
    else:
        xs, vs = simulate(x, v, steps=steps, variant=variant, **given)
    given[source] = strengths.astype(np.float32)
    arrays = (a.astype(np.float32) for a in (xs[0], vs[0], xs[1], vs[1]))
    return NBody(**dict(zip(STATE, arrays, strict=True)), **given)
