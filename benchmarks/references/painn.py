"""The PaiNN of schnetpack (github.com/atomistic-machine-learning/schnetpack, release 2.1.1) beside ours.

CHECKOUT is the folder that holds the package `schnetpack`, such as its unpacked wheel. Only its
`representation.painn` and `nn` are read; the rest would need a dozen further packages.
"""

import importlib
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np

from references import case

CUTOFF, BASES = 5.0, 20


def build(checkout: Path, small: bool) -> list[case.Case]:
    """QM9 (width 128, 3 layers, 20 Gaussians up to 5 Å), summed over atoms; reduced if small."""
    _bare_package(checkout / "schnetpack")
    config = {
        "inputs": "atoms", "output": "scalar", "width": 128, "layers": 3, "bases": BASES,
        "cutoff": CUTOFF, "softening": 1e-4,
    }  # fmt: skip
    if small:
        config |= {"width": 16, "layers": 2, "bases": 8}
    return [_case("painn_qm9", config, case.molecules(6 if small else 96, CUTOFF))]


def _bare_package(folder: Path) -> None:
    """`schnetpack` and `schnetpack.representation` as packages whose __init__ does not run."""
    for name, path in (
        ("schnetpack", folder),
        ("schnetpack.representation", folder / "representation"),
    ):
        module = types.ModuleType(name)
        module.__path__ = [str(path)]
        sys.modules[name] = module
    sys.modules["schnetpack"].__dict__["nn"] = importlib.import_module("schnetpack.nn")


def _case(name: str, config: dict[str, Any], systems: case.Systems) -> case.Case:
    import schnetpack.nn as snn
    import torch
    from schnetpack.representation.painn import PaiNN

    torch.manual_seed(0)
    width, layers = config["width"], config["layers"]
    net = PaiNN(
        width,
        layers,
        snn.GaussianRBF(config["bases"], config["cutoff"]),
        snn.CosineCutoff(config["cutoff"]),
    )
    head = snn.build_mlp(width, 1, n_layers=2, activation=torch.nn.functional.silu)
    both = torch.nn.ModuleList([net, head])
    with torch.no_grad():  # biases start at zero, which would hide an error
        for key, tensor in both.named_parameters():
            if key.endswith("bias"):
                tensor.normal_(std=0.1)
    assert systems.species is not None
    graph = systems.graph()
    real = graph.edge_mask
    rows = len(systems.positions)
    x = torch.tensor(systems.positions)
    i, j = (torch.tensor(a[real].astype(np.int64)) for a in (graph.receivers, graph.senders))
    index = torch.tensor(graph.graph_index[:rows].astype(np.int64))
    species = torch.tensor(systems.species.astype(np.int64))

    def predict() -> Any:
        given = {"_atomic_numbers": species, "_Rij": x[j] - x[i], "_idx_i": i, "_idx_j": j}
        atoms = head(net(given)["scalar_representation"])
        return atoms.new_zeros(len(systems.sizes), 1).index_add(0, index, atoms)

    return case.Case(
        name,
        "painn",
        config,
        systems,
        _carried(net, head, config),
        predict,
        list(both.parameters()),
    )


def _carried(net: Any, head: Any, config: dict[str, Any]) -> case.Weights:
    """The reference's weights by our names.

    Its filters of all layers are one map with a bias, ours one matrix a layer with the bias as its
    last row. The first layer has no vectors to pass on yet: their third of its filters is left out.
    """
    width = config["width"]
    found: case.Weights = {}

    def dense(path: str, layer: Any, columns: int | None = None) -> None:
        found[f"{path}/kernel"] = layer.weight.detach().numpy()[:columns].T
        found[f"{path}/bias"] = layer.bias.detach().numpy()[:columns]

    elements = list(case.ELEMENTS)
    found["embed/embedding"] = net.embedding.weight.detach().numpy()[elements]
    filters = np.concatenate(
        [net.filter_net.weight.detach().numpy().T, net.filter_net.bias.detach().numpy()[None]]
    )
    for n, (message, mixing) in enumerate(zip(net.interactions, net.mixing, strict=True), 1):
        own = filters[:, 3 * width * (n - 1) : 3 * width * n]
        columns = 2 * width if n == 1 else 3 * width
        found[f"filters_{n}/kernel"] = own[:, :columns]
        dense(f"message_{n}/sent/Dense_0", message.interatomic_context_net[0])
        dense(f"message_{n}/sent/Dense_1", message.interatomic_context_net[1], columns)
        dense(f"update_{n}/context/Dense_0", mixing.intraatomic_context_net[0])
        dense(f"update_{n}/context/Dense_1", mixing.intraatomic_context_net[1])
        found[f"update_{n}/vector_mix/xavier"] = mixing.mu_channel_mix.weight.detach().numpy().T
    dense("readout/perceptron/Dense_0", head[0])
    dense("readout/perceptron/Dense_1", head[1])
    return found
