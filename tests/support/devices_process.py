"""Losses of some steps on the first 1, 2, 4 … devices of this process, and what they send.

Molecules of unequal sizes with energies and forces, so that parts of a batch hold unequal numbers
of atoms. Prints {"devices": {"losses", "params", "megabytes"}} as JSON.
"""

import json
import re
import sys
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh

from demetar import models
from demetar.data.loader import Loader
from demetar.data.systems import Systems
from demetar.models.nn.init import initialise, probe
from demetar.runs.config import Config
from demetar.training import devices, loop, losses, optimiser, stream

jax.config.update("jax_disable_most_optimizations", True)
BYTES = {"f32": 4, "s32": 4}


def molecules() -> Systems:
    rng = np.random.default_rng(0)
    sizes = rng.integers(2, 9, 48)
    rows = int(sizes.sum())
    x, f = rng.normal(size=(2, rows, 3)).astype(np.float32)
    species = rng.choice([1, 6, 8], rows).astype(np.uint8)
    return Systems(sizes, 1.5 * x, rng.normal(size=(48, 1)), "meV", species, forces=f)


def sent(text: str) -> int:
    """Bytes that one device gives into the all-reduces of a compiled program."""
    total = 0
    for shapes in re.findall(r"= (\S+|\(.*?\)) all-reduce(?:-start)?\(", text):
        for kind, dims in re.findall(r"(f32|s32)\[([\d,]*)\]", shapes):
            total += BYTES[kind] * int(np.prod([int(d) for d in dims.split(",") if d] or [1]))
    return total


def trained(count: int) -> dict[str, Any]:
    mesh = None if count == 1 else Mesh(np.array(jax.devices()[:count]), (devices.AXIS,))
    settings = {
        "inputs": "atoms",
        "output": "scalar",
        "width": 8,
        "layers": 2,
        "update_positions": False,
    }
    model = models.create("egnn", **settings)
    config = Config(batch_size=16, epochs=2, augment="SO(3)", learning_rate=1e-2, warmup=0)
    params = initialise(model, probe(settings))
    tx = optimiser.optimiser(config, 6)
    loss = losses.make(model, "l2mae", 1.0, 10.0, total=devices.total(mesh))
    state, tree = loop.begin(params, tx)
    step = loop.make_step(loss, tx, tree, 0.9, "scalar", mesh)
    state = devices.replicate(jax.device_get(state), mesh)
    loader = Loader(molecules(), 16, parts=devices.parts(mesh))
    found: list[float] = []
    megabytes = 0.0
    for call in stream.calls(loader, config, 0, 1):
        batches = devices.place(call, mesh)
        if not found:
            megabytes = sent(step.lower(state, batches, 1.0).compile().as_text()) / 1e6
        state, values = step(state, batches, 1.0)
        found += np.asarray(values).tolist()
    total = [float(np.abs(np.asarray(x)).sum()) for x in jax.tree.leaves(tree(state[1]))]
    count = sum(x.size for x in jax.tree.leaves(params))
    return {"losses": found, "params": total, "megabytes": megabytes, "count": count}


if __name__ == "__main__":
    print(json.dumps({n: trained(int(n)) for n in sys.argv[1:]}))
