"""SchNet of PyTorch Geometric (pip install torch_geometric==2.8.1) beside ours; no checkout needed.

Its search for neighbours is left out of the comparison: both programs get the same edges.
"""

from pathlib import Path
from typing import Any

import numpy as np

from references import case


def build(checkout: Path | None, small: bool) -> list[case.Case]:
    """The QM9 model that its documentation loads; 16 channels and 2 interactions if small."""
    config: dict[str, Any] = {"inputs": "atoms", "output": "scalar"}
    if small:
        config |= {"width": 16, "layers": 2, "bases": 20, "cutoff": 5.0}
    systems = case.molecules(6 if small else 96, config.get("cutoff", 10.0))
    import torch
    from torch_geometric.nn.models import SchNet

    from demetar.models import schnet as ours

    torch.manual_seed(0)
    c = ours.Config(**config)
    graph = systems.graph()
    real = graph.edge_mask
    pairs = torch.tensor(np.stack([graph.senders, graph.receivers])[:, real].astype(np.int64))

    def joined(places: Any, rows: Any) -> tuple[Any, Any]:
        return pairs, (places[pairs[0]] - places[pairs[1]]).norm(dim=-1)

    model = SchNet(c.width, c.width, c.layers, c.bases, c.cutoff, interaction_graph=joined)
    rows = torch.tensor(np.repeat(np.arange(len(systems.sizes)), systems.sizes))
    places, numbers = torch.tensor(systems.positions), torch.tensor(systems.species)

    with torch.no_grad():  # its biases start at zero, which would hide an error
        for key, tensor in model.named_parameters():
            if key.endswith("bias"):
                tensor.add_(0.1 * torch.randn_like(tensor))
    return [
        case.Case(
            "schnet_qm9",
            "schnet",
            config,
            systems,
            carried(model, c.species),
            lambda: model(numbers, places, rows),
            list(model.parameters()),
        )
    ]


def carried(model: Any, species: tuple[int, ...]) -> case.Weights:
    """Its weights by our names."""
    found: case.Weights = {"embed/embedding": model.embedding.weight.detach().numpy()[[*species]]}

    def dense(theirs: Any, name: str) -> None:
        found[f"{name}/xavier"] = theirs.weight.detach().numpy().T
        if theirs.bias is not None:
            found[f"{name}/bias"] = theirs.bias.detach().numpy()

    for i, block in enumerate(model.interactions):
        layers = {
            "filter/in": block.mlp[0],
            "filter/out": block.mlp[2],
            "sender": block.conv.lin1,
            "received": block.conv.lin2,
            "update": block.lin,
        }
        for name, theirs in layers.items():
            dense(theirs, f"layer_{i + 1}/{name}")
    dense(model.lin1, "out_1")
    dense(model.lin2, "out_2")
    return found
