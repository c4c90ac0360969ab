"""Writes what NVIDIA's SE(3)-Transformer layers make of random features, as a fixture for a test.

python benchmarks/se3_transformer_reference.py CHECKOUT tests/models/fixtures/se3_transformer.npz

CHECKOUT is DGLPyTorch/DrugDiscovery/SE3Transformer of a clone of github.com/NVIDIA/DeepLearningExamples
(commit 729963dd); pip install "demetar[bench]". Attention block, norm, attention block, with degrees
0 to 2, its random weights, radial LayerNorm on, and one fused convolution; its graph package is
replaced by three functions here. Weights are stored in our layout: the last layer of a radial perceptron
is divided by what normalisation of harmonics and couplings differ in, which is a number for each path.
"""

import contextlib
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import torch

from demetar.models.nn.irreps import coupling
from demetar.symmetry import irreps as ir

DEGREES, WIDTH, HEADS, DIV, NODES = (0, 1, 2), 8, 2, 2, 5
EVEN = tuple(f"{l}e" for l in DEGREES)


def install() -> None:
    """Puts a small stand-in for DGL in place and switches off markers that need a GPU."""

    def softmax(graph: Any, logits: Any) -> Any:
        weights = (logits - logits.max()).exp()
        return weights / copy_e_sum(graph, weights)[graph.edges()[1]]

    def copy_e_sum(graph: Any, rows: Any) -> Any:
        empty = rows.new_zeros(NODES, *rows.shape[1:])
        return empty.index_add(0, graph.edges()[1], rows)

    def e_dot_v(graph: Any, edge: Any, node: Any) -> Any:
        return (edge * node[graph.edges()[1]]).sum(-1, keepdim=True)

    names = ("dgl", "dgl.ops", "dgl.nn", "dgl.nn.pytorch")
    modules: dict[str, Any] = {name: types.ModuleType(name) for name in names}
    modules["dgl"].DGLGraph, modules["dgl"].ops = object, modules["dgl.ops"]
    modules["dgl.ops"].edge_softmax = softmax
    modules["dgl.ops"].copy_e_sum, modules["dgl.ops"].e_dot_v = copy_e_sum, e_dot_v
    modules["dgl.nn.pytorch"].AvgPooling = modules["dgl.nn.pytorch"].MaxPooling = object
    sys.modules.update(modules)
    torch.cuda.nvtx.range = lambda name: contextlib.nullcontext()


def path_factors() -> list[tuple[coupling.Path, float]]:
    """Every path in our order, and their kernel over ours."""
    from e3nn import o3

    found = []
    for path in coupling.paths(EVEN, tuple(f"{l}e" for l in range(5)), EVEN):
        l1, l2, l3 = map(ir.degree, path)
        theirs = o3.wigner_3j(l2, l1, l3, dtype=torch.float64).permute(1, 0, 2).numpy()
        ours = coupling.coupling(path)
        at = np.unravel_index(np.abs(ours).argmax(), ours.shape)
        assert np.allclose(theirs, theirs[at] / ours[at] * ours)
        # their harmonics have |Y|² = (2l + 1)/4π, ours 2l + 1
        found.append((path, float(theirs[at] / ours[at] / np.sqrt(4 * np.pi))))
    return found


def last_layer(weight: np.ndarray) -> np.ndarray:
    """[hidden, ours] from their [outputs · inputs · frequencies, hidden]."""
    factors = path_factors()
    kept = WIDTH // DIV * 2
    theirs = weight.reshape(kept, WIDTH, len(factors), -1)  # out, in, frequency, hidden
    order = [path for k in EVEN for left in EVEN for path, _ in factors if path[::2] == (left, k)]
    scaled = [theirs[:, :, order.index(path)] * factor for path, factor in factors]
    by_out = [
        [s for (path, _), s in zip(factors, scaled, strict=True) if path[2] == k] for k in EVEN
    ]
    parts = [np.stack(s).transpose(3, 0, 2, 1).reshape(weight.shape[1], -1) for s in by_out]
    return np.concatenate(parts, 1)


def block_weights(block: Any, name: str) -> dict[str, np.ndarray]:
    """Weights of an attention block by the paths of ours."""
    net = block.to_key_value.conv.radial_func.net
    found = {f"{name}/radial/out/xavier": last_layer(net[6].weight.detach().numpy())}
    for ours, at in ((1, 0), (2, 3)):
        found[f"{name}/radial/layer_{ours}/kernel"] = net[at].weight.T
        found[f"{name}/radial/layer_{ours}/bias"] = net[at].bias
        found[f"{name}/radial/norm_{ours}/scale"] = net[at + 1].weight
        found[f"{name}/radial/norm_{ours}/bias"] = net[at + 1].bias
    for l in DEGREES:
        found[f"{name}/query/{l}e/kernel"] = block.to_query.weights[str(l)].T
        found[f"{name}/project/{l}e/kernel"] = block.project.weights[str(l)].T
    found[f"{name}/project/0e/bias"] = torch.zeros(WIDTH)
    return found


def main() -> None:
    checkout, path = Path(sys.argv[1]), Path(sys.argv[2])
    install()
    sys.path.insert(0, str(checkout))
    from se3_transformer.model import basis as bases
    from se3_transformer.model.fiber import Fiber
    from se3_transformer.model.layers.attention import AttentionBlockSE3
    from se3_transformer.model.layers.norm import NormSE3

    torch.manual_seed(0)
    fiber = Fiber([(l, WIDTH) for l in DEGREES])
    blocks = [
        AttentionBlockSE3(fiber, fiber, Fiber({0: 1}), HEADS, DIV, True, max(DEGREES))
        for _ in range(2)
    ]
    norm = NormSE3(fiber)
    with torch.no_grad():
        for module in (*blocks, norm):
            for p in module.parameters():
                if p.ndim == 1:  # scales and biases start at 1 and 0, which would hide an error
                    p += 0.3 * torch.randn_like(p)
    receivers, senders = np.nonzero(~np.eye(NODES, dtype=bool))
    graph = types.SimpleNamespace(edges=lambda: (torch.tensor(senders), torch.tensor(receivers)))
    x, product = torch.randn(NODES, 3), torch.randn(len(senders), 1)
    h = {str(l): torch.randn(NODES, WIDTH, 2 * l + 1) for l in DEGREES}
    away = x[receivers] - x[senders]
    basis = bases.get_basis(away, max(DEGREES))
    basis = bases.update_basis_with_fused(basis, max(DEGREES), False, True)
    edge = {"0": torch.cat([away.norm(dim=-1, keepdim=True), product], -1)[..., None]}
    with torch.no_grad():
        y = norm(blocks[0](h, edge, graph, basis))
        y = blocks[1](y, edge, graph, basis)
    weights = block_weights(blocks[0], "first") | block_weights(blocks[1], "second")
    scale, bias = (v.reshape(len(DEGREES), WIDTH) for v in norm.group_norm.parameters())
    for l in DEGREES:
        weights |= {f"norm/{l}e/scale": scale[l], f"norm/{l}e/bias": bias[l]}
    arrays = {f"weights/{k}": np.asarray(torch.as_tensor(v).detach()) for k, v in weights.items()}
    for l in DEGREES:
        arrays[f"input/{l}e"] = np.swapaxes(h[str(l)].numpy(), 1, 2)
        arrays[f"output/{l}e"] = np.swapaxes(y[str(l)].numpy(), 1, 2)
    np.savez_compressed(
        path,
        allow_pickle=False,
        positions=x.numpy(),
        products=product.numpy(),
        senders=senders,
        receivers=receivers,
        **arrays,
    )
    print(f"{path}: {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
