"""What attention by invariants weighs by distance, read from the radial perceptrons of trained runs."""

import jax.numpy as jnp
import numpy as np

from demetar import models
from demetar.models.invariant_attention import Weights
from demetar.models.nn import radial
from demetar.runs import evaluate, run

DISTANCES = np.round(np.arange(0.9, 2.0001, 0.025), 3)  # Å, where atoms of a molecule can be


def radial_weights(trained: run.Run) -> dict[str, np.ndarray]:
    """Root mean square weight by distance [DISTANCES], over layers, couplings and channels.

    By part: the invariant, or for mixed heads "norm heads" and "inverse heads". With the envelope.
    """
    c = models.create(trained.config["model"], **trained.config["model_config"]).config
    r = jnp.asarray(DISTANCES[:, None], jnp.float32)
    none = jnp.zeros((len(r), 0), jnp.float32)
    half = c.heads // 2 * (c.width // c.heads)
    parts = {"norm heads": slice(0, half), "inverse heads": slice(half, None)}
    parts = parts if c.invariant == "mixed" else {c.invariant: slice(None)}
    total: dict[str, list] = {}
    for layer in range(1, c.layers + 1):
        tree = trained.params["model"][f"attention_{layer}"]["weights"]
        perceptron = tree["inverse" if c.invariant in ("mixed", "learned") else c.invariant]
        width = c.width - half if c.invariant == "mixed" else c.width
        couplings = perceptron["Dense_1"]["bias"].shape[0] // width
        weights = Weights(c, couplings).apply({"params": tree}, r, none)
        weights = np.asarray(weights * radial.ENVELOPES[c.envelope](r, c.cutoff)[:, None])
        for part, channels in parts.items():
            total.setdefault(part, []).append(np.square(weights[:, :, channels]).mean((1, 2)))
    return {part: np.sqrt(np.mean(squares, axis=0)) for part, squares in total.items()}


def emphasis(runs: list[dict]) -> list[dict]:
    """Weights by distance relative to their mean over distances: mean and spread over seeds."""
    curves: dict[tuple, list] = {}
    for r in runs:
        for part, weights in radial_weights(run.load(r["folder"])).items():
            key = r["molecule"], r["variant"], part
            curves.setdefault(key, []).append(weights / weights.mean())
    return [
        {
            "molecule": m,
            "variant": i,
            "part": part,
            "mean": np.mean(rows, 0).round(4).tolist(),
            "std": np.std(rows, 0).round(4).tolist(),
        }
        for (m, i, part), rows in curves.items()
    ]


def lengths(runs: list[dict]) -> dict[str, list[float]]:
    """How often each distance occurs between atoms, per Å, in the validation frames by molecule."""
    found = {}
    for molecule in sorted({r["molecule"] for r in runs}):
        config = next(r["config"] for r in runs if r["molecule"] == molecule)
        systems = evaluate.systems(config, "valid")
        frames = systems.positions.reshape(len(systems.sizes), systems.sizes[0], 3)
        near = np.linalg.norm(frames[:, :, None] - frames[:, None], axis=-1)
        step = DISTANCES[1] - DISTANCES[0]
        edges = np.append(DISTANCES - step / 2, DISTANCES[-1] + step / 2)
        found[molecule] = np.histogram(near, edges, density=True)[0].round(4).tolist()
    return found
