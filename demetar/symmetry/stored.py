"""What comparisons were traced to in earlier processes, kept beside JAX's compiled programs.

A new process finds the machine code of a comparison in JAX's cache, but first the model, its gradient and
the comparison are traced to what that cache is asked for, which is seconds of Python. `jax.export` keeps
the result of it. Measured, first answer with filled caches on a quiet machine: Equiformer 3.3 s where it
traces and 2.3 s where it reads.

It is kept only of functions with a name, which must say all that they compute. The key holds the
source of this package, too, the versions and settings of JAX, and each shape, so that nothing else is ever
read back. A file that is not whole is written anew.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import json
import os
import time
import zlib
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import jax
import jax.numpy as jnp
from jax import export

from demetar.core.disk import write_atomically
from demetar.core.graph import Graph
from demetar.core.output import Attention, Feature, Kind, Layer, Output, Value
from demetar.symmetry.elements import Elements
from demetar.symmetry.neighbours import Edges

WORTH = 0.2  # seconds of tracing; what takes less is not kept
KEPT = 512  # files
SETTINGS = ("jax_enable_x64", "jax_default_matmul_precision")  # of JAX: they change what is traced
VARIABLES = ("DEMETAR_TENSOR_PRODUCT",)  # so do these of the environment
PACKAGES = ("jax", "jaxlib", "flax")  # and those versions
_CHECKSUM = hashlib.sha256().digest_size

_names: WeakKeyDictionary[Callable, str] = WeakKeyDictionary()


def _written(fields: tuple) -> bytes:
    rows = [dataclasses.asdict(f) if isinstance(f, Kind) else f for f in fields]
    return json.dumps(rows).encode()


def _read(fields: bytes) -> tuple:
    return tuple(Kind(**f) if isinstance(f, dict) else f for f in json.loads(fields))


for _node in (Graph, Value, Feature, Attention, Layer, Output, Elements, Edges):
    export.register_pytree_node_serialization(
        _node,
        serialized_name=f"demetar.{_node.__name__}",
        serialize_auxdata=_written,
        deserialize_auxdata=_read,
    )


def named(function: Callable, name: str) -> Callable:
    """The function, known by a name that says all it computes, in this process and in later ones.

    Nothing outside this package may be part of it: of that no change would be noticed.
    """
    _names[function] = name
    return function


def name_of(function: Callable) -> str:
    """Its name; empty where it has none."""
    return _names.get(function, "")


class Kept:
    """A jitted function whose traces are read from disk where an earlier process left them.

    Called and lowered as the jitted function is; one trace for each structure and shape of arguments.
    """

    def __init__(self, function: Any, name: str) -> None:
        self._function, self._name = function, name
        self._known: dict[tuple, Any] = {}

    def __call__(self, *arguments: Any) -> Any:
        return self._program(arguments)(*arguments)

    def lower(self, *arguments: Any) -> Any:
        """What `jax.jit(...).lower` gives."""
        return self._program(arguments).lower(*arguments)

    def _program(self, arguments: tuple) -> Any:
        key = sizes(arguments)
        if key not in self._known:
            found = _kept(self._name, key, lambda: export.export(self._function)(*arguments))
            self._known[key] = jax.jit(found.call)
        return self._known[key]


def shapes(function: Callable, *arguments: Any) -> Any:
    """What `jax.eval_shape` gives of a jitted function, read from disk where it has a name."""
    name = name_of(function)
    if not name:
        return jax.eval_shape(function, *arguments)

    def trace() -> export.Exported:
        found = jax.eval_shape(function, *arguments)
        zeros = jax.jit(lambda: jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), found))
        return export.export(zeros)()

    kept = _kept(f"shapes of {name}", sizes(arguments), trace)
    leaves = [jax.ShapeDtypeStruct(x.shape, x.dtype) for x in kept.out_avals]
    return jax.tree.unflatten(kept.out_tree, leaves)


def sizes(arguments: tuple) -> tuple:
    """All that one trace is made for: structure, shapes and types of the arguments, settings of JAX."""
    leaves, structure = jax.tree.flatten(arguments)
    settings = tuple(str(getattr(jax.config, s)) for s in SETTINGS)
    return structure, tuple((x.shape, x.dtype) for x in leaves), settings


def _kept(name: str, key: tuple, trace: Callable[[], export.Exported]) -> export.Exported:
    folder = jax.config.values["jax_compilation_cache_dir"]
    if not folder:
        return trace()
    around = [os.environ.get(v, "") for v in VARIABLES]
    parts = (name, *map(str, key), *around, jax.default_backend(), *_versions())
    path = Path(folder, "traces", hashlib.sha256("\0".join(parts).encode()).hexdigest())
    with contextlib.suppress(OSError):
        content = path.read_bytes()
        if hashlib.sha256(content[_CHECKSUM:]).digest() == content[:_CHECKSUM]:
            return export.deserialize(bytearray(zlib.decompress(content[_CHECKSUM:])))
    began = time.perf_counter()
    found = trace()
    if time.perf_counter() - began > WORTH:
        with contextlib.suppress(OSError):  # a full or read-only disk only costs time
            _write(path, zlib.compress(found.serialize(), 1))
    return found


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    write_atomically(path, hashlib.sha256(content).digest() + content)
    files = sorted(path.parent.iterdir(), key=lambda f: f.stat().st_mtime)
    for old in files[:-KEPT]:
        old.unlink(missing_ok=True)


@functools.cache
def _versions() -> tuple[str, ...]:
    """Those of PACKAGES, and a checksum of this package's source."""
    source, root = hashlib.sha256(), Path(__file__).parents[1]
    for file in sorted(root.rglob("*.py")):
        source.update(str(file.relative_to(root)).encode() + b"\0" + file.read_bytes())
    return *map(metadata.version, PACKAGES), source.hexdigest()
