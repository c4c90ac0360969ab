"""Features of three molecules by kymatio, the authors' program, for the tests to compare with.

python benchmarks/wavescatt_reference.py FILE

Needs kymatio 0.3 with scipy below 1.15 in an environment of its own; nothing of Demetar is imported.
Lengths are in grid points, as kymatio has them: σ is two of them. Integrals are those of orders 0, 1
and 2 over the nuclear, valence and core densities, for powers 1/2, 1, 2, 3.
"""

import json
import sys
from pathlib import Path

import numpy as np
from kymatio.numpy import HarmonicScattering3D
from kymatio.scattering3d.backend.numpy_backend import NumpyBackend3D
from kymatio.scattering3d.utils import generate_weighted_sum_of_gaussians

POINTS, SIGMA, SCALES, LMAX, POWERS = 40, 2.0, 2, 2, (0.5, 1.0, 2.0, 3.0)
SPACING = 0.112  # Å
MOLECULES = {  # Å, from the centroid; not symmetric
    "water": ([8, 1, 1], [[0.02, 0.1, 0.24], [0.74, -0.03, -0.09], [-0.76, -0.07, -0.15]]),
    "HCN": ([1, 6, 7], [[-1.09, 0.1, 0.03], [-0.03, -0.04, 0.01], [1.12, -0.06, -0.04]]),
    "ammonia": (
        [7, 1, 1, 1],
        [[0.0, 0.03, 0.1], [0.95, 0.02, -0.24], [-0.42, 0.81, -0.25], [-0.53, -0.86, 0.39]],
    ),
}  # fmt: skip


def integrals(scatter: HarmonicScattering3D, positions: np.ndarray, charges: np.ndarray) -> list:
    """[paths, powers] of one density: order 0, then for each scale or pair of scales all degrees."""
    half = POINTS // 2
    axes = np.mgrid[-half:half, -half:half, -half:half].astype(np.float64)
    grid = np.fft.ifftshift(axes, axes=(1, 2, 3))
    density = generate_weighted_sum_of_gaussians(grid, positions[None], charges[None], SIGMA)
    zeroth = np.real(NumpyBackend3D.compute_integrals(density, POWERS)).reshape(1, -1)
    found = np.real(scatter(density))  # [1, paths of scales, degrees, powers]
    return np.concatenate([zeroth, found.reshape(-1, len(POWERS))]).tolist()


def main() -> None:
    scatter = HarmonicScattering3D(
        J=SCALES - 1,
        shape=(POINTS,) * 3,
        L=LMAX,
        sigma_0=SIGMA,
        max_order=2,
        method="integral",
        integral_powers=POWERS,
    )
    rows = {}
    for name, (species, places) in MOLECULES.items():
        positions, z = np.array(places) / SPACING, np.array(species, float)
        valence = np.where(z > 2, z - 2, z)
        # A weight of zero ends kymatio's sum, so the core is the difference of two densities there too.
        heavy = z > 2
        rows[name] = {
            "species": species,
            "positions": places,
            "nuclear": integrals(scatter, positions, z),
            "valence": integrals(scatter, positions, valence),
            "core": integrals(scatter, positions[heavy], (z - valence)[heavy]),
        }
    settings = {"grid": POINTS, "spacing": SPACING, "sigma": SIGMA * SPACING, "scales": SCALES,
                "lmax": LMAX}  # fmt: skip
    content = {"by": "kymatio 0.3.0", "settings": settings, "molecules": rows}
    Path(sys.argv[1]).write_text(json.dumps(content) + "\n")


if __name__ == "__main__":
    main()
