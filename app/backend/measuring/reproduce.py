"""What is shown, as a pytest file that needs the library and pytest alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from app.backend import molecules, nbody

TEXT = '''"""{title}

Needs demetar and pytest: `pytest FILE`. The first test holds the numbers that the explorer showed; the
second says what an equivariant model must do, and fails for one that does not.
"""

{imports}import demetar
import numpy as np
import pytest
from demetar.symmetry.elements import Elements

{system}
MATRIX = {matrix}
SHIFT = {shift}
ORDER = {order}  # old number of each new one, or None
DTYPE = "{dtype}"
SHOWN = {shown}  # Δ_EQ of what is drawn, by run


def both_ways(name):
    """The verdict of the library on this run at this g."""
    graph = {graph}
    order = None if ORDER is None else np.array([ORDER])
    g = Elements(np.array([MATRIX]), np.array([SHIFT]), order)
    return demetar.verdict(demetar.load(name), graph, dtype=DTYPE, elements=g, rebuild=False)


def delta_of(found):
    m = found.coarse if found.coarse.dtype == DTYPE else found.fine
    output = next(k for k in m.delta if k.endswith("_gradient") or k in ("forces", "positions"))
    return output, float(m.delta[output][0])


@pytest.mark.parametrize("name", SHOWN)
def test_delta_is_what_was_shown(name):
    _, delta = delta_of(both_ways(name))
    # rounding has no digits to hold: another machine sums in another order
    assert delta == pytest.approx(SHOWN[name], rel=0.02, abs=1e-5 if DTYPE == "float32" else 1e-12)


@pytest.mark.parametrize("name", SHOWN)
def test_prediction_turns_with_its_input(name):
    found = both_ways(name)
    output, _ = delta_of(found)
    assert found.findings[output].word == "rounding", found.sentence
'''


def pytest_of(
    molecule: Any, element: molecules.Element, dtype: str, shown: Mapping[str, float], source: str
) -> str:
    """The text of a test file for a molecule (symbols, positions), a g, and Δ by run."""
    system = (
        f"SYMBOLS = {json.dumps(list(molecule.symbols))}\n"
        f"POSITIONS = {json.dumps(molecule.positions.tolist())}  # Å"
    )
    graph = "demetar.from_atoms(ase.Atoms(SYMBOLS, POSITIONS))"
    return _text(
        "import ase\n", system, graph, len(molecule.symbols), element, dtype, shown, source
    )


def pytest_of_bodies(
    begin: nbody.Start,
    element: molecules.Element,
    dtype: str,
    shown: Mapping[str, float],
    source: str,
) -> str:
    """The text of a test file for the start of charged bodies, a g, and Δ by run."""
    arrays = ("positions", "velocities", "charges", "masses")
    system = "\n".join(
        f"{name.upper()} = {json.dumps(getattr(begin, name).tolist())}" for name in arrays
    )
    given = ", ".join(f"{name}=np.array({name.upper()})" for name in arrays[1:])
    graph = f"demetar.from_arrays(np.array(POSITIONS), {given})"
    return _text("", system, graph, len(begin.positions), element, dtype, shown, source)


def _text(
    imports: str,
    system: str,
    graph: str,
    size: int,
    element: molecules.Element,
    dtype: str,
    shown: Mapping[str, float],
    source: str,
) -> str:
    order = None if element.renumber is None else molecules.order_of(element, size).tolist()
    title = f"{json.dumps(source)[1:-1]} under one group element, as the explorer showed it."
    return TEXT.format(
        title=title.replace("\\", "/"),
        imports=imports,
        system=system,
        graph=graph,
        matrix=json.dumps(molecules.matrix(element).tolist()),
        shift=json.dumps(list(molecules.SHIFT) if element.shift else [0.0, 0.0, 0.0]),
        order=order,
        dtype=dtype,
        shown=json.dumps(dict(shown)),
    )
