"""One's own functions as Graph -> Output: plain arrays with declared irreps, and torch modules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from demetar.core.errors import InputError
from demetar.core.graph import Graph
from demetar.core.output import Kind, Output, Value
from demetar.diagnosis.audit.load import where
from demetar.symmetry.irreps import degree, parse_irreps

Plain = Callable[..., Any]


def arrays_function(
    f: Plain, outputs: Mapping[str, str], reads: tuple[str, ...] = ("positions", "species")
) -> Callable[[Graph], Output]:
    """A function Graph -> Output from `f` of plain NumPy arrays, which JAX need not be able to trace.

    `f(positions [n, 3], species [n])`, or other fields of a Graph as `reads` names them, gives one array,
    a tuple of them or a dict. `outputs` declares each by name: "1x0e per graph", "1x1o per node"; rows are
    [1, dim] or [dim] of a graph and [n, dim] of nodes. Raises InputError with file, line and shapes where
    they do not fit.
    """
    kinds = {name: _kind(name, text) for name, text in outputs.items()}

    def host(mask: Any, *fields: Any) -> tuple[Any, ...]:
        real = np.asarray(mask, bool)
        found = _named(f, f(*(np.asarray(x)[real] for x in fields)), kinds)
        dtype = np.asarray(fields[0]).dtype
        rows = []
        for name, kind in kinds.items():
            given = _checked(f, name, kind, found[name], int(real.sum()))
            full = given
            if kind.per == "node":
                full = np.zeros((len(real), given.shape[1]), given.dtype)
                full[real] = given
            rows.append(full.astype(dtype))
        return tuple(rows)

    def called(graph: Graph) -> Output:
        fields = [getattr(graph, name) for name in reads]
        shapes = tuple(
            jax.ShapeDtypeStruct(
                (len(graph.node_mask) if k.per == "node" else graph.n_graphs, _dim(k)),
                fields[0].dtype,
            )
            for k in kinds.values()
        )
        if any(isinstance(x, Tracer) for x in (graph.node_mask, *fields)):
            rows = jax.pure_callback(
                host, shapes, jnp.asarray(graph.node_mask), *fields, vmap_method="sequential"
            )
        else:
            rows = host(graph.node_mask, *fields)
        return Output({n: Value(row, kind) for (n, kind), row in zip(kinds.items(), rows)})

    called.__name__ = getattr(f, "__name__", "function")
    called.plain = True  # pyright: ignore[reportFunctionMemberAccess]
    return called


def _kind(name: str, text: str) -> Kind:
    irreps, _, per = text.partition(" per ")
    if per not in ("node", "graph"):
        raise InputError(
            f"Expected 'IRREPS per node' or 'IRREPS per graph' for {name!r}, got {text!r}; write "
            "'1x0e per graph' for an energy, '1x1o per node' for forces."
        )
    return Kind(irreps.strip(), per=per)


def _dim(kind: Kind) -> int:
    return sum(count * (2 * degree(irrep) + 1) for count, irrep in parse_irreps(kind.irreps))


def _named(f: Plain, given: Any, kinds: Mapping[str, Kind]) -> Mapping[str, Any]:
    if isinstance(given, Mapping):
        missing = [n for n in kinds if n not in given]
        if missing:
            raise InputError(
                f"Expected {', '.join(kinds)} from {where(f)}, got {', '.join(map(str, given))}; return "
                f"{missing[0]!r} too, or do not declare it."
            )
        return given
    several = given if isinstance(given, tuple) else (given,)
    if len(several) != len(kinds):
        raise InputError(
            f"Expected {len(kinds)} arrays ({', '.join(kinds)}) from {where(f)}, got {len(several)}; "
            "return one for each declared output."
        )
    return dict(zip(kinds, several))


def _checked(f: Plain, name: str, kind: Kind, given: Any, count: int) -> np.ndarray:
    array = np.asarray(given)
    dim = _dim(kind)
    shape = (count, dim) if kind.per == "node" else (1, dim)
    fits = (
        array.shape == shape
        or array.size == dim == shape[0] * dim
        or array.shape == (count,) == shape[:1]
    )
    if not fits or (dim > 1 and kind.per == "node" and array.shape != shape):
        raise InputError(
            f"Expected {name} of shape {list(shape)} ({kind.irreps} per {kind.per}, {count} nodes) from "
            f"{where(f)}, got {list(array.shape)}; declare what it returns or reshape it."
        )
    return array.reshape(shape)


def torch_function(
    module: Any, outputs: Mapping[str, str], reads: tuple[str, ...] = ("positions", "species")
) -> Callable[[Graph], Output]:
    """A function Graph -> Output from a torch.nn.Module that takes and gives tensors.

    It is called as `module(positions, species)`; real inputs have the dtype and device of its parameters,
    float64 on the processor where it has none. As arrays_function() in all else. torch is imported only
    here. Raises InputError for what is no module.
    """
    if not callable(module) or not hasattr(module, "parameters"):
        raise InputError(
            f"Expected a torch.nn.Module, got {type(module).__name__}; pass the module itself, or a "
            "function of NumPy arrays to arrays_function()."
        )
    import torch  # pyright: ignore[reportMissingImports]

    first = next(iter(module.parameters()), torch.zeros((), dtype=torch.float64))

    def tensor(x: Any) -> Any:
        made = torch.as_tensor(np.array(x)).to(first.device)
        return made.to(first.dtype) if made.is_floating_point() else made.long()

    def plain(x: Any) -> Any:
        return x.detach().cpu().numpy() if isinstance(x, torch.Tensor) else x

    def call(*fields: Any) -> Any:
        given = module(*map(tensor, fields))
        if isinstance(given, Mapping):
            return {k: plain(v) for k, v in given.items()}
        return tuple(map(plain, given)) if isinstance(given, tuple) else plain(given)

    call.__name__ = type(module).__name__
    call.__wrapped__ = type(module)  # errors name the line of the module's class
    return arrays_function(call, outputs, reads)
