"""What a model can be asked for, one row each: how it transforms, how it is read out, fitted and judged."""

import dataclasses
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from demetar.core.arrays import Array
from demetar.core.output import Kind, Output

POSITIONS = Kind("1x1o", per="node", affine=True)
VELOCITIES = Kind("1x1o", per="node")
STATE = {"positions": POSITIONS, "velocities": VELOCITIES}
SCALAR = Kind("1x0e", per="graph")
NODE_SCALAR = Kind("1x0e", per="node")
VECTOR = Kind("1x1o", per="graph")
TENSOR = Kind("1x0e+1x2e", per="graph")  # a symmetric tensor: its trace part and the rest
# Coefficients of 6 s, 4 p and 3 d functions about each atom, electrons and bohr.
DENSITY = Kind("6x0e+4x1o+3x2e", per="node")
# Blocks between 1s, 2s, 2p of one atom or of two, coupled: see models.nn.irreps.blocks.
BLOCK = "5x0e+4x1o+1x1e+1x2e"
HAMILTONIAN = {
    "atoms": Kind(BLOCK, per="node", unit="Hartree"),
    "pairs": Kind(BLOCK, per="edge", unit="Hartree"),
}


@dataclasses.dataclass(frozen=True)
class Quantity:
    """All that follows from what a model is asked for.

    values: what it declares, in the order of a target's columns. channels: what a readout takes from
    the last features, by irrep. loss, metric: the usual ones. fitted: what is standardised before
    training, "all" (mean and scale), "trace" (of the mean only the invariant part), "scale" alone as
    for directions, or "nothing" as for places.
    """

    values: dict[str, Kind]
    channels: dict[str, int]
    loss: str
    metric: str
    fitted: str

    @property
    def per_node(self) -> bool:
        """Whether a row belongs to a particle rather than to a system."""
        return next(iter(self.values.values())).per == "node"

    @property
    def declared(self) -> Any:
        """What a model's OUTPUTS says of it: its kind, or the kinds of its parts by name."""
        return self.values if len(self.values) > 1 else next(iter(self.values.values()))

    def offset(self, mean: float) -> Any:
        """What a mean adds to a row: nothing to directions, the trace part of a tensor."""
        if self.fitted == "trace":
            return mean * np.eye(6)[0]
        return mean if self.fitted == "all" else 0.0


LENGTH = "mean error length"
QUANTITIES = {
    "positions": Quantity({"positions": POSITIONS}, {"1o": 1}, "mse", "MSE", "nothing"),
    "scalar": Quantity({"scalar": SCALAR}, {"0e": 1}, "mae", "MAE", "all"),
    "state": Quantity(STATE, {"1o": 2}, "mse", "MSE", "nothing"),
    "node_scalar": Quantity({"node_scalar": NODE_SCALAR}, {"0e": 1}, "mae", "MAE", "all"),
    "vector": Quantity({"vector": VECTOR}, {"1o": 1}, "l2mae", LENGTH, "scale"),
    "tensor": Quantity({"tensor": TENSOR}, {"0e": 1, "2e": 1}, "l2mae", LENGTH, "trace"),
    "density": Quantity({"density": DENSITY}, {"0e": 6, "1o": 4, "2e": 3}, "mse", "MSE", "nothing"),
    "hamiltonian": Quantity(
        HAMILTONIAN, {"0e": 5, "1o": 4, "1e": 1, "2e": 1}, "mse", "MSE", "nothing"
    ),
}
ELECTRONIC = ("density", "hamiltonian")  # of models that are made for them


def predicted(output: Output, name: str) -> Float[Array, "rows dim"]:
    """The rows [graphs or nodes, dim] that are compared with the target."""
    parts = [output[value] for value in QUANTITIES[name].values]
    return parts[0] if len(parts) == 1 else jnp.concatenate(parts, axis=-1)
