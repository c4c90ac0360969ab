"""Mirrors of a run in other trackers, one file each: TITLE, EXTRA, Mirror(folder).

A mirror hears what the run folder keeps: `start(config)`, `log(line)` for every evaluation,
`end(state)`. The folder stays the truth: a mirror that fails warns and is left out from then on,
and nothing is imported that was not asked for.
"""

from __future__ import annotations

import importlib
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from demetar.core import registry
from demetar.core.errors import InputError


class Mirror(Protocol):
    """What hears of a run."""

    def start(self, config: Mapping[str, Any]) -> None:
        """Hears the content of config.json before the first step, and again when a run goes on."""

    def log(self, line: Mapping[str, Any]) -> None:
        """Hears one line of metrics.jsonl."""

    def end(self, state: str) -> None:
        """Hears how the process left the run: finished, stopped or failed."""


def names() -> list[str]:
    """The names of all mirrors."""
    return registry.names("mirrors")


def create(asked: Sequence[str], folder: Path) -> list[Mirror]:
    """The mirrors of those names for the run in `folder`.

    Raises InputError on an unknown name, or if a package that a mirror needs is not installed.
    """
    modules = [registry.load("mirrors", name) for name in dict.fromkeys(asked)]
    return [module.Mirror(folder) for module in modules]


def needed(package: str, extra: str) -> ModuleType:
    """The imported package; InputError that says how to install it if it is missing."""
    try:
        return importlib.import_module(package)
    except ImportError:
        raise InputError(
            f"Expected the package {package} for the mirror {extra}, got none; install it "
            f'with pip install "demetar[{extra}]", or train without --mirror {extra}.'
        ) from None


def flat(tree: Mapping[str, Any], separator: str = "/") -> dict[str, Any]:
    """{"delta": {"SO(3)": 1}} as {"delta/SO3": 1}: names that every tracker accepts."""
    found: dict[str, Any] = {}
    for key, value in tree.items():
        name = re.sub(r"[^\w.-]", "", str(key))
        if isinstance(value, Mapping):
            found |= {f"{name}{separator}{k}": v for k, v in flat(value, separator).items()}
        else:
            found[name] = value
    return found


def numbers(line: Mapping[str, Any]) -> dict[str, float]:
    """The numbers in a line of metrics by flat name, without `step`."""
    return {
        name: float(value)
        for name, value in flat(line).items()
        if name != "step" and isinstance(value, int | float) and not isinstance(value, bool)
    }


class Mirrors:
    """Several mirrors as one, which never raises: what fails is named once and then left out."""

    def __init__(self, mirrors: Sequence[Mirror]) -> None:
        self.mirrors = list(mirrors)

    def start(self, config: Mapping[str, Any]) -> None:
        self._each(lambda mirror: mirror.start(config))

    def log(self, line: Mapping[str, Any]) -> None:
        self._each(lambda mirror: mirror.log(line))

    def end(self, state: str) -> None:
        self._each(lambda mirror: mirror.end(state))

    def _each(self, tell: Callable[[Mirror], None]) -> None:
        for mirror in list(self.mirrors):
            try:
                tell(mirror)
            except Exception as error:  # of any kind: a tracker must not end a training
                self.mirrors.remove(mirror)
                name = type(mirror).__module__.rpartition(".")[2]
                warnings.warn(
                    f"The mirror {name} failed and is left out from here on; the run goes on "
                    f"({type(error).__name__}: {error}).",
                    stacklevel=3,
                )
