"""Small stand-ins for the compiled graph packages that published programs import.

`install()` puts modules named torch_scatter, torch_cluster, torch_geometric and ocpmodels in
place, with the few functions that those programs call, written with plain PyTorch operations.
"""

import math
import sys
import types
from typing import Any

import torch


def scatter(
    src: Any, index: Any, dim: int = 0, dim_size: int | None = None, reduce: str = "sum"
) -> Any:
    """Rows of `src` summed or averaged by `index`."""
    assert dim in (0, -2)
    rows = dim_size if dim_size is not None else int(index.max()) + 1
    total = src.new_zeros(rows, *src.shape[1:]).index_add(0, index, src)
    if reduce in ("sum", "add"):
        return total
    assert reduce == "mean"
    count = src.new_zeros(rows).index_add(0, index, src.new_ones(len(src)))
    return total / count.clamp(min=1).reshape(-1, *[1] * (src.ndim - 1))


def pooled(how: str) -> Any:
    """The pooling function of that name: (rows, batch) -> one row a graph."""
    return lambda rows, batch: scatter(rows, batch, reduce=how)


def softmax(logits: Any, index: Any) -> Any:
    """Softmax of the rows that share an index, column by column."""
    rows = int(index.max()) + 1
    spread = index.reshape(-1, *[1] * (logits.ndim - 1)).expand_as(logits)
    top = torch.full((rows, *logits.shape[1:]), -math.inf).scatter_reduce(
        0, spread, logits.detach(), "amax"
    )
    weights = (logits - top[index]).exp()
    return weights / scatter(weights, index, dim_size=rows)[index]


def radius_graph(
    pos: Any, r: float, batch: Any, loop: bool = False, max_num_neighbors: int = 32
) -> Any:
    """Pairs (neighbour, centre) of one graph that are closer than r."""
    near = (batch[:, None] == batch) & (torch.cdist(pos, pos) < r)
    near &= ~torch.eye(len(pos), dtype=torch.bool)
    centre, neighbour = near.nonzero().T
    return torch.stack([neighbour, centre])


def glorot(tensor: Any) -> None:
    """Xavier-uniform over the last two axes, in place."""
    bound = math.sqrt(6 / (tensor.shape[-2] + tensor.shape[-1]))
    tensor.data.uniform_(-bound, bound)


class MessagePassing(torch.nn.Module):
    """Sums `message` over the edges into each receiver and hands the sums to `update`."""

    def __init__(self, node_dim: int = -2, aggr: str = "add") -> None:
        super().__init__()
        assert (node_dim, aggr) == (-2, "add")

    def propagate(self, edge_index: Any, x: Any, node_attr: Any, **edges: Any) -> Any:
        """New node rows; edge_index holds senders and receivers."""
        sender, receiver = edge_index
        message = self.message(x[receiver], x[sender], **edges)  # pyright: ignore
        return self.update(scatter(message, receiver, dim_size=len(x)), x, node_attr)  # pyright: ignore


def install() -> None:
    """Puts the stand-ins where the published programs look for the packages."""
    nothing = type("Nothing", (torch.nn.Module,), {})
    contents: dict[str, dict[str, Any]] = {
        "torch_scatter": {"scatter": scatter},
        "torch_cluster": {"radius_graph": radius_graph},
        "torch_geometric": {},
        "torch_geometric.utils": {"softmax": softmax},
        "torch_geometric.data": {"Data": types.SimpleNamespace},
        "torch_geometric.nn": {
            "MessagePassing": MessagePassing,
            "global_mean_pool": pooled("mean"),
            "global_add_pool": pooled("sum"),
            "global_max_pool": pooled("max"),
        },
        "torch_geometric.nn.inits": {"glorot": glorot},
        "ocpmodels.models.gemnet.layers.radial_basis": {"RadialBasis": nothing},
    }
    for name in list(contents):
        parts = name.split(".")
        for i in range(1, len(parts)):
            contents.setdefault(".".join(parts[:i]), {})
    for name in sorted(contents):
        module = types.ModuleType(name)
        module.__dict__.update(contents[name])
        sys.modules[name] = module
        parent, _, last = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], last, module)
