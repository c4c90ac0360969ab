"""N-body scenes in NPZ files."""

import numpy as np

from demetar.core.errors import InputError
from demetar.data.readers.bounded import Source, contents, npz_arrays, safe_name
from demetar.data.readers.lines import MAX_COORDINATE
from demetar.data.readers.structures import MAX_BYTES, check_apart
from demetar.simulation.scene import MAX_BODIES, Scene
from demetar.simulation.scene import MAX_FRAMES as MAX_SCENE_FRAMES

_SCENE_KEYS = ("positions", "velocities", "charges", "masses")


def _fitted(arrays: dict[str, np.ndarray], key: str, shape: tuple[int, ...], default: float):
    values = arrays.get(key, np.full(shape, default))
    if values.shape != shape:
        raise InputError(
            f"Expected the array {key!r} in the shape {list(shape)} that fits the positions, got "
            f"{list(values.shape)}; correct it."
        )
    if not (np.abs(values) <= MAX_COORDINATE).all():
        raise InputError(
            f"Expected finite numbers up to {MAX_COORDINATE:.0f} in the array {key!r}, got others; "
            "correct them."
        )
    return values


def read_scene(source: Source, name: str = "") -> Scene:
    """The N-body scene in an NPZ file, in scene units.

    Keys: positions [n 3] or [frames n 3]; velocities of the same shape (missing: at rest), charges
    [n] (missing: 0), masses [n] (missing: 1). Other keys are not read. At most 10 MB, 50 bodies and
    2,000 frames; times number the frames. Raises InputError for anything else.
    """
    data, name = contents(source, name, MAX_BYTES)
    arrays = npz_arrays(data, name, _SCENE_KEYS, 4 * MAX_BYTES)
    positions = arrays.get("positions")
    if positions is None:
        raise InputError(
            "Expected the array 'positions' [n 3] of a scene, got none in "
            f"{safe_name(name)!r}; add it."
        )
    if positions.ndim not in (2, 3) or positions.shape[-1] != 3 or 0 in positions.shape:
        raise InputError(
            "Expected the array 'positions' in the shape [n 3] or [frames n 3], got "
            f"{list(positions.shape)}; correct it."
        )
    shape, n = positions.shape, positions.shape[-2]
    if n > MAX_BODIES or positions.size // (3 * n) > MAX_SCENE_FRAMES:
        raise InputError(
            f"Expected at most {MAX_BODIES} bodies and {MAX_SCENE_FRAMES} frames in a scene, got "
            f"positions of the shape {list(shape)}; cut it down."
        )
    positions = _fitted(arrays, "positions", shape, 0.0).reshape(-1, n, 3)
    velocities = _fitted(arrays, "velocities", shape, 0.0).reshape(-1, n, 3)
    charges, masses = (_fitted(arrays, k, (n,), d) for k, d in (("charges", 0.0), ("masses", 1.0)))
    if (masses <= 0).any():
        raise InputError(
            "Expected numbers above 0 in the array 'masses', got others; correct them."
        )
    check_apart(positions[0], "bodies", 1e-6, "")
    return Scene(
        positions, velocities, charges, masses, np.arange(len(positions), dtype=np.float64)
    )
