"""How far forces are from being a gradient: the asymmetry of their Jacobian.

J_ik = ∂F_i/∂x_k over all 3n coordinates. Forces that are the gradient of any energy have J = Jᵀ
(Schwarz); ‖J − Jᵀ‖/‖J + Jᵀ‖ is then 0, and measured with central differences of step h it falls as h²
until rounding. Forces that turn well but are no gradient keep it at every step: no test of symmetry
sees them (OpenEquivariance issue 211). That a curl does work around a loop: J. C. Maxwell's relations;
for learned forces Chmiela et al., Science Advances 3, e1603015 (2017).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float

from demetar.core.errors import InputError
from demetar.core.graph import Graph
from demetar.symmetry.instruments.positions import Places, displaced, probe

STEPS = (1e-1, 3e-2, 1e-2, 3e-3, 1e-3)  # in the unit of the positions


def asymmetry(
    f: Any,
    graph: Graph,
    steps: tuple[float, ...] = STEPS,
    dtype: str = "float64",
    budget: float | None = None,
) -> dict[str, Float[np.ndarray, " steps"]]:
    """‖J − Jᵀ‖/‖J + Jᵀ‖ [steps] of every output with a vector per particle, such as forces.

    0 where the Jacobian vanishes. Raises InputError where there is no such output, and as `probe` does.
    """
    at = probe(f, graph, dtype, budget)
    names = tuple(
        k for k, v in at.kinds.items() if (v.irreps, v.per, v.affine) == ("1x1o", "node", False)
    )
    if not names:
        raise InputError(
            f"Expected an output with a vector per particle, got {', '.join(at.kinds) or 'none'}; "
            "choose a run that gives forces or a gradient."
        )
    return asymmetries(at, names, steps)


def asymmetries(
    at: Places, names: tuple[str, ...], steps: tuple[float, ...] = STEPS
) -> dict[str, Float[np.ndarray, " steps"]]:
    """The same of named outputs of anything that can be asked at places."""
    found: dict[str, list[float]] = {name: [] for name in names}
    for step in steps:
        forth, back = (at(displaced(at.positions, s), names) for s in (step, -step))
        for name in names:
            size = 3 * len(at.positions)
            jacobian = (forth[name] - back[name]).reshape(size, size).T / (2 * step)
            apart, together = (np.linalg.norm(jacobian + s * jacobian.T) for s in (-1, 1))
            found[name].append(float(apart / max(together, np.finfo(float).tiny)))
    return {name: np.array(values) for name, values in found.items()}
