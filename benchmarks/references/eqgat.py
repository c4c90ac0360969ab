"""The published EQGAT (github.com/Bayer-Group/eqgat, commit 5bbce9bb) beside ours.

pip install torch_geometric==2.8.1; two functions of torch_scatter are replaced. The network's head is
that of its experiments/model.py without normalisation and dropout. No envelope in ours.
"""

import sys
import types
from pathlib import Path
from typing import Any

import numpy as np

from references import case, standins

VARIANTS = {"eqgat_qm9": {}, "eqgat_e3": {"parity": "e3"}}


def build(checkout: Path, small: bool) -> list[case.Case]:
    """The network that its readme names; both variants with 16 channels and 3 layers if small."""
    scatters: Any = types.ModuleType("torch_scatter")
    scatters.scatter, scatters.scatter_mean = standins.scatter, standins.pooled("mean")
    composite: Any = types.ModuleType("torch_scatter.composite")
    composite.scatter_softmax = lambda src, index, dim, dim_size: standins.softmax(src, index)
    sys.modules |= {"torch_scatter": scatters, "torch_scatter.composite": composite}
    package = types.ModuleType("eqgat.models")  # its __init__ imports more than this model
    package.__path__ = [str(checkout / "eqgat" / "models")]
    sys.modules["eqgat.models"] = package
    sys.path.insert(0, str(checkout))
    shared: dict[str, Any] = {
        "inputs": "atoms",
        "output": "scalar",
        "envelope": "none",
        "softening": 0.0,
    }
    if not small:
        return [_case("eqgat_qm9", shared, case.molecules(96, 5.0))]
    shared |= {"width": 16, "vectors": 8, "layers": 3, "bases": 8}
    systems = case.molecules(6, 5.0)
    return [_case(name, shared | more, systems) for name, more in VARIANTS.items()]


def _case(name: str, config: dict[str, Any], systems: case.Systems) -> case.Case:
    import torch
    from eqgat.models.eqgat import EQGATGNN
    from eqgat.modules import DenseLayer, GatedEquivBlock

    from demetar.models import eqgat as ours

    torch.manual_seed(0)
    c = ours.Config(**config)
    embed = torch.nn.Embedding(len(c.species), c.width)
    net = EQGATGNN(
        (c.width, c.vectors),
        c.layers,
        cutoff=c.cutoff,
        num_radial=c.bases,
        use_cross_product=c.parity == "se3",
    )
    head = GatedEquivBlock((c.width, c.vectors), (c.width, None), c.width, c.vectors)
    last = torch.nn.Sequential(
        DenseLayer(c.width, c.width, activation=torch.nn.SiLU()), DenseLayer(c.width, 1)
    )
    whole = torch.nn.ModuleList([embed, net, head, last])
    with torch.no_grad():  # its biases start at zero, which would hide an error
        for key, tensor in whole.named_parameters():
            if key.endswith("bias"):
                tensor.add_(0.1 * torch.randn_like(tensor))
    assert systems.species is not None
    graph = systems.graph()
    ends = np.stack([graph.senders, graph.receivers])[:, graph.edge_mask]
    pairs, places = torch.tensor(ends.astype(np.int64)), torch.tensor(systems.positions)
    rows = torch.tensor(np.repeat(np.arange(len(systems.sizes)), systems.sizes))
    numbers = torch.tensor([c.species.index(z) for z in systems.species])

    def predict() -> Any:
        r = places[pairs[0]] - places[pairs[1]]
        edge = (r.norm(dim=-1), torch.nn.functional.normalize(r, dim=-1, eps=1e-6))
        nothing = torch.zeros(len(places), 3, c.vectors)
        s, v = net((embed(numbers), nothing), pairs, edge, rows)
        return last(standins.scatter(head((s, v))[0], rows, reduce="mean"))

    weights = carried(c, embed, net, head, last)
    return case.Case(name, "eqgat", config, systems, weights, predict, list(whole.parameters()))


def carried(config: Any, embed: Any, net: Any, head: Any, last: Any) -> case.Weights:
    """Their weights by our names."""
    found: case.Weights = {"embed/embedding": embed.weight.detach().numpy()}

    def dense(theirs: Any, name: str) -> None:
        found[f"{name}/kernel"] = theirs.weight.detach().numpy().T
        if theirs.bias is not None:
            found[f"{name}/bias"] = theirs.bias.detach().numpy()

    width = config.width
    for i, conv in enumerate(net.convs):
        name = f"attention_{i + 1}"
        kernel = conv.edge_net[0].weight.detach().numpy().T
        parts = {
            "receiver": (0, width),
            "sender": (width, 2 * width),
            "geometry": (2 * width, None),
        }
        for part, (start, end) in parts.items():
            found[f"{name}/edge_{part}/kernel"] = kernel[start:end]
        found[f"{name}/edge_geometry/bias"] = conv.edge_net[0].bias.detach().numpy()
        dense(conv.edge_net[1], f"{name}/edge_out")
        dense(conv.scalar_net, f"{name}/scalar")
        if i:
            dense(conv.vector_net, f"{name}/vector")
        update = conv.update_net
        dense(update.Wv0, f"update_{i + 1}/vector")
        dense(update.Ws[0], f"update_{i + 1}/scalar/Dense_0")
        dense(update.Ws[1], f"update_{i + 1}/scalar/Dense_1")
        dense(update.Wv1, f"update_{i + 1}/out")
    dense(head.Wv0, "head/vector")
    dense(head.Ws, "head/scalar/Dense_0")
    dense(last[0], "out/Dense_0")
    dense(last[1], "out/Dense_1")
    return found
