"""What a function returned as rows of numbers with their kinds, or a sentence on what is wrong with it."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from demetar.core.errors import InputError
from demetar.core.graph import Graph
from demetar.core.kinds import NODE_SCALAR, POSITIONS, SCALAR, VECTOR, VELOCITIES
from demetar.core.output import Kind, Output
from demetar.symmetry.irreps import parse_irreps

Rows = dict[str, Float[np.ndarray, "_rows _dim"]]
PLACES = {"positions", "coordinates", "x"}  # names of outputs that a shift moves
PER_NODE = {"charges", "spins", "magmoms", "atomic_energies", "energies"}
HOW = (
    "return an Output, or a dict of arrays: a number for a system, [n] or [n, 3] for its particles"
)


def called(f: Callable[[Graph], Any], graph: Graph) -> Any:
    """f(graph); what it raises becomes one sentence that names file and line."""
    try:
        return f(graph)
    except InputError:
        raise
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        text = " ".join(str(error).split()) or "no message"
        raise InputError(
            f"Expected an answer for {len(graph.species)} particles, got {type(error).__name__} in "
            f"{Path(frame.filename).name}, line {frame.lineno}: {text[:200]}; call the function "
            "with this graph by itself."
        ) from error


def rows_of(answer: Any, graph: Graph) -> tuple[Rows, dict[str, Kind]]:
    """The outputs [rows, dim], float64 on the host without padding, and their kinds.

    Takes an Output, a dict of arrays or one array; kinds of plain arrays follow from shape and name.
    Outputs by edge are left out.
    """
    n, nodes = graph.n_graphs, np.asarray(graph.node_mask)
    real = {"graph": np.ones(n, bool), "node": nodes}
    rows, kinds = {}, {}
    if isinstance(answer, Output):
        for name, value in answer.values.items():
            kind = value.kind
            if kind.per != "edge":
                array = _numbers(name, value.array)
                dim = sum(mul * (2 * int(ir[:-1]) + 1) for mul, ir in parse_irreps(kind.irreps))
                kept = real[kind.per]
                if array.shape not in {(len(kept), dim), (kept.sum(), dim)}:
                    raise InputError(
                        f"Expected {name} of shape [{len(kept)}, {dim}], as its kind {kind.irreps} per "
                        f"{kind.per} says, got {list(array.shape)}; correct the array or the kind."
                    )
                rows[name] = array[kept] if len(array) == len(kept) else array
                kinds[name] = kind
    else:
        named = answer if isinstance(answer, Mapping) else {"output": answer}
        for name, value in named.items():
            rows[str(name)], kinds[str(name)] = _plain(str(name), value, len(nodes))
    if not rows:
        raise InputError(f"Expected at least one output by graph or node, got none; {HOW}.")
    return rows, kinds


def _numbers(name: str, value: Any) -> np.ndarray:
    if hasattr(value, "detach"):  # a tensor of PyTorch
        value = value.detach().cpu().numpy()
    try:
        array = np.asarray(jax.device_get(value))
        if array.dtype.kind not in "iuf" and "float" not in str(array.dtype):
            raise TypeError
        return array.astype(np.float64)
    except (TypeError, ValueError):
        raise InputError(
            f"Expected real numbers as {name}, got {type(value).__name__}; {HOW}."
        ) from None


def _plain(name: str, value: Any, n: int) -> tuple[np.ndarray, Kind]:
    array = _numbers(name, value)
    shape = array.shape
    if shape == (n, 3):
        return array, POSITIONS if name in PLACES else VELOCITIES
    if shape == (n,) and (n > 1 or name in PER_NODE) and not (n == 3 and name == "dipole"):
        return array[:, None], NODE_SCALAR
    if shape == (n, 1) and n > 1:
        return array, NODE_SCALAR
    if array.size == 1:
        return array.reshape(1, 1), SCALAR
    if shape in {(3,), (1, 3)}:
        return array.reshape(1, 3), VECTOR
    raise InputError(
        f"Expected {name} as one number, [3], [{n}] or [{n}, 3] for {n} particles, got {list(shape)}; "
        "return an Output whose Kind says how it turns."
    )
