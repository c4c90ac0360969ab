"""Demetar: 3D equivariant networks in JAX, and how equivariant they really are.

Names are loaded on first use, so that a page or a message does not wait for JAX.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from demetar import datasets, groups, models
    from demetar.equivariance import measure, measure_arrays
    from demetar.errors import InputError
    from demetar.files import read
    from demetar.graph import Graph, from_arrays, from_atoms, to_atoms
    from demetar.lie import lie_derivative
    from demetar.output import Output
    from demetar.run import Run, load, save

__version__ = "0.1.0"
_HOMES = {
    "InputError": "errors", "Output": "output", "Run": "run", "load": "run", "save": "run",
    "Graph": "graph", "from_arrays": "graph", "from_atoms": "graph", "to_atoms": "graph",
    "measure": "equivariance", "measure_arrays": "equivariance", "lie_derivative": "lie",
    "read": "files",
}  # fmt: skip
__all__ = [
    "Graph", "InputError", "Output", "Run", "datasets", "from_arrays", "from_atoms", "groups",
    "lie_derivative", "load", "measure", "measure_arrays", "models", "read", "save", "to_atoms",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"demetar.{_HOMES[name]}"), name)
    if name in ("datasets", "groups", "models"):
        return importlib.import_module(f"demetar.{name}")
    raise AttributeError(f"module 'demetar' has no attribute {name!r}")
