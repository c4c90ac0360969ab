"""Demetar: 3D equivariant networks in JAX, and how equivariant they really are."""

from demetar import datasets, groups, models
from demetar.equivariance import measure, measure_arrays
from demetar.errors import InputError
from demetar.graph import Graph, from_arrays, from_atoms, to_atoms
from demetar.lie import lie_derivative
from demetar.output import Output
from demetar.read import read
from demetar.run import Run, load, save

__version__ = "0.1.0"
__all__ = [
    "Graph", "InputError", "Output", "Run", "datasets", "from_arrays", "from_atoms", "groups",
    "lie_derivative", "load", "measure", "measure_arrays", "models", "read", "save", "to_atoms",
]  # fmt: skip
