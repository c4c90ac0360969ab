"""Weights of the published DimeNet++ and SphereNet by our names: their layers are the same."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from references import case


def config(small: bool) -> dict[str, Any]:
    """Settings of ours: the published recipe for QM9, or a small one."""
    found = {"inputs": "atoms", "output": "scalar"}
    if not small:
        return found
    return found | {
        "width": 16,
        "layers": 2,
        "triplet_width": 8,
        "basis_width": 4,
        "out_width": 12,
    }


class Carried:
    """Collects the weights of torch layers by our names."""

    def __init__(self) -> None:
        self.found: case.Weights = {}

    def layer(self, name: str, theirs: Any, rule: str = "orthogonal") -> None:
        """Kernel, and bias where there is one, of a linear layer."""
        self.found[f"{name}/{rule}"] = theirs.weight.detach().numpy().T
        if theirs.bias is not None:
            self.found[f"{name}/bias"] = theirs.bias.detach().numpy()

    def embedding(self, theirs: Any, distance: Any, frequency: Any) -> None:
        """The first messages, and the frequencies of the basis of distances."""
        table = theirs.emb.weight.detach().numpy()
        self.found["distances/frequency"] = frequency.detach().numpy()
        self.found["embedding/species/table"] = table[list(case.ELEMENTS)]
        self.layer("embedding/distance", distance, "kernel")
        self.layer("embedding", theirs.lin, "kernel")

    def interaction(self, number: int, theirs: Any) -> None:
        """All of an interaction but what acts on triplets."""
        sent, updated = f"sent_{number}", f"updated_{number}"
        self.layer(f"{sent}/dense", theirs.lin_kj)
        self.layer(f"{sent}/distance/in", theirs.lin_rbf1)
        self.layer(f"{sent}/distance/out", theirs.lin_rbf2)
        self.layer(f"{sent}/down", theirs.lin_down)
        self.layer(f"{updated}/dense", theirs.lin_ji)
        self.layer(f"{updated}/up", theirs.lin_up)
        self.layer(f"{updated}/skip", theirs.lin)
        (before,), after = theirs.layers_before_skip, theirs.layers_after_skip
        for name, block in zip(("before", "after_1", "after_2"), (before, *after), strict=True):
            self.layer(f"{updated}/{name}_in", block.lin1)
            self.layer(f"{updated}/{name}_out", block.lin2)

    def head(self, number: int, distance: Any, theirs: Any, rule: str) -> None:
        """A block that reads the messages out; `distance` is its layer on the basis of distances."""
        self.layer(f"head_{number}/distance", distance)
        self.layer(f"head_{number}/up", theirs.lin_up)
        for i, layer in enumerate(theirs.lins):
            self.layer(f"head_{number}/dense_{i + 1}", layer)
        self.layer(f"head_{number}/out", theirs.lin, rule)


def unsettled(parameters: Iterable[Any]) -> None:
    """Makes zero weights and biases random, in place: they would hide an error."""
    import torch

    with torch.no_grad():
        for x in parameters:
            if not np.any(x.detach().numpy()):
                x.normal_(0, 0.3)
