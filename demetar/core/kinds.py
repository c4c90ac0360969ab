"""The kinds of output: how each transforms, what one row belongs to, what is compared with a target."""

import jax.numpy as jnp

from demetar.core.arrays import Array
from demetar.core.output import Kind, Output

USUAL = {
    "positions": "mse", "state": "mse", "scalar": "mae", "node_scalar": "mae", "vector": "l2mae",
    "tensor": "l2mae",
}  # fmt: skip
PER_NODE = ("positions", "state", "node_scalar")


def predicted(output: Output, kind: str) -> Array:
    """The rows [graphs or nodes, dim] that are compared with the target."""
    if kind == "state":
        return jnp.concatenate([output["positions"], output["velocities"]], axis=-1)
    return output[kind]


POSITIONS = Kind("1x1o", per="node", affine=True)
VELOCITIES = Kind("1x1o", per="node")
STATE = {"positions": POSITIONS, "velocities": VELOCITIES}
SCALAR = Kind("1x0e", per="graph")
NODE_SCALAR = Kind("1x0e", per="node")
VECTOR = Kind("1x1o", per="graph")
TENSOR = Kind("1x0e+1x2e", per="graph")  # a symmetric tensor: its trace part and the rest
