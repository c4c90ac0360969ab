"""Demetar: 3D equivariant networks in JAX, and how equivariant they really are.

Names are loaded on first use, so that a page or a message does not wait for JAX.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from demetar import models, testing
    from demetar.core.errors import InputError
    from demetar.core.graph import Graph, from_arrays, from_atoms, to_atoms
    from demetar.core.output import Output
    from demetar.data import sets as datasets
    from demetar.data.readers import read
    from demetar.diagnosis.audit.run import Audit, audit
    from demetar.diagnosis.diagnose import diagnose
    from demetar.runs.folder import save
    from demetar.runs.run import Run, load
    from demetar.symmetry import groups
    from demetar.symmetry.equivariance import measure, measure_arrays
    from demetar.symmetry.instruments.lie import lie_derivative
    from demetar.symmetry.instruments.verdict import verdict

__version__ = "0.1.0"
_HOMES = {
    "InputError": "core.errors", "Output": "core.output", "Graph": "core.graph",
    "from_arrays": "core.graph", "from_atoms": "core.graph", "to_atoms": "core.graph",
    "Audit": "diagnosis.audit.run", "audit": "diagnosis.audit.run",
    "read": "data.readers", "Run": "runs.run", "load": "runs.run", "save": "runs.folder",
    "measure": "symmetry.equivariance", "measure_arrays": "symmetry.equivariance",
    "diagnose": "diagnosis.diagnose", "lie_derivative": "symmetry.instruments.lie",
    "verdict": "symmetry.instruments.verdict",
}  # fmt: skip
_MODULES = {
    "datasets": "data.sets",
    "groups": "symmetry.groups",
    "models": "models",
    "testing": "testing",
}
__all__ = [
    "Audit", "Graph", "InputError", "Output", "Run", "audit", "datasets", "diagnose", "from_arrays",
    "from_atoms", "groups", "lie_derivative", "load", "measure", "measure_arrays", "models", "read", "save",
    "testing", "to_atoms", "verdict",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"demetar.{_HOMES[name]}"), name)
    if name in _MODULES:
        return importlib.import_module(f"demetar.{_MODULES[name]}")
    raise AttributeError(f"module 'demetar' has no attribute {name!r}")
