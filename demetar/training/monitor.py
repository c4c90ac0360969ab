"""The equivariance share of the loss: how much of a model's error its orbit average would remove.

For g in a group with representations D, the predictions D(g)⁻¹ f(g·x) all answer the same
question. Their mean f̄ over the group is the equivariant part of f, and the squared error splits
without a rest (Elesedy, Zaidi, "Provably strict generalisation benefit for equivariant models",
ICML 2021, whose lemma 1 this is, orbit by orbit):

    E_g ‖D(g)⁻¹ f(g·x) − y‖² = ‖f̄(x) − y‖² + E_g ‖D(g)⁻¹ f(g·x) − f̄(x)‖².

The share is the last term over the first: 0 for an equivariant model, and what a perfect symmetry
would save of the rest. It is in squares whatever the training's own loss is.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import jax
import numpy as np

from demetar.core.arrays import Array
from demetar.core.graph import Graph
from demetar.core.kinds import QUANTITIES
from demetar.data import standardise
from demetar.data.loader import Loader
from demetar.data.systems import Labels
from demetar.runs import evaluate
from demetar.runs.run import Run
from demetar.symmetry import groups
from demetar.symmetry.elements import Elements
from demetar.training import augment


@functools.cache
def _acting(output: str) -> tuple[Callable, Callable]:
    """Compiled: the graph under g, and rows of the output under the inverse of g."""

    def back(g: Elements, graph: Graph, rows: Array) -> Array:
        return augment.act(augment.inverse(g), graph, Labels(rows), output)[1].target

    def forth(g: Elements, graph: Graph) -> Graph:
        return augment.act(g, graph, Labels(graph.positions[:0]), "scalar")[0]

    return jax.jit(forth), jax.jit(back)


def elements(group: str, count: int, rng: np.random.Generator) -> Elements:
    """Random elements in float32, one a system."""
    return groups.load(group).sample(rng, count, np.ones(1, bool)).astype(np.float32)


def shares(
    predict: Callable[[Graph], np.ndarray],
    graph: Graph,
    target: np.ndarray,
    output: str,
    names: Sequence[str],
    seed: int = 0,
    samples: int = 4,
) -> dict[str, float]:
    """The equivariance share by group over one batch, `samples` elements a system.

    `predict` gives the rows of the output that stand beside `target`, in the same units. Numerator
    and denominator are unbiased; their quotient, which could pass one by chance, is cut there.
    """
    forth, back = _acting(output)
    per_node = QUANTITIES[output].per_node
    rows = np.asarray(graph.node_mask) if per_node else np.ones(graph.n_graphs, bool)
    found = {}
    for name in names:
        rng = np.random.default_rng((seed, 2))  # not the training's own stream
        seen = []
        for _ in range(samples):
            g = elements(name, graph.n_graphs, rng)
            seen.append(np.asarray(back(g, graph, predict(forth(g, graph))), np.float64)[rows])
        values = np.stack(seen)
        total = np.mean((values - target[rows]) ** 2)
        spread = np.mean(np.var(values, axis=0, ddof=1))
        found[name] = float(min(spread / total, 1.0)) if total > 0 else 0.0
    return found


def of_run(run: Run, systems: int = 100) -> dict[str, float]:
    """The equivariance shares of a finished run over validation systems, by groups.SPATIAL."""
    c, output = run.config, run.model.config.output
    valid = evaluate.systems(c, "valid", c.get("valid_size"))
    few = valid.first(systems)
    few = standardise.standardised(few, standardise.norm_of(run.params), output)
    graph, labels = Loader(few, len(few), c.get("connect")).batch(np.arange(len(few)))
    predict = evaluate.predictor(run.model, False)
    weights = jax.tree.map(lambda x: np.asarray(x, np.float32), run.params["model"])
    return shares(
        lambda graph: np.asarray(predict(weights, graph)[0]),
        graph,
        labels.target,
        output,
        groups.SPATIAL,
        samples=16,
    )
