"""Published systems, one file each: Config, Model, SYMMETRY, OUTPUTS, REFERENCE.

Where a setting changes the symmetry, the file also has symmetry(config), and VARIANTS names the
settings of which the contract tests hold each to its own claim.

Every Config has `inputs` ("particles": velocities and charges; "atoms": species) and `output`
("positions" or "scalar"), so each model can be trained on each data set. One that has a meaning for
one kind of system only says so by `INPUTS`; one whose parameters are found in closed form rather than
by gradient descent says by `FITTED_BY` what finds them. A model whose other settings are words lists
them in `CHOICES`.
"""

import dataclasses
import math
from typing import Any

from demetar.core import registry
from demetar.core.errors import InputError, quoted

KINDS = ("particles", "atoms")
MOST = 10_000  # of any whole number among a model's settings, but for these
MOST_OF = {"layers": 100, "lmax": 12, "lmax_attributes": 12, "species": 118}


def names() -> list[str]:
    """The names of all models."""
    return registry.names("models")


def inputs(name: str) -> tuple[str, ...]:
    """The kinds of systems that the named model reads: "particles" and "atoms" unless it says less."""
    return getattr(registry.load("models", name), "INPUTS", KINDS)


def symmetry(name: str, settings: dict[str, Any]) -> str:
    """The largest group that the named model claims with these settings, such as "E(3) x S_n".

    Raises InputError as create() does.
    """
    module = registry.load("models", name)
    claim = getattr(module, "symmetry", None)
    return claim(create(name, **settings).config) if claim else module.SYMMETRY


def has(name: str, setting: str) -> bool:
    """Whether the named model has that setting."""
    fields = dataclasses.fields(registry.load("models", name).Config)
    return setting in {field.name for field in fields}


def create(name: str, **config: Any) -> Any:
    """The linen module of the named model with its default configuration changed by `config`.

    Raises InputError on an unknown model or setting, and on a value that the setting cannot have.
    """
    module = registry.load("models", name)
    known = {f.name: f for f in dataclasses.fields(module.Config)}
    for key, value in config.items():
        if key not in known:
            raise registry.unknown(f"a setting of {name}", known, key)
        choices = {
            "inputs": inputs(name),
            "output": tuple(module.OUTPUTS),
            **getattr(module, "CHOICES", {}),
        }.get(key)
        if choices and value not in choices:
            raise InputError(
                f"Expected {key} among {', '.join(choices)}, got {quoted(value)}; choose one."
            )
    config = {k: tuple(v) if isinstance(v, list) else v for k, v in config.items()}
    made = module.Config(**config)
    for key, value in config.items():
        _check(name, key, value, known[key].default)
    width, heads = getattr(made, "width", 1), getattr(made, "heads", 1)
    if width % heads:
        raise InputError(
            f"Expected heads of {name} that divide its width of {width}, got {heads}; choose "
            "another number."
        )
    for length in ("cutoff", "sigma", "spacing"):
        if not 0 < (value := getattr(made, length, 1.0)) < float("inf"):
            raise InputError(f"Expected a positive {length} of {name}, got {value}; give it in Å.")
    return module.Model(made)


def _check(name: str, key: str, value: Any, default: Any) -> None:
    """Raises InputError unless the value is of the default's type, integers positive."""

    most = MOST_OF.get(key, MOST)

    def positive(x: Any) -> bool:
        return type(x) is int and 0 < x <= most

    kinds = {
        bool: ("true or false", lambda x: type(x) is bool),
        int: (f"a whole number from 1 to {most:,}", positive),
        float: ("a finite number", lambda x: type(x) in (int, float) and math.isfinite(x)),
        str: ("a word", lambda x: type(x) is str),
        tuple: (
            f"a list of whole numbers from 1 to {most:,}",
            lambda x: type(x) is tuple and x and all(map(positive, x)),
        ),
    }
    kind, fits = kinds.get(type(default), ("", lambda x: True))
    if not fits(value):
        raise InputError(
            f"Expected {key} of {name} to be {kind}, got {quoted(value)}; its default is "
            f"{default!r}."
        )
