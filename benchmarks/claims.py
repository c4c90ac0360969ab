"""Published models that break what they claim: Δ_EQ of the rule as published, and as mended here.

python benchmarks/claims.py [--json FILE]

Each case measures one small model twice, with the rule of its paper or first public code and with
the one that stands here, over 8 elements of the group that the rule breaks (median, in float32 and
float64), with the graph moved. Weights are those of a training's beginning, with every parameter
moved by a normal number of 0.1 so that biases are not zero: the size of a Δ that structure causes
depends on the weights, that it does not fall from float32 to float64 does not.
"""

import argparse
import contextlib
import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np

from demetar.core import registry
from demetar.core.graph import Graph, from_arrays, from_atoms
from demetar.core.output import Output
from demetar.data import samples
from demetar.models import segnn, spherenet
from demetar.runs.run import Run, template
from demetar.simulation.scene import Scene
from demetar.symmetry.equivariance import measure

SAMPLES = 8
SMALL = {"width": 16, "layers": 2}


@dataclasses.dataclass(frozen=True)
class Case:
    """A model, the group that its published rule breaks, and how either rule is asked for.

    The first of each pair is for the published rule, the second for the mended one (None: there is
    none). `system` names a sample; `patch` is where the rule has no setting.
    """

    model: str
    group: str
    claimed: str
    rule: str
    mended: str
    system: str
    settings: tuple[dict[str, Any], dict[str, Any] | None] = ({}, {})
    patch: tuple[Any, str, Any] | None = None


def _own_mean(graph: Graph) -> Any:
    """Positions minus the mean of each one's own three coordinates, as SEGNN's N-body program has it."""
    return graph.positions - jnp.mean(graph.positions, axis=1, keepdims=True)


CASES = (
    Case(
        "torchmd_net",
        "SO(3)",
        "E(3)",
        "the projections of its vectors have a bias, the same in every orientation "
        "(first public code; torchmd-net, issue 57)",
        "no bias on vectors",
        "ethanol",
        ({"vector_bias": True}, {"vector_bias": False}),
    ),
    Case(
        "painn",
        "SO(3)",
        "E(3)",
        "two public versions have a bias on vectors; the paper has none",
        "no bias on vectors",
        "ethanol",
        ({"vector_bias": True}, {"vector_bias": False}),
    ),
    Case(
        "segnn",
        "SO(3)",
        "E(3)",
        "the N-body program subtracts from each position the mean of its own three coordinates",
        "the centre of the system is subtracted",
        "nbody-5-clean",
        ({}, {}),
        (segnn.nf, "from_centre", _own_mean),
    ),
    Case(
        "equiformer",
        "C_i",
        "E(3)",
        "harmonics of degree one count as axial (1e), so mirror images differ: SE(3) holds",
        "every irrep carries its parity (parity e3)",
        "ethanol",
        ({"parity": "se3"}, {"parity": "e3"}),
    ),
    Case(
        "lieconv",
        "SO(3)",
        "equivariance to a chosen Lie group; the QM9 row T(3)",
        "it takes T(3) alone and learns rotations by augmentation",
        "none: only averaging over rotations at inference would",
        "ethanol",
        ({}, None),
    ),
    Case(
        "spherenet",
        "SO(3)",
        "SE(3)",
        "in a planar molecule rounding decides whether a torsion is 0 or 2π",
        "angles below 10⁻³ rad count as 2π",
        "benzene",
        ({}, {}),
        (spherenet, "TIE", 1e-12),
    ),
)


def graph_of(name: str) -> tuple[Graph, str]:
    """A sample as a graph, and what it is of: "atoms" or "particles"."""
    found = samples.load(name)
    if isinstance(found, Scene):
        x, v = (np.asarray(a[0] if a.ndim == 3 else a) for a in (found.positions, found.velocities))
        charges = np.asarray(found.charges)
        return from_arrays(x, velocities=v, charges=charges), "particles"
    return from_atoms(found), "atoms"


def function_of(case: Case, inputs: str, settings: dict[str, Any]) -> Callable[[Graph], Output]:
    """The model as a function of a graph, its parameters moved from where a training begins."""
    module = registry.load("models", case.model)
    output = "positions" if inputs == "particles" else "scalar"
    known = {f.name for f in dataclasses.fields(module.Config)}
    small = {k: v for k, v in SMALL.items() if k in known}
    config = {"inputs": inputs, "output": output, **small, **settings}
    stored = {
        "model": case.model,
        "model_config": config,
        "target": output,
        "unit": "",
        "connect": None,
    }
    run = Run(case.model, stored, None)
    rng = np.random.default_rng(0)
    params = jax.tree.map(
        lambda x: x + 0.1 * rng.standard_normal(x.shape), template(run, 0)["model"]
    )

    def function(graph: Graph) -> Output:
        weights = jax.tree.map(lambda x: jnp.asarray(x, graph.positions.dtype), params)
        return run.model.apply({"params": weights}, graph)

    return function


def delta(case: Case, which: int) -> dict[str, float] | None:
    """The median Δ_EQ by precision under the published (0) or the mended (1) rule."""
    settings = case.settings[which]
    if settings is None:
        return None
    graph, inputs = graph_of(case.system)
    patched = case.patch is not None and which == 0
    place, name, value = case.patch or (None, "", None)
    with mock.patch.object(place, name, value) if patched else contextlib.nullcontext():
        found = {}
        for dtype in ("float32", "float64"):
            m = measure(
                function_of(case, inputs, settings),
                graph,
                case.group,
                SAMPLES,
                0,
                dtype,
                layers=False,
            )
            found[dtype] = float(np.median(m.largest()))
        return found


def row(case: Case) -> dict[str, Any]:
    """The case as plain values."""
    return {
        "model": case.model,
        "title": registry.load("models", case.model).TITLE,
        "group": case.group,
        "claimed": case.claimed,
        "rule": case.rule,
        "mended_rule": case.mended,
        "system": case.system,
        "published": delta(case, 0),
        "mended": delta(case, 1),
    }


def text(rows: list[dict[str, Any]]) -> str:
    """The table in Markdown."""

    def cell(found: dict[str, float] | None) -> str:
        return "–" if found is None else f"{found['float32']:.0e} / {found['float64']:.0e}"

    lines = [
        "| model | claimed in the paper | as published | Δ as published | as mended | Δ as mended |",
        "|---|---|---|---|---|---|",
    ]
    for r in rows:
        where = f"{r['group']} on {r['system']}"
        lines.append(
            f"| {r['title']} | {r['claimed']} | {r['rule']} | {where}: {cell(r['published'])} | "
            f"{r['mended_rule']} | {cell(r['mended'])} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    rows = []
    for case in CASES:
        rows.append(row(case))
        print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    print(text(rows))
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
