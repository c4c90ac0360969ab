"""How long irreps models take: one layer against e3nn in PyTorch, rotations, training with forces.

python benchmarks/irreps.py layer [--repeats 30]      # needs torch and e3nn beside JAX
python benchmarks/irreps.py rotations [MODEL …]       # one of ethanol, cold and filled cache; 256 warm
python benchmarks/irreps.py steps [--invariants …]    # energy and forces on rMD17, batches of 10

`layer`: 2,000 edges, 32x(0e + 1o + 2e) coupled channel by channel with harmonics up to degree 2,
weights per edge, then a linear map; both programs are alive and take turns on one core. `rotations`
starts every model twice in a process of its own, first with an empty compilation cache. Prints a
table and, as the last line, JSON.
"""

import argparse
import dataclasses
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

EDGES, CHANNELS, IRREPS = 2000, 32, ("0e", "1o", "2e")
ROTATIONS, BATCH, CUTOFF = 256, 10, 2.0
MOLECULES = ("ethanol", "benzene", "aspirin")
IRREPS_MODELS = (
    "tfn", "segnn", "invariant_attention", "se3_transformer", "cormorant", "equiformer",
)  # fmt: skip
INVARIANTS = ("norm", "inverse", "mixed", "learned", "bessel", "gaussian")


def milliseconds(call: Callable[[], Any]) -> float:
    """How long one call takes."""
    began = time.perf_counter()
    call()
    return 1e3 * (time.perf_counter() - began)


def alternating(
    programs: dict[str, Callable[[], Any]], repeats: int
) -> dict[str, dict[str, float]]:
    """First call, median and least of the later ones, all programs in turn."""
    first = {name: milliseconds(call) for name, call in programs.items()}
    times: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(repeats):
        for name, call in programs.items():
            times[name].append(milliseconds(call))
    return {
        name: {"first_ms": first[name], "median_ms": statistics.median(t), "least_ms": min(t)}
        for name, t in times.items()
    }


def our_layer(arrays: dict[str, Any]) -> dict[str, Callable[[], Any]]:
    """The product and linear map here: forward, and with gradients of all inputs and weights."""
    import jax
    import jax.numpy as jnp

    from demetar.models.nn.irreps import coupling, products

    path_list = coupling.paths(IRREPS, IRREPS, IRREPS)

    def layer(x: Any, y: Any, weights: Any, kernels: Any) -> Any:
        made = products.convolve(x, y, path_list, weights)
        return {k: v @ kernels[k] for k, v in made.items()}

    def loss(*given: Any) -> Any:
        return sum(jnp.sum(jnp.square(v)) for v in layer(*given).values())

    given = jax.device_put((arrays["x"], arrays["y"], arrays["weights"], arrays["kernels"]))
    forward, slope = jax.jit(layer), jax.jit(jax.grad(loss, argnums=(0, 1, 2, 3)))
    return {
        "demetar forward": lambda: jax.block_until_ready(forward(*given)),
        "demetar gradient": lambda: jax.block_until_ready(slope(*given)),
    }


def cue_layer(arrays: dict[str, Any]) -> dict[str, Callable[[], Any]]:
    """The same layer with cuEquivariance's product, where that is installed."""
    if not importlib.util.find_spec("cuequivariance_jax"):
        return {}
    os.environ["DEMETAR_TENSOR_PRODUCT"] = "cuequivariance"
    calls = our_layer(arrays)
    for call in calls.values():
        call()  # compiles while the setting holds
    del os.environ["DEMETAR_TENSOR_PRODUCT"]
    return {name.replace("demetar", "cuequivariance"): call for name, call in calls.items()}


def torch_layer(arrays: dict[str, Any]) -> dict[str, Callable[[], Any]]:
    """The same layer of e3nn for PyTorch: TensorProduct("uvu") and Linear."""
    import numpy as np
    import torch
    from e3nn import o3

    from demetar.models.nn.irreps import coupling

    torch.set_num_threads(1)
    path_list = coupling.paths(IRREPS, IRREPS, IRREPS)
    given = o3.Irreps([(CHANNELS, i) for i in IRREPS])
    harmonics = o3.Irreps([(1, i) for i in IRREPS])
    middle = o3.Irreps([(CHANNELS, out) for *_, out in path_list])
    instructions = [
        (IRREPS.index(a), IRREPS.index(b), i, "uvu", True) for i, (a, b, _) in enumerate(path_list)
    ]
    product = o3.TensorProduct(
        given, harmonics, middle, instructions, shared_weights=False, internal_weights=False
    )
    linear = o3.Linear(middle.simplify(), given)
    flat = [np.swapaxes(arrays["x"][i], 1, 2).reshape(EDGES, -1) for i in IRREPS]
    x = torch.tensor(np.concatenate(flat, 1), requires_grad=True)
    y = torch.tensor(np.concatenate([arrays["y"][i] for i in IRREPS], 1), requires_grad=True)
    weights = torch.tensor(arrays["weights"], requires_grad=True)

    def forward() -> Any:
        with torch.no_grad():
            return linear(product(x, y, weights))

    def slope() -> Any:
        out = linear(product(x, y, weights))
        return torch.autograd.grad(out.square().sum(), [x, y, weights, *linear.parameters()])

    return {"e3nn forward": forward, "e3nn gradient": slope}


def arrays_of(edges: int) -> dict[str, Any]:
    """Random inputs, weights and kernels of the layer for so many edges."""
    import numpy as np

    from demetar.models.nn.irreps import coupling
    from demetar.symmetry import irreps as ir

    rng = np.random.default_rng(0)
    dims = {i: 2 * ir.degree(i) + 1 for i in IRREPS}
    path_list = coupling.paths(IRREPS, IRREPS, IRREPS)
    count = {i: sum(out == i for *_, out in path_list) * CHANNELS for i in IRREPS}
    shapes = {
        "x": {i: (edges, d, CHANNELS) for i, d in dims.items()},
        "y": {i: (edges, d) for i, d in dims.items()},
        "kernels": {i: (n, CHANNELS) for i, n in count.items()},
    }
    arrays: dict[str, Any] = {
        k: {i: rng.normal(size=s).astype(np.float32) for i, s in v.items()}
        for k, v in shapes.items()
    }
    arrays["weights"] = rng.normal(size=(edges, len(path_list) * CHANNELS)).astype(np.float32)
    return arrays


def layer(repeats: int) -> dict[str, Any]:
    """Both programs on one core, alternating."""
    os.sched_setaffinity(0, {0})
    arrays = arrays_of(EDGES)
    programs = our_layer(arrays) | cue_layer(arrays) | torch_layer(arrays)
    found = alternating(programs, repeats)
    for kind in ("forward", "gradient"):
        ratio = found[f"e3nn {kind}"]["median_ms"] / found[f"demetar {kind}"]["median_ms"]
        found[f"ratio {kind}"] = {"median_ms": ratio}
    return found


def one_rotation(model: str) -> dict[str, float]:
    """In this process: seconds of imports, of the first rotation, of 256 moved only and both ways."""
    began = time.perf_counter()
    import ase.build

    from demetar.core.graph import from_atoms
    from demetar.models.nn.init import enlarged
    from demetar.runs.run import Run, template
    from demetar.symmetry.equivariance import measure

    settings = {"inputs": "atoms", "output": "scalar"}
    run = Run(
        model,
        {
            "model": model,
            "model_config": settings,
            "target": "energy",
            "unit": "meV",
            "connect": CUTOFF,
        },
        None,
    )
    imported = time.perf_counter()
    params = template(run)
    run = dataclasses.replace(run, params=params | {"model": enlarged(params["model"])})
    graph = from_atoms(ase.build.molecule("CH3CH2OH"))

    def seconds(samples: int, rebuild: bool) -> float:
        start = time.perf_counter()
        measure(run, graph, "SO(3)", samples=samples, rebuild=rebuild)
        return time.perf_counter() - start

    return {
        "imports_s": imported - began,
        "first_s": seconds(1, False),
        "warm_s": min(seconds(ROTATIONS, False) for _ in range(3)),
        "both_s": min(seconds(ROTATIONS, True) for _ in range(3)),
    }


def rotations(models: list[str]) -> dict[str, Any]:
    """Every model twice in a fresh process: with an empty compilation cache and with a full one."""
    found: dict[str, Any] = {}
    for model in models:
        with tempfile.TemporaryDirectory() as cache:
            for state in ("cold", "cached"):
                done = subprocess.run(
                    [sys.executable, __file__, "one", model],
                    env=os.environ | {"DEMETAR_CACHE": cache},
                    capture_output=True,
                    text=True,
                    check=True,
                )
                found[f"{model} {state}"] = json.loads(done.stdout.splitlines()[-1])
    return found


def one_step(molecule: str, invariant: str) -> tuple[Callable[[], Any], dict[str, int]]:
    """One training step of attention by invariants at its default size, and what it works on."""
    import jax
    import numpy as np
    import optax

    from demetar import models
    from demetar.core import registry
    from demetar.data.loader import Loader
    from demetar.data.systems import Labels
    from demetar.models.nn.init import initialise
    from demetar.training import losses

    data = registry.load("datasets", "rmd17").systems("train", size=BATCH, molecule=molecule)
    graph, labels = Loader(data, BATCH, CUTOFF).batch(np.arange(BATCH))
    energies, forces = np.asarray(labels.target), np.asarray(labels.forces)
    labels = Labels((energies - energies.mean()) / forces.std(), forces / forces.std())
    labels = jax.tree.map(lambda a: np.asarray(a, np.float32), labels)
    graph = graph.astype(np.float32)
    settings = {"inputs": "atoms", "output": "scalar", "invariant": invariant, "cutoff": CUTOFF}
    model = models.create("invariant_attention", **settings)
    params, tx, loss = initialise(model, graph), optax.adamw(1e-3), losses.make(model)

    @jax.jit
    def step(params: Any, slots: Any) -> Any:
        updates, slots = tx.update(jax.grad(loss)(params, graph, labels), slots, params)
        return optax.apply_updates(params, updates), slots

    slots = tx.init(params)
    size = sum(x.size for x in jax.tree.leaves(params))
    edges = int(np.asarray(graph.edge_mask).sum())
    return lambda: jax.block_until_ready(step(params, slots)), {"edges": edges, "parameters": size}


def steps(invariants: list[str], repeats: int) -> dict[str, Any]:
    """Steps on energies and forces, one choice after the other."""
    found = {}
    for molecule in MOLECULES:
        for invariant in invariants:
            call, facts = one_step(molecule, invariant)
            found[f"{molecule} {invariant}"] = alternating({"step": call}, repeats)["step"] | facts
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("part", choices=["layer", "rotations", "steps", "one"])
    parser.add_argument("models", nargs="*")
    parser.add_argument("--invariants", nargs="*", default=list(INVARIANTS), choices=INVARIANTS)
    parser.add_argument("--repeats", type=int, default=30)
    arguments = parser.parse_args()
    if arguments.part == "one":
        print(json.dumps(one_rotation(arguments.models[0])))
        return
    found = {
        "layer": lambda: layer(arguments.repeats),
        "rotations": lambda: rotations(arguments.models or list(IRREPS_MODELS)),
        "steps": lambda: steps(arguments.invariants, arguments.repeats),
    }[arguments.part]()
    for name, numbers in found.items():
        row = "  ".join(f"{key} {value:10.2f}" for key, value in numbers.items())
        print(f"{name:32s} {row}", file=sys.stderr)
    print(json.dumps({"load": round(os.getloadavg()[0], 1), **found}))


if __name__ == "__main__":
    main()
