"""The equivariant transformer of github.com/torchmd/torchmd-net (release 3.1.0) beside ours.

CHECKOUT is the folder that holds the package `torchmdnet`, such as its unpacked source archive. Only
its `models.torchmd_et`, `models.utils` and `models.output_modules` are read. Its neighbour search, a
compiled kernel, is replaced by the pairs that our graph has, with every atom as its own neighbour.
"""

import sys
import types
from pathlib import Path
from typing import Any

import numpy as np

from references import case

CUTOFF = 5.0


def build(checkout: Path, small: bool) -> list[case.Case]:
    """The MD17 recipe (width 128, 6 layers, 32 functions) on QM9's sizes, and, small, both cutoffs."""
    _bare_package(checkout / "torchmdnet")
    config = {
        "inputs": "atoms", "output": "scalar", "width": 128, "layers": 6, "heads": 8, "bases": 32,
        "cutoff": CUTOFF, "softening": 1e-6,
    }  # fmt: skip
    if not small:
        return [_case("torchmd_net", config, case.molecules(96, CUTOFF))]
    config |= {"width": 16, "layers": 3, "heads": 4, "bases": 8}
    smooth = config | {"vector_cutoff": True}
    systems = case.molecules(6, CUTOFF)
    return [_case("torchmd_net", config, systems), _case("torchmd_net_smooth", smooth, systems)]


def _bare_package(folder: Path) -> None:
    """`torchmdnet` without its kernel and its command line, of which the network needs nothing."""
    contents: dict[str, dict[str, Any]] = {
        "torchmdnet": {"__path__": [str(folder)]},
        "torchmdnet.extensions": {"__path__": []},
        "torchmdnet.extensions.ops": {"get_neighbor_pairs_kernel": None},
        "torchmdnet.utils": {"deprecated_class": lambda found: found, "atomic_masses": None},
    }
    for name, content in contents.items():
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__dict__.update(content)


def _case(name: str, config: dict[str, Any], systems: case.Systems) -> case.Case:
    import torch
    from torchmdnet.models.output_modules import EquivariantScalar
    from torchmdnet.models.torchmd_et import TorchMD_ET

    torch.manual_seed(0)
    net = TorchMD_ET(
        config["width"],
        config["layers"],
        config["bases"],
        trainable_rbf=False,
        num_heads=config["heads"],
        cutoff_upper=config["cutoff"],
        vector_cutoff=config.get("vector_cutoff", False),
    )
    both = torch.nn.ModuleList([net, EquivariantScalar(config["width"])])
    with torch.no_grad():  # biases start at zero, which would hide an error
        for key, tensor in both.named_parameters():
            if key.endswith("bias"):
                tensor.normal_(std=0.1)
    assert systems.species is not None
    graph = systems.graph()
    rows = len(systems.positions)
    loops = torch.arange(rows).expand(2, rows)
    real = np.stack([graph.senders, graph.receivers])[:, graph.edge_mask].astype(np.int64)
    pairs = torch.cat([torch.tensor(real), loops], 1)

    class Given(torch.nn.Module):
        """The pairs of our graph, with lengths and vectors, instead of a search."""

        def forward(self, pos: Any, batch: Any, box: Any) -> tuple[Any, Any, Any]:
            vectors = pos[pairs[0]] - pos[pairs[1]]
            return pairs, vectors.norm(dim=1), vectors

    net.distance = Given()
    x, species = torch.tensor(systems.positions), torch.tensor(systems.species.astype(np.int64))
    index = torch.tensor(graph.graph_index[:rows].astype(np.int64))

    def predict() -> Any:
        atoms = both[1].pre_reduce(*net(species, x, index))
        return atoms.new_zeros(len(systems.sizes), 1).index_add(0, index, atoms)

    weights = _carried(net, both[1], config)
    return case.Case(
        name, "torchmd_net", config, systems, weights, predict, list(both.parameters())
    )


def _carried(net: Any, head: Any, config: dict[str, Any]) -> case.Weights:
    """The reference's weights by our names.

    Its values are cut into heads before they are cut into three parts, ours the other way round; its
    parts come as (scalar, old vectors, direction) and (o¹, o², o³), ours so that what the first layer
    lacks, for want of vectors, stands last. The vectors that its last block makes are not used.
    """
    width, heads = config["width"], config["heads"]
    value = np.arange(3 * width).reshape(heads, 3, -1).swapaxes(0, 1)[[0, 2, 1]].reshape(-1)
    out = np.arange(3 * width).reshape(3, -1)[[2, 1, 0]].reshape(-1)
    found: case.Weights = {}

    def carry(path: str, layer: Any, rows: Any = slice(None), rule: str = "xavier") -> None:
        found[f"{path}/{rule}"] = layer.weight.detach().numpy()[rows].T
        if getattr(layer, "bias", None) is not None:
            found[f"{path}/bias"] = layer.bias.detach().numpy()[rows]

    near, elements = net.neighbor_embedding, list(case.ELEMENTS)
    for path, table in (("embed", net.embedding), ("embed_neighbour", near.embedding)):
        found[f"{path}/embedding"] = table.weight.detach().numpy()[elements]
    carry("neighbour_filter", near.distance_proj)
    carry("neighbours", near.combine)
    for n, layer in enumerate(net.attention_layers, 1):
        first = n == 1
        carry(f"layer_{n}/norm", layer.layernorm, rule="scale")
        for path, part in (("query", "q"), ("key", "k"), ("key_filter", "dk")):
            carry(f"layer_{n}/{path}", getattr(layer, f"{part}_proj"))
        for path, part in (("value", layer.v_proj), ("value_filter", layer.dv_proj)):
            carry(f"layer_{n}/{path}", part, value[: 2 * width] if first else value)
        carry(f"layer_{n}/out", layer.o_proj, out[:width] if first else out)
        if not first:
            carry(f"layer_{n}/vector_mix", layer.vec_proj)
    carry("norm", net.out_norm, rule="scale")
    for n, block in enumerate(head.output_network, 1):
        carry(f"head_{n}/norm_mix", block.vec1_proj)
        carry(f"head_{n}/gate/Dense_0", block.update_net.layers[0], rule="kernel")
        last, rows = block.update_net.layers[2], slice(None) if n == 1 else slice(1)
        carry(f"head_{n}/gate/Dense_1", last, rows, rule="kernel")
    carry("head_1/vector_mix", head.output_network[0].vec2_proj)
    return found
