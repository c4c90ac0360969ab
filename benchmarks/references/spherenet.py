"""SphereNet of dive-into-graphs (github.com/divelab/DIG, commit 21476b07) beside ours.

Edges are found once and given to it; triplets and torsions it finds itself, as the program does.
One thing is mended: the torsion of a neighbour k with itself is the angle of a vector with itself,
which the program counts as 2π where it comes out as 0 or less. Whether it does is rounding: on one
CPU 12,894 of 25,904 torsions were about 1e-8 instead, in float64 12,931. Here those count as 2π.
"""

import math
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np

from references import case, directional, standins

TIE = 1e-3  # rad, as in our model


def build(checkout: Path, small: bool) -> list[case.Case]:
    """QM9's sizes within 5 Å: the published recipe on 32 molecules, or a small one on 6."""
    import torch

    module = _module(checkout)
    config = directional.config(small)
    systems = case.molecules(6 if small else 32, 5.0)
    torch.manual_seed(0)
    rank = config.get("basis_width", 8)
    model = module.SphereNet(
        num_layers=config.get("layers", 4),
        hidden_channels=config.get("width", 128),
        int_emb_size=config.get("triplet_width", 64),
        out_emb_channels=config.get("out_width", 256),
        basis_emb_size_dist=rank,
        basis_emb_size_angle=rank,
        basis_emb_size_torsion=rank,
    )
    directional.unsettled(model.parameters())
    edges, batch = standins.pairs(systems)
    module.radius_graph = lambda *_, **__: edges
    weights = _carried(model)
    x = torch.tensor(systems.positions)
    if small:  # the numbers of a fixture without the rounding of sines over high powers
        model, x = model.double(), x.double()
    given = types.SimpleNamespace(z=torch.tensor(systems.species), pos=x, batch=batch)
    parameters = list(model.parameters())
    return [
        case.Case(
            "spherenet_qm9", "spherenet", config, systems, weights, lambda: model(given), parameters
        )
    ]


def _module(checkout: Path) -> Any:
    """The program's file, without the packages that surround it."""
    import importlib

    standins.install()
    vars(np)["math"] = math  # gone from NumPy 2
    packages = (
        "dig",
        "dig.threedgraph",
        "dig.threedgraph.method",
        "dig.threedgraph.method.spherenet",
    )
    for name in packages:
        package = types.ModuleType(name)
        package.__path__ = [str(checkout / name.replace(".", "/"))]
        sys.modules[name] = package
    found = importlib.import_module("dig.threedgraph.method.spherenet.spherenet")
    geometry = sys.modules["dig.threedgraph.utils.geometric_computing"]
    vars(geometry)["scatter"] = _least
    return found


def _least(torsions: Any, index: Any, reduce: str) -> Any:
    """The program's least torsion of each triplet, with those of k with itself at 2π."""
    import torch

    assert reduce == "min"
    return standins.scatter(torch.where(torsions < TIE, 2 * math.pi, torsions), index, reduce="min")


def _carried(model: Any) -> case.Weights:
    carried = directional.Carried()
    first = model.init_e
    carried.embedding(first, first.lin_rbf_0, model.emb.dist_emb.freq)
    carried.head(0, first.lin_rbf_1, model.init_v, "orthogonal")
    for i, (edge, node) in enumerate(zip(model.update_es, model.update_vs, strict=True), 1):
        carried.interaction(i, edge)
        carried.head(i, edge.lin_rbf, node, "orthogonal")
        for name, theirs in (("angle", "sbf"), ("torsion", "t")):
            carried.layer(f"mixed_{i}/{name}_in", getattr(edge, f"lin_{theirs}1"))
            carried.layer(f"mixed_{i}/{name}_out", getattr(edge, f"lin_{theirs}2"))
    return carried.found
