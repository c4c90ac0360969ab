"""The published SEGNN (github.com/RobDHess/Steerable-E3-GNN, commit 1b95898f) beside ours.

Its N-body transform is replaced: it hands over coordinates minus their own mean over x, y, z, which
is no vector. Here both programs get positions relative to the centre.
"""

import sys
import types
from pathlib import Path
from typing import Any

import numpy as np

from references import case, standins


def build(checkout: Path, small: bool, device: str = "cpu") -> list[case.Case]:
    """N-body (width 32, 4 layers) and QM9 (7 layers, lmax 2 and 3, instance norm); reduced if small.

    The published program computes on `device`.
    """
    standins.install()
    sys.path.insert(0, str(checkout))
    particles = {"inputs": "particles", "output": "positions", "width": 32, "layers": 4}
    atoms = {
        "inputs": "atoms", "output": "scalar", "width": 29, "layers": 7, "lmax": 2,
        "lmax_attributes": 3, "norm": "instance",
    }  # fmt: skip
    if small:
        particles |= {"width": 8, "layers": 2}
        atoms |= {"width": 6, "layers": 2}
    return [
        _case("segnn_nbody", particles, case.nbody(12 if small else 100), device),
        _case("segnn_qm9", atoms, case.molecules(6 if small else 128, 2.0), device),
    ]


def _case(name: str, config: dict[str, Any], systems: case.Systems, device: str) -> case.Case:
    import torch
    from e3nn.o3 import Irreps
    from models.segnn.segnn import SEGNN

    torch.manual_seed(0)
    particles = config["inputs"] == "particles"
    attributes = Irreps.spherical_harmonics(config.get("lmax_attributes", 1))
    hidden = Irreps([(config["width"], (l, (-1) ** l)) for l in range(config.get("lmax", 1) + 1)])
    model = SEGNN(
        Irreps("2x1o + 1x0e") if particles else Irreps("5x0e"),
        hidden,
        Irreps("1x1o") if particles else Irreps("1x0e"),
        attributes,
        attributes,
        config["layers"],
        norm=config.get("norm", "none"),
        pool="avg",
        task="node" if particles else "graph",
        additional_message_irreps=Irreps("2x0e") if particles else Irreps("1x0e"),
    )
    if particles:
        with torch.no_grad():  # displacements start near zero, which would hide an error
            model.pre_pool2.tp.weight.mul_(30)
    weights = _carried(model, particles)
    graph = _inputs(systems, attributes, particles)
    for key, value in vars(graph).items():
        if isinstance(value, torch.Tensor):
            setattr(graph, key, value.to(device))
    model.to(device)

    def predict() -> Any:
        out = model(types.SimpleNamespace(**vars(graph)))
        return graph.pos + out if particles else out

    return case.Case(name, "segnn", config, systems, weights, predict, list(model.parameters()))


def _inputs(systems: case.Systems, attributes: Any, particles: bool) -> Any:
    import torch
    from e3nn.o3 import spherical_harmonics

    graph = systems.graph()
    rows = len(systems.positions)
    x = torch.tensor(systems.positions)
    index = torch.tensor(graph.graph_index[:rows].astype(np.int64))
    pairs = torch.tensor(np.stack([graph.senders, graph.receivers]).astype(np.int64))
    r = x[pairs[0]] - x[pairs[1]]
    how = "integral" if particles else "component"
    edge = spherical_harmonics(attributes, r, normalize=True, normalization=how)
    node = standins.scatter(edge, pairs[1], dim_size=rows, reduce="mean")
    square = r.pow(2).sum(1, keepdim=True)
    if particles:
        assert systems.charges is not None
        v, q = torch.tensor(systems.velocities), torch.tensor(systems.charges)[:, None]
        centred = x - standins.scatter(x, index, reduce="mean")[index]
        node = node + spherical_harmonics(attributes, v, normalize=True, normalization=how)
        given = torch.cat([centred, v, v.norm(dim=1, keepdim=True)], 1)
        extra = torch.cat([square.sqrt(), q[pairs[0]] * q[pairs[1]]], 1)
    else:
        assert systems.species is not None
        given = torch.tensor(systems.species[:, None] == np.array(case.ELEMENTS)).float()
        extra = square
    return types.SimpleNamespace(
        x=given,
        pos=x,
        edge_index=pairs,
        edge_attr=edge,
        node_attr=node,
        batch=index,
        additional_message_features=extra,
        num_nodes=rows,
        contains_isolated_nodes=lambda: False,
    )


def _carried(model: Any, particles: bool) -> case.Weights:
    """Its weights by our names. Our exact activations differ from its sampled ones by a factor,
    which the layer that reads them takes over."""
    import torch
    from e3nn.math import normalize2mom

    from demetar.models.nn import activations

    factors = {
        "0e": normalize2mom(torch.nn.SiLU()).cst / activations.SILU,
        "": normalize2mom(torch.sigmoid).cst / activations.SIGMOID,
    }
    found: case.Weights = {}

    def steered(theirs: Any, name: str, after_gate: set[int] | None = None) -> None:
        kernels = _kernels(theirs.tp, after_gate or set(), factors)
        found.update({f"{name}/product/mix/{k}/kernel": v for k, v in kernels.items()})
        if theirs.biases is not None:
            found[f"{name}/product/mix/0e/bias"] = theirs.biases.detach().numpy()

    steered(model.embedding_layer, "embed")
    for i, layer in enumerate(model.layers):
        degrees = len(layer.hidden_irreps)
        gated, tail = set(range(degrees)), set(range(degrees, 2 * degrees))
        name = f"layer_{i + 1}"
        steered(layer.message_layer_1, f"{name}/message_1")
        steered(layer.message_layer_2, f"{name}/message_2", gated)
        steered(layer.update_layer_1, f"{name}/update_1", tail)
        steered(layer.update_layer_2, f"{name}/update_2", gated)
        if layer.feature_norm is not None:
            found[f"{name}/norm/scale"] = layer.feature_norm.weight.detach().numpy()
            found[f"{name}/norm/bias"] = layer.feature_norm.bias.detach().numpy()
    steered(model.pre_pool1, "head_1")
    steered(model.pre_pool2, "head_2", set(range(degrees)))
    if not particles:
        for theirs, ours in ((model.post_pool1, "pooled"), (model.post_pool2, "out")):
            found[f"{ours}/kernel"] = _kernels(theirs.tp, set(), factors)["0e"]
            found[f"{ours}/bias"] = theirs.biases.detach().numpy()
    return found


def _kernels(product: Any, after_gate: set[int], factors: dict[str, float]) -> case.Weights:
    """Kernels by output irrep: rows by input irrep, then attribute, then the program's own order."""
    blocks: dict[tuple[str, str, str], list[np.ndarray]] = {}
    for weight, step in zip(product.weight_views(), product.instructions, strict=True):
        parts = (product.irreps_in1[step.i_in1], product.irreps_in2[step.i_in2])
        left, right, out = (str(p.ir) for p in (*parts, product.irreps_out[step.i_out]))
        factor = factors.get(left, factors[""]) if step.i_in1 in after_gate else 1.0
        blocks.setdefault((out, left, right), []).append(factor * weight.detach().numpy()[:, 0])
    kernels: case.Weights = {}
    for out in dict.fromkeys(k[0] for k in blocks):
        rows = [np.concatenate(v) for k, v in sorted(blocks.items()) if k[0] == out]
        kernels[out] = np.concatenate(rows)
    return kernels
