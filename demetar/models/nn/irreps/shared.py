"""Layers of one shape, traced once for all."""

import functools
import os
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax

from demetar.models.nn.irreps.cuequivariance import SETTING


def alike(parent: nn.Module, kind: Callable[..., nn.Module], *fields: Any, name: str) -> Callable:
    """A child `name` of `parent`, `kind(*fields)`, as a call that all children with these fields share.

    JAX traces, differentiates and lowers one of them; XLA writes all of them out again, so what runs is
    the same. Measured: Equiformer's first answer, its program in the cache, takes 0.6 of the time.
    """
    if parent.is_initializing():
        return kind(*fields, name=name)
    made = kind(*fields, parent=None)  # without a parent it is known by its fields alone
    asked = os.environ.get(SETTING)  # a layer reads it while it is traced
    return functools.partial(_applied, made, asked, parent.variables["params"][name])


@functools.partial(jax.jit, static_argnums=(0, 1))
def _applied(layer: nn.Module, asked: str | None, params: Any, *inputs: Any) -> Any:
    return layer.apply({"params": params}, *inputs)
