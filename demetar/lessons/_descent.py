"""Trains the autoencoders of digits: L-BFGS over all training pictures at once, by seed.

`demetar lesson autoencoders` calls it. Each picture stands once in the set for the equivariant one, which
sees no difference between its turns, and TURNS times at random angles for the plain one. The parameters
with the smallest error on the validation set are kept; an interrupted training goes on from its last ones,
without what L-BFGS remembered of the curvature.
"""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.flatten_util import ravel_pytree
from scipy import optimize

from demetar.core.disk import replace, write_atomically
from demetar.core.errors import InputError
from demetar.data.readers.bounded import stored_arrays
from demetar.lessons import _digits as digits
from demetar.lessons import _harmonics as harmonics

KINDS, TURNS, EVERY = ("equivariant", "plain"), 4, 25
STEPS = {"equivariant": 600, "plain": 300}  # usual: two minutes of a core, and one
MEMORY = 30  # pairs that L-BFGS remembers
MOST_BYTES = 4 * 2**20
PARAMS, STATE, RESULTS = "params.npz", "state.npz", "results.json"
Told = Callable[[str, int, int], None]


def pictures(split: str, turns: int = 1, seed: int = 0) -> np.ndarray:
    """The digits of a split at random angles, each `turns` times: coefficients, complex64."""
    c, rng = harmonics.analysed(harmonics.images(split)[0]), np.random.default_rng(seed)
    order = np.arange(c.shape[1])[:, None]
    angles = rng.uniform(0, 2 * np.pi, (turns, len(c), 1, 1))
    return np.concatenate(c * np.exp(-1j * order * angles)).astype(np.complex64)


def read(path: Path) -> dict[str, dict[str, np.ndarray]]:
    """The parameters of both autoencoders, by kind; InputError where the file is missing or damaged."""
    if not path.is_file():
        raise InputError(
            f"Expected the autoencoders of digits in {path}, got no such file; run: demetar lesson "
            "autoencoders."
        )
    arrays = stored_arrays(path, path.name, None, MOST_BYTES, axes=4)
    found = {}
    for kind in KINDS:
        wanted = {name: value.shape for name, value in digits.fresh(kind).items()}
        own = {name: arrays.get(f"{kind}/{name}", np.zeros(())) for name in wanted}
        if {name: value.shape for name, value in own.items()} != wanted:
            raise InputError(
                f"Expected the parameters of both autoencoders of digits in {path}, got arrays of other "
                "names or shapes; restore the file or train them again."
            )
        found[kind] = own
    return found


def _write(path: Path, arrays: dict[str, np.ndarray]) -> None:
    replace(path, lambda file: np.savez(file, allow_pickle=False, **arrays))


def train(
    folder: Path, steps: int | None = None, seed: int = 0, told: Told = lambda *_: None
) -> dict:
    """Trains both, writes parameters and results into the folder, and gives the results.

    Goes on where a state lies there. `told(kind, done, steps)` hears of every step.
    """
    state = stored_arrays(folder / STATE, STATE, None, 4 * MOST_BYTES) if _begun(folder) else {}
    for kind in KINDS:
        _descend(folder, kind, steps or STEPS[kind], seed, state, told)
    params = {
        f"{kind}/{name}": np.asarray(value, np.float32)
        for kind in KINDS
        for name, value in _shaped(kind, seed)(state[f"{kind}/best"]).items()
    }
    _write(folder / PARAMS, params)
    found = results(read(folder / PARAMS)) | {
        "steps": {k: steps or n for k, n in STEPS.items()},
        "seed": seed,
    }
    found["processor seconds"] = {kind: round(float(state[f"{kind}/seconds"])) for kind in KINDS}
    write_atomically(folder / RESULTS, (json.dumps(found, indent=1) + "\n").encode())
    (folder / STATE).unlink()
    return found


def _begun(folder: Path) -> bool:
    folder.mkdir(parents=True, exist_ok=True)
    return (folder / STATE).is_file()


@functools.cache
def _shaped(kind: str, seed: int) -> Callable[[Any], dict[str, Any]]:
    first = {k: v.astype(np.float32) for k, v in digits.fresh(kind, seed).items()}
    return ravel_pytree(first)[1]


def _descend(
    folder: Path, kind: str, steps: int, seed: int, state: dict[str, np.ndarray], told: Told
) -> None:
    """Trains one kind for what is left of its steps; `state` has its last and its best parameters."""
    first = ravel_pytree({k: v.astype(np.float32) for k, v in digits.fresh(kind, seed).items()})[0]
    begin = {"now": first, "best": first, "done": 0, "least": np.inf, "seconds": 0}
    for name, value in begin.items():
        state.setdefault(f"{kind}/{name}", np.asarray(value, np.float64))
    began = time.process_time() - float(state[f"{kind}/seconds"])
    shaped, valid = _shaped(kind, seed), pictures("valid")
    train = pictures("train", 1 if kind == "equivariant" else TURNS)

    # A hundred times the error: L-BFGS-B ends where the gradient falls below an absolute number.
    def cost(w: Any, c: Any) -> Any:
        return 100 * digits.error(kind, shaped(w), c).mean()

    slope = jax.jit(jax.value_and_grad(cost))

    def asked(w: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = slope(w.astype(np.float32), train)
        return float(value), np.asarray(gradient, np.float64)

    def between(w: np.ndarray) -> None:
        count = int(state[f"{kind}/done"]) + 1
        state[f"{kind}/done"] = np.asarray(count, np.float64)
        told(kind, count, steps)
        if count % EVERY and count < steps:
            return
        error = float(digits.error(kind, shaped(w.astype(np.float32)), valid).mean())
        state[f"{kind}/now"] = w.copy()
        state[f"{kind}/seconds"] = np.asarray(time.process_time() - began)
        if error < state[f"{kind}/least"]:
            state[f"{kind}/least"], state[f"{kind}/best"] = np.asarray(error), w.copy()
        _write(folder / STATE, state)

    if (left := steps - int(state[f"{kind}/done"])) > 0:
        given = {"maxiter": left, "maxfun": 2 * left, "maxcor": MEMORY}
        optimize.minimize(
            asked,
            state[f"{kind}/now"],
            jac=True,
            method="L-BFGS-B",
            callback=between,
            options=given,
        )


def results(params: dict[str, dict[str, np.ndarray]]) -> dict[str, Any]:
    """Mean square errors by pixel on the test digits at random angles, and the number of parameters.

    "mean picture": of the training digits at random angles, which is round. "band limit": what
    harmonics up to the limit leave out, in which no autoencoder here has a part.
    """
    test, train = pictures("test"), pictures("train", TURNS)
    pixels = int(harmonics.disc().sum())
    mean = (np.abs(test - train.mean(0)) ** 2).sum((1, 2)).mean() / pixels
    images = harmonics.images("test")[0]
    rest = (images - harmonics.drawn(harmonics.analysed(images)))[:, harmonics.disc()]
    found: dict[str, Any] = {
        f"test, {kind}": float(digits.error(kind, params[kind], test).mean()) for kind in KINDS
    }
    found |= {"test, mean picture": float(mean), "band limit": float((rest**2).mean())}
    return found | {
        "parameters": {kind: sum(v.size for v in params[kind].values()) for kind in KINDS}
    }
