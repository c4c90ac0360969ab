"""The check of array annotations that the test run puts around the library's functions."""

import types
from collections.abc import Callable
from typing import Any, get_args

import jaxtyping
from beartype import BeartypeConf, beartype

ROOMS = ("demetar.core", "demetar.symmetry", "demetar.simulation", "demetar.models")


def names_axes(annotation: Any) -> bool:
    """Whether an array type with axes stands somewhere in the annotation."""
    if isinstance(annotation, list):  # the arguments of a Callable
        return any(map(names_axes, annotation))
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return issubclass(annotation, jaxtyping.AbstractArray)
    return any(map(names_axes, get_args(annotation)))


def checked(function: Callable) -> Callable:
    """The function, which refuses arrays that its annotations do not allow.

    Other types are left to the static checker: tests hand wrong ones over on purpose, for the
    sentence that a user reads then.
    """
    function.__annotations__ = {
        name: annotation if names_axes(annotation) else Any
        for name, annotation in function.__annotations__.items()
    }
    return beartype(conf=BeartypeConf(is_pep484_tower=True))(function)


def install() -> None:
    """Puts the check around all functions of ROOMS that are imported from now on."""
    jaxtyping.install_import_hook(ROOMS, "tests.support.axes.checked")
