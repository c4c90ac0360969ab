"""The enn-s2s network of PyTorch Geometric's examples/qm9_nn_conv.py beside ours; no checkout needed.

pip install torch_geometric==2.8.1. The example is a script that downloads a data set; its network is
put together here from the same parts. Features of atoms and types of bonds are ours on both sides.
"""

from pathlib import Path
from typing import Any

import numpy as np

from references import case


def build(checkout: Path | None, small: bool) -> list[case.Case]:
    """The example's sizes; width 12 and a narrow edge network if small."""
    import torch
    from torch_geometric.nn import NNConv, Set2Set

    from demetar.core import segments
    from demetar.models import nmp as ours
    from demetar.models.nn import inputs as nf

    config: dict[str, Any] = {"inputs": "atoms", "output": "scalar"}
    if small:
        config |= {"width": 12, "hidden": 10}
    c = ours.Config(**config)
    systems = case.molecules(6 if small else 64, None)
    torch.manual_seed(0)
    d = c.width
    network = torch.nn.Sequential(
        torch.nn.Linear(5, c.hidden), torch.nn.ReLU(), torch.nn.Linear(c.hidden, d * d)
    )
    parts = torch.nn.ModuleDict(
        {
            "conv": NNConv(d, d, network, root_weight=False),
            "gru": torch.nn.GRU(d, d),
            "readout": Set2Set(d, processing_steps=c.steps),
            "out_1": torch.nn.Linear(2 * d, d),
            "out_2": torch.nn.Linear(d, 1),
        }
    )
    graph = systems.graph()
    ends = np.stack([graph.senders, graph.receivers])[:, graph.edge_mask]
    length = segments.norm(nf.differences(graph, graph.positions))
    edge = np.concatenate([nf.bond_types(graph, length), length], 1)[graph.edge_mask]
    edge = torch.tensor(edge)
    pairs = torch.tensor(ends.astype(np.int64))
    rows = torch.tensor(np.repeat(np.arange(len(systems.sizes)), systems.sizes))
    assert systems.species is not None
    one_hot = systems.species[:, None] == np.array(c.species)
    start = torch.nn.functional.pad(torch.tensor(one_hot).float(), (0, d - len(c.species)))

    def predict() -> Any:
        h = start
        for _ in range(c.layers):
            m = torch.relu(parts["conv"](h, pairs, edge))
            h = parts["gru"](m[None], h[None])[0][0]
        return parts["out_2"](torch.relu(parts["out_1"](parts["readout"](h, rows))))

    with torch.no_grad():  # this bias starts at zero, which would hide an error
        parts["conv"].bias.add_(0.1 * torch.randn_like(parts["conv"].bias))
    weights = carried(parts)
    return [
        case.Case("nmp_qm9", "nmp", config, systems, weights, predict, list(parts.parameters()))
    ]


def carried(parts: Any) -> case.Weights:
    """Their weights by our names."""
    conv, gru, lstm = parts["conv"], parts["gru"], parts["readout"].lstm
    arrays = {
        "edge_in": (conv.nn[0].weight, conv.nn[0].bias),
        "pass/edge_out": (conv.nn[2].weight, conv.nn[2].bias),
        "pass/update/input": (gru.weight_ih_l0, gru.bias_ih_l0),
        "pass/update/state": (gru.weight_hh_l0, gru.bias_hh_l0),
        "readout/input": (lstm.weight_ih_l0, lstm.bias_ih_l0),
        "readout/state": (lstm.weight_hh_l0, lstm.bias_hh_l0),
        "out_1": (parts["out_1"].weight, parts["out_1"].bias),
        "out_2": (parts["out_2"].weight, parts["out_2"].bias),
    }
    found: case.Weights = {"pass/bias": conv.bias.detach().numpy()}
    for name, (weight, bias) in arrays.items():
        rule = "xavier" if name.startswith("out") else "kernel"
        found[f"{name}/{rule}"] = weight.detach().numpy().T
        found[f"{name}/bias"] = bias.detach().numpy()
    return found
