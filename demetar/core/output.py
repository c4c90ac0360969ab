"""What every model returns: named values with their symmetry type, and a trace of the inside."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import no_type_check

import jax
from jaxtyping import Bool, Float, Integer

from demetar.core.arrays import Array


@dataclasses.dataclass(frozen=True)
class Kind:
    """How a value transforms, where it lives and in which unit it is measured.

    `affine` values are places rather than differences: a translation moves them.
    """

    irreps: str  # e3nn's notation, such as "1x1o"; components in e3nn's order
    per: str = "node"  # "node", "edge" or "graph"
    affine: bool = False
    unit: str = ""


@partial(jax.tree_util.register_dataclass, data_fields=["array"], meta_fields=["kind"])
@no_type_check  # jax builds it anew with shapes, tracers, None in the fields
@dataclasses.dataclass(frozen=True)
class Value:
    """An array [rows, dim of irreps] with its kind."""

    array: Float[Array, "rows dim"]
    kind: Kind


@partial(jax.tree_util.register_dataclass, data_fields=["values"], meta_fields=["irrep", "per"])
@no_type_check  # jax builds it anew with shapes, tracers, None in the fields
@dataclasses.dataclass(frozen=True)
class Feature:
    """Hidden features of one irrep, channels last: values [rows, 2l+1, channels]."""

    values: Float[Array, "rows m channels"]
    irrep: str  # "0e", "1o", ...
    per: str = "node"  # "node" or "edge"


@partial(
    jax.tree_util.register_dataclass,
    data_fields=["weights", "senders", "receivers", "mask"],
    meta_fields=["per", "name"],
)
@no_type_check  # jax builds it anew with shapes, tracers, None in the fields
@dataclasses.dataclass(frozen=True)
class Attention:
    """Weights [pairs, heads] that node receivers[p] gives to node senders[p], or edge to edge."""

    weights: Float[Array, "pairs heads"]
    senders: Integer[Array, " pairs"]
    receivers: Integer[Array, " pairs"]
    mask: Bool[Array, " pairs"]
    per: str = "node"  # "node" or "edge": among what the weights are
    name: str = "attention"  # or "message weight", where a receiver's weights do not add up to 1


@partial(
    jax.tree_util.register_dataclass, data_fields=["features", "attention"], meta_fields=["name"]
)
@no_type_check  # jax builds it anew with shapes, tracers, None in the fields
@dataclasses.dataclass(frozen=True)
class Layer:
    """One layer of the trace: its name, its features by irrep, its attention or None."""

    name: str
    features: tuple[Feature, ...] = ()
    attention: Attention | None = None


@partial(jax.tree_util.register_dataclass, data_fields=["values", "trace"], meta_fields=[])
@no_type_check  # jax builds it anew with shapes, tracers, None in the fields
@dataclasses.dataclass(frozen=True)
class Output:
    """Predictions by name and the trace of the layers that led to them."""

    values: dict[str, Value]
    trace: tuple[Layer, ...] = ()

    def __getitem__(self, name: str) -> Float[Array, "rows dim"]:
        """The array of the named value: [nodes, dim] or [graphs, dim]."""
        return self.values[name].array


def scalars(values: Float[Array, "rows channels"], per: str = "node") -> Feature:
    """Invariant features 0e from rows [rows, channels]."""
    return Feature(values[:, None, :], "0e", per)
