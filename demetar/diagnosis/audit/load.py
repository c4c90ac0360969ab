"""Takes a calculator from an object, a class or factory, or from FILE.py:NAME."""

from __future__ import annotations

import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from ase.calculators.calculator import Calculator, all_changes

from demetar.core import registry
from demetar.core.errors import InputError
from demetar.core.graph import from_atoms


def named(text: str) -> Any:
    """What FILE.py calls NAME, from "FILE.py:NAME". Runs that file: for one's own command line only.

    Raises InputError with file and line if it cannot be run, and with the closest name on a miss.
    """
    path, _, name = text.rpartition(":")
    if not path or not name:
        raise InputError(
            f"Expected FILE.py:NAME, got {text!r}; name a calculator or a factory in a file."
        )
    file = Path(path)
    if not file.is_file():
        raise InputError(f"Expected a Python file at {path}, got none; give FILE.py:NAME.")
    spec = importlib.util.spec_from_file_location(f"_audited_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise InputError(f"Expected a Python file, got {path}; give FILE.py:NAME.")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(file.parent.resolve()))
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        line = _line(error, file)
        raise InputError(
            f"Expected {file} to run, got {type(error).__name__} in line {line}: {error}; mend that line."
        ) from error
    finally:
        sys.path.pop(0)
    if not hasattr(module, name):
        known = [n for n in vars(module) if not n.startswith("_")]
        raise InputError(
            f"Expected {name} in {file}, got none{registry.closest(name, known)}; choose one of "
            f"{', '.join(known[:12])}."
        )
    return getattr(module, name)


def _line(error: BaseException, file: Path) -> int | str:
    if isinstance(error, SyntaxError):
        return error.lineno or "?"
    mine = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).resolve() == file.resolve()
    ]
    return mine[-1] if mine and mine[-1] is not None else "?"


def where(function: Any) -> str:
    """File and line of a function or class, as far as Python knows them."""
    try:
        source = inspect.getsourcefile(function) or "?"
        return f"{Path(source).name}:{inspect.getsourcelines(function)[1]}"
    except (TypeError, OSError):
        return getattr(function, "__name__", type(function).__name__)


def as_calculator(given: Any) -> tuple[Any, Callable[[], Any] | None]:
    """A calculator and the factory of further ones, if `given` is a class or a function without arguments.

    A function of one argument is taken as Graph -> Output with an "energy", and "forces" if it has them.
    """
    if not inspect.isclass(given) and hasattr(given, "get_potential_energy"):
        return given, None
    if not callable(given):
        raise InputError(
            f"Expected an ASE calculator or a function that makes one, got {type(given).__name__}; give "
            "an object with get_potential_energy()."
        )
    if not inspect.isclass(given) and _needed(given) == 1:
        return FunctionCalculator(given), None
    try:
        made = given()
    except Exception as error:
        raise InputError(
            f"Expected {where(given)} to make a calculator without arguments, got {type(error).__name__}: "
            f"{str(error)[:200]}; wrap it in a function that gives them."
        ) from error
    if not hasattr(made, "get_potential_energy"):
        raise InputError(
            f"Expected {where(given)} to give an ASE calculator, got {type(made).__name__}; return it."
        )
    return made, given


def _needed(function: Any) -> int:
    """How many arguments a call needs."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return 0
    plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.default is inspect.Parameter.empty and p.kind in plain for p in parameters)


class FunctionCalculator(Calculator):
    """An ASE calculator from a function Graph -> Output, whose "energy" (and "forces") it gives."""

    implemented_properties = ["energy", "forces"]

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function

    def calculate(
        self, atoms: Any = None, properties: Any = ("energy",), system_changes: Any = all_changes
    ) -> None:
        """Fills results with float64 numbers; raises InputError where "energy" is missing or misshapen."""
        super().calculate(atoms, properties, system_changes)
        given: Any = self.atoms
        output = self.function(from_atoms(given))
        values = getattr(output, "values", output)
        if "energy" not in values:
            raise InputError(
                f"Expected an Output with 'energy' from {where(self.function)}, got {sorted(values)}; "
                "name the energy so."
            )
        array = lambda name: np.asarray(getattr(values[name], "array", values[name]))  # noqa: E731
        self.results: dict[str, Any] = {"energy": float(np.squeeze(array("energy")))}
        if "forces" in values:
            count = len(given)
            forces = array("forces")
            if forces.shape != (count, 3):
                raise InputError(
                    f"Expected forces of shape [{count}, 3] from {where(self.function)}, got "
                    f"{list(forces.shape)}; give one row an atom."
                )
            self.results["forces"] = forces
