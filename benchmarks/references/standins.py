"""Small stand-ins for the compiled graph packages that published programs import.

`install()` puts modules named torch_scatter, torch_sparse, torch_cluster, torch_geometric and ocpmodels in
place, with the few functions that those programs call, written with plain PyTorch operations.
"""

import math
import sys
import types
from typing import Any

import numpy as np
import torch

from references import case


def scatter(
    src: Any, index: Any, dim: int = 0, dim_size: int | None = None, reduce: str = "sum"
) -> Any:
    """Rows of `src` summed, averaged or, of a vector, the least taken by `index`."""
    assert dim in (0, -2)
    rows = dim_size if dim_size is not None else int(index.max()) + 1
    if reduce == "min":
        return src.new_full((rows,), math.inf).scatter_reduce(0, index, src, "amin")
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


def pairs(systems: case.Systems) -> tuple[Any, Any]:
    """Pairs (neighbour, centre) [2, pairs] of our own graph, and the system [rows] of each atom."""
    graph, rows = systems.graph(), len(systems.positions)
    real = graph.edge_mask
    ends = np.stack([graph.senders[real], graph.receivers[real]]).astype(np.int64)
    return torch.tensor(ends), torch.tensor(graph.graph_index[:rows].astype(np.int64))


class SparseTensor:
    """The entries of a sparse matrix by row, as far as triplets are found with it."""

    def __init__(self, row: Any, col: Any, value: Any, sparse_sizes: tuple[int, int]) -> None:
        order = torch.argsort(row * sparse_sizes[1] + col)
        self._row, self._col, self._value = row[order], col[order], value[order]
        self.sizes, self.storage = sparse_sizes, self

    def row(self) -> Any:
        """Rows of the entries."""
        return self._row

    def col(self) -> Any:
        """Columns of the entries."""
        return self._col

    def value(self) -> Any:
        """The entries."""
        return self._value

    def __getitem__(self, rows: Any) -> "SparseTensor":
        counts = torch.bincount(self._row, minlength=self.sizes[0])
        first = torch.cumsum(counts, 0) - counts
        many = counts[rows]
        row = torch.arange(len(rows)).repeat_interleave(many)
        start = first[rows] - (torch.cumsum(many, 0) - many)
        entry = torch.arange(len(row)) + start.repeat_interleave(many)
        found = SparseTensor.__new__(SparseTensor)
        found._row, found._col, found._value = row, self._col[entry], self._value[entry]
        found.sizes, found.storage = (len(rows), self.sizes[1]), found
        return found

    def set_value(self, value: None) -> "SparseTensor":
        """The same pattern, its entries ones."""
        return self

    def sum(self, dim: int) -> Any:
        """Entries in each row."""
        assert dim == 1
        return torch.bincount(self._row, minlength=self.sizes[0])


def glorot(tensor: Any) -> None:
    """Xavier-uniform over the last two axes, in place."""
    bound = math.sqrt(6 / (tensor.shape[-2] + tensor.shape[-1]))
    tensor.data.uniform_(-bound, bound)


def glorot_orthogonal(tensor: Any, scale: float) -> None:
    """An orthogonal matrix whose entries have the variance scale / (fan_in + fan_out), in place."""
    torch.nn.init.orthogonal_(tensor.data)
    tensor.data *= (scale / (sum(tensor.shape[-2:]) * tensor.data.var())) ** 0.5


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
        "torch_sparse": {"SparseTensor": SparseTensor},
        "torch_cluster": {"radius_graph": radius_graph},
        "torch_geometric": {},
        "torch_geometric.utils": {"softmax": softmax},
        "torch_geometric.data": {"Data": types.SimpleNamespace},
        "torch_geometric.nn": {
            "MessagePassing": MessagePassing,
            "radius_graph": radius_graph,
            "global_mean_pool": pooled("mean"),
            "global_add_pool": pooled("sum"),
            "global_max_pool": pooled("max"),
        },
        "torch_geometric.nn.inits": {"glorot": glorot, "glorot_orthogonal": glorot_orthogonal},
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
