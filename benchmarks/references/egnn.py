"""The published EGNN on a case of random systems: its arguments, and its weights by our names."""

import dataclasses
import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

ELEMENTS = (1, 6, 7, 8, 9)
Weights = dict[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Case:
    """A batch for both programs, rows one system after the other, and the size of the model."""

    name: str
    sizes: np.ndarray
    positions: np.ndarray
    width: int
    layers: int
    targets: np.ndarray
    velocities: np.ndarray | None = None
    charges: np.ndarray | None = None
    species: np.ndarray | None = None

    def config(self) -> dict[str, Any]:
        """Settings of our model."""
        particles = self.species is None
        kind = (
            {"inputs": "particles", "output": "positions"}
            if particles
            else {"inputs": "atoms", "output": "scalar", "gate": True, "update_positions": False}
        )
        return kind | {"width": self.width, "layers": self.layers}


def nbody(systems: int, width: int, layers: int) -> Case:
    """Random scenes with the benchmark's shapes and scales."""
    rng = np.random.default_rng(0)
    x, v, y = rng.normal(size=(3, systems * 5, 3)).astype(np.float32)
    charges = rng.choice([-1.0, 1.0], systems * 5).astype(np.float32)
    return Case("nbody", np.full(systems, 5), x, width, layers, y, velocities=v, charges=charges)


def qm9(molecules: int, width: int, layers: int) -> Case:
    """Random molecules with QM9's sizes (18 ± 3 atoms, at most 29) and elements."""
    rng = np.random.default_rng(0)
    sizes = np.clip(np.rint(rng.normal(18, 3, molecules)), 3, 29).astype(int)
    return Case(
        "qm9",
        sizes,
        rng.normal(scale=2.0, size=(sizes.sum(), 3)).astype(np.float32),
        width,
        layers,
        rng.normal(size=(molecules, 1)).astype(np.float32),
        species=rng.choice(ELEMENTS, sizes.sum(), p=[0.51, 0.35, 0.06, 0.07, 0.01]),
    )


def reference_model(case: Case) -> Any:
    """The published model with its own random weights."""
    import torch

    torch.manual_seed(0)
    if case.species is None:
        module = importlib.import_module("n_body_system.model")
        return module.EGNN_vel(1, 2, case.width, n_layers=case.layers, recurrent=True)
    module = importlib.import_module("qm9.models")
    return module.EGNN(15, 0, case.width, n_layers=case.layers, attention=True, node_attr=0)


def reference_inputs(case: Case) -> Callable[[], dict[str, Any]]:
    """Makes the reference's arguments; anew each time, for it moves its coordinates in place."""
    import torch

    if case.species is None:
        assert case.velocities is not None
        assert case.charges is not None
        pairs = [(i, j) for i in range(5) for j in range(5) if i != j]
        rows, cols = np.array(
            [(5 * s + i, 5 * s + j) for s in range(len(case.sizes)) for i, j in pairs]
        ).T
        x, v = case.positions, case.velocities
        products = case.charges[rows] * case.charges[cols]
        square = ((x[rows] - x[cols]) ** 2).sum(1)
        fixed = {
            "h": np.linalg.norm(v, axis=1)[:, None],
            "vel": v,
            "edge_attr": np.stack([products, square], 1),
        }
    else:
        n, systems = int(case.sizes.max()), len(case.sizes)
        mask = np.arange(n) < case.sizes[:, None]
        index = np.arange(systems * n * n)
        rows, cols = index // n, index // n**2 * n + index % n
        powers = (case.species[:, None, None] / 9) ** np.arange(3)
        one_hot = case.species[:, None, None] == np.array(ELEMENTS)[:, None]
        h, x = np.zeros((systems * n, 15)), np.zeros((systems * n, 3))
        h[mask.ravel()], x[mask.ravel()] = (one_hot * powers).reshape(-1, 15), case.positions
        both = mask[:, :, None] & mask[:, None, :] & ~np.eye(n, dtype=bool)
        fixed = {"h0": h, "node_mask": mask.reshape(-1, 1), "edge_mask": both.reshape(-1, 1)}
    given = {k: torch.tensor(a, dtype=torch.float32) for k, a in fixed.items()}
    given["edges"] = [torch.tensor(rows), torch.tensor(cols)]
    if case.species is not None:
        given |= {"edge_attr": None, "n_nodes": int(case.sizes.max())}
    places = torch.tensor(x, dtype=torch.float32)
    return lambda: given | {"x": places.clone()}


def carried_over(state: dict[str, Any]) -> Weights:
    """The reference's weights by our names; the first edge layer is split per node in ours."""
    names = {
        "embedding": "embed", "edge_mlp.2": "edge_out", "att_mlp.0": "gate",
        "coord_mlp.0": "position_in", "coord_mlp.2": "position_out",
        "coord_mlp_vel.0": "velocity/Dense_0", "coord_mlp_vel.2": "velocity/Dense_1",
        "node_mlp.0": "node/Dense_0", "node_mlp.2": "node/Dense_1",
        "node_dec.0": "node_out/Dense_0", "node_dec.2": "node_out/Dense_1",
        "graph_dec.0": "graph_out/Dense_0", "graph_dec.2": "graph_out/Dense_1",
    }  # fmt: skip
    found: Weights = {}
    for full, tensor in state.items():
        array = tensor.detach().numpy().astype(np.float32)
        path, kind = full.rsplit(".", 1)
        layer, _, part = (
            path.rpartition("gcl_")[-1].partition(".") if "gcl_" in path else ("", "", path)
        )
        prefix = f"layer_{int(layer) + 1}/" if layer else ""
        if part == "edge_mlp.0" and kind == "weight":
            width = len(array)
            found[f"{prefix}edge_receiver/kernel"] = array[:, :width].T
            found[f"{prefix}edge_sender/kernel"] = array[:, width : 2 * width].T
            found[f"{prefix}edge_geometry/kernel"] = array[:, 2 * width :].T
        elif part == "edge_mlp.0":
            found[f"{prefix}edge_geometry/bias"] = array
        else:
            rule = "small" if part == "coord_mlp.2" else "kernel"
            key = f"{prefix}{names[part]}/{rule if kind == 'weight' else 'bias'}"
            found[key] = array.T if kind == "weight" else array
    return found
