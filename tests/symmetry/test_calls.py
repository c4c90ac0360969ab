"""How a measurement is called: compilations, numbers of samples, bad settings, plain arrays."""

import ase.build
import jax
import numpy as np
import pytest
from ase.collections import g2

from demetar.core.errors import InputError
from demetar.core.graph import Graph, from_atoms
from demetar.core.output import Output
from demetar.core.padding import batch, pad, rung
from demetar.symmetry.equivariance import measure, measure_arrays
from demetar.symmetry.instruments.lie import lie_derivative
from tests.support.measured import each_precision, faulty, linear, places


@each_precision
def test_ten_molecules_compile_once_a_rung(dtype: str) -> None:
    """Traces of the function: the same number for each rung of the ladder, none when repeated."""
    names = ["CH4", "H2O", "C2H6", "C6H6", "CH3CH2OH", "NH3", "C4H4O", "isobutane", "CO2", "C5H5N"]
    assert set(names) <= set(g2.names)
    molecules = [from_atoms(ase.build.molecule(name)) for name in names]
    calls: list[tuple[int, int]] = []

    def f(graph: Graph) -> Output:
        calls.append((graph.positions.shape[0], graph.senders.shape[0]))
        return places(graph)

    measure(f, molecules[0], "E(3) x S_n", 8, dtype=dtype)
    once = len(calls)
    assert once > 0
    for samples in (8, 5):
        for molecule in molecules:
            measure(f, molecule, "E(3) x S_n", samples, dtype=dtype)
    rungs = {rung(molecule) for molecule in molecules}
    assert 1 < len(rungs) < len(molecules)
    assert len(calls) == once * len(rungs)
    assert set(calls) == rungs


def test_precisions_do_not_share_a_compilation(scene: Graph) -> None:
    """The same function in both precisions, in either order, gives each its own digits."""
    first = measure(faulty, scene, "SO(3)", 2, dtype="float64").delta["positions"]
    between = measure(faulty, scene, "SO(3)", 2, dtype="float32").delta["positions"]
    again = measure(faulty, scene, "SO(3)", 2, dtype="float64").delta["positions"]
    assert (between != first).any()
    np.testing.assert_allclose(between, first, rtol=1e-4)
    assert (first == again).all()
    assert not jax.config.jax_enable_x64


def test_numbers_of_samples(scene: Graph) -> None:
    for samples in (1, 8, 9, 41):
        m = measure(places, scene, "E(3)", samples)
        assert len(m.delta["positions"]) == len(m.elements) == samples
        assert m.move_then_predict["positions"].shape == (samples, 5, 3)


def test_a_padded_graph_measures_like_its_system(scene: Graph) -> None:
    """A caller may hand over a graph with more padding; the real nodes decide."""
    usual = measure(faulty, scene, "E(3)", 4, dtype="float64").delta["positions"]
    wide = measure(faulty, pad(scene, 12, 60), "E(3)", 4, dtype="float64").delta["positions"]
    np.testing.assert_allclose(wide, usual, rtol=1e-10)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"group": "SO(2)"}, "did you mean"),
        ({"dtype": "float16"}, "dtype among"),
        ({"samples": 0}, "at least one sample"),
    ],
)
def test_bad_settings_are_one_sentence(scene: Graph, settings: dict, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        measure(places, scene, **settings)


def test_a_batch_is_not_renumbered(scene: Graph) -> None:
    """Nodes of one system would take the places of another's."""
    with pytest.raises(InputError, match="one by one"):
        measure(faulty, batch([scene, scene]), "S_n", 2)
    assert len(measure(faulty, batch([scene, scene]), "SO(3)", 2).delta["positions"]) == 2


def test_plain_arrays_know_no_translations() -> None:
    with pytest.raises(InputError, match="without translations"):
        measure_arrays(lambda rows: rows**2, np.eye(3), "1x1o", "1x1o", "T(3)", 2)


def test_unknown_dtypes_are_refused_everywhere(scene: Graph) -> None:
    for call in (
        lambda: lie_derivative(linear, scene, dtype="flaot64"),
        lambda: measure_arrays(lambda rows: rows, np.eye(3), "1x1o", "1x1o", dtype="flaot64"),
    ):
        with pytest.raises(InputError, match="dtype among"):
            call()
