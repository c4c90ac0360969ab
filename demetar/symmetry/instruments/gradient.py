"""Whether a declared gradient is the slope of what is declared beside it, atom by atom.

For "<name>_gradient" beside the invariant <name>, and for "forces" beside "energy" or the only invariant
(with the other sign): |g_i − Δf/Δx_i| over the root mean square of |g|, with differences of fourth order,
(8 [f(h) − f(−h)] − [f(2h) − f(−2h)]) / 12h (Abramowitz, Stegun, 25.3.6). One atom's gradient may be wrong
while every invariance holds (GauXC issue 227: the sum was right).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float

from demetar.core.errors import InputError
from demetar.core.graph import Graph
from demetar.core.output import Kind
from demetar.symmetry.instruments.positions import Places, displaced, probe

STEP = 2e-3  # in the unit of the positions


def pairs(kinds: dict[str, Kind]) -> dict[str, tuple[str, float]]:
    """{name of the gradient: (name of the invariant, sign)}."""
    invariants = [k for k, v in kinds.items() if (v.irreps, v.per) == ("1x0e", "graph")]
    found = {f"{k}_gradient": (k, 1.0) for k in invariants if f"{k}_gradient" in kinds}
    energy = "energy" if "energy" in invariants else invariants[0] if len(invariants) == 1 else None
    if "forces" in kinds and energy:
        found["forces"] = (energy, -1.0)
    return found


def gradient_errors(
    f: Any,
    graph: Graph,
    step: float = STEP,
    dtype: str = "float64",
    budget: float | None = None,
) -> dict[str, Float[np.ndarray, " atoms"]]:
    """Relative error [atoms] of every declared gradient, beside differences of its invariant.

    Raises InputError where no gradient is declared, and as `probe` does.
    """
    return errors(probe(f, graph, dtype, budget), step)


def errors(at: Places, step: float = STEP) -> dict[str, Float[np.ndarray, " atoms"]]:
    """The same of anything that can be asked at places."""
    declared_pairs = pairs(at.kinds)
    if not declared_pairs:
        raise InputError(
            f"Expected an invariant with its gradient, got {', '.join(at.kinds) or 'no output'}; choose "
            "a run that gives '<name>_gradient' or 'forces'."
        )
    names = tuple({name for name, _ in declared_pairs.values()})
    values = {times: at(displaced(at.positions, times * step), names) for times in (-2, -1, 1, 2)}
    declared = at(at.positions[None], tuple(declared_pairs))
    found = {}
    for gradient, (name, sign) in declared_pairs.items():
        e = {times: v[name][:, 0, 0] for times, v in values.items()}
        slope = (8 * (e[1] - e[-1]) - (e[2] - e[-2])) / (12 * step)
        slope = sign * slope.reshape(-1, 3)
        size = max(np.sqrt(np.mean((slope**2).sum(-1))), np.finfo(float).tiny)
        found[gradient] = np.linalg.norm(declared[gradient][0] - slope, axis=-1) / size
    return found
