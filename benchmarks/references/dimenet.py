"""PyTorch Geometric's DimeNet++ (github.com/pyg-team/pytorch_geometric, version 2.8.1) beside ours.

CHECKOUT is a clone, or the folder where the package is installed. Edges and triplets are found
once and given to it, so its times hold neither.
"""

import sys
from pathlib import Path
from typing import Any

from references import case, directional, standins


def build(checkout: Path, small: bool) -> list[case.Case]:
    """QM9's sizes within 5 Å: the published recipe on 32 molecules, or a small one on 6."""
    import torch

    sys.path.insert(0, str(checkout))
    from torch_geometric.nn.models import dimenet

    config = directional.config(small)
    systems = case.molecules(6 if small else 32, 5.0)
    torch.manual_seed(0)
    model = dimenet.DimeNetPlusPlus(
        config.get("width", 128),
        1,
        config.get("layers", 4),
        config.get("triplet_width", 64),
        config.get("basis_width", 8),
        config.get("out_width", 256),
        7,
        6,
        output_initializer="zeros" if small else "glorot_orthogonal",
    )
    directional.unsettled(model.parameters())
    edges, batch = standins.pairs(systems)
    dimenet.SparseTensor = standins.SparseTensor
    dimenet.radius_graph = lambda *_, **__: edges
    found = dimenet.triplets(edges, len(batch))
    dimenet.triplets = lambda *_, **__: found
    z, x = torch.tensor(systems.species), torch.tensor(systems.positions)
    weights = _carried(model)
    if small:  # the numbers of a fixture without the rounding of sines over high powers
        model, x = model.double(), x.double()
    parameters = list(model.parameters())

    def predict() -> Any:
        return model(z, x, batch)

    return [case.Case("dimenet_qm9", "dimenet", config, systems, weights, predict, parameters)]


def _carried(model: Any) -> case.Weights:
    carried = directional.Carried()
    carried.embedding(model.emb, model.emb.lin_rbf, model.rbf.freq)
    for i, block in enumerate(model.output_blocks):
        carried.head(i, block.lin_rbf, block, "zero")
    for i, block in enumerate(model.interaction_blocks, 1):
        carried.interaction(i, block)
        carried.layer(f"mixed_{i}/basis/in", block.lin_sbf1)
        carried.layer(f"mixed_{i}/basis/out", block.lin_sbf2)
    return carried.found
