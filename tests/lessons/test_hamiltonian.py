"""Hamiltonian: matrices that turn, blocks as irreps, orbital energies, a model against its baselines."""

import numpy as np
import pytest

from app.pages.lessons import hamiltonian as page
from demetar.core.graph import from_arrays
from demetar.lessons import hamiltonian


@pytest.mark.parametrize("basis", hamiltonian.BASES)
@pytest.mark.parametrize("which", range(hamiltonian.CHECKED))
def test_pyscf_at_turned_geometries_gives_turned_matrices(basis: str, which: int) -> None:
    """What is left is rounding: 1e-14 in STO-3G, 1e-11 in def2-SVP where PySCF stops earlier."""
    found = hamiltonian.labels(basis, which, False)
    assert found["apart"] < (1e-12 if basis == "STO-3G" else 5e-11)
    assert 1e-9 < found["own grid"] < 1e-5, "an integration grid that does not turn is seen"
    assert hamiltonian.labels(basis, which, True)["apart"] > 1e-2


def test_a_wrong_order_of_orbitals_shows_in_p_alone_and_in_d() -> None:
    m = hamiltonian.elements()[0]
    for degrees in ([1], [2]):
        right = hamiltonian.representation(np.array(degrees), m)
        wrong = hamiltonian.representation(np.array(degrees), m, True)
        np.testing.assert_allclose(right @ right.T, np.eye(len(right)), atol=1e-13)
        np.testing.assert_allclose(wrong @ wrong.T, np.eye(len(wrong)), atol=1e-13)
        assert np.abs(right - wrong).max() > 0.1, (
            "both are representations, one is of other functions"
        )
    np.testing.assert_allclose(hamiltonian.representation(np.array([1]), m), m, atol=1e-14)


@pytest.mark.parametrize("name", hamiltonian.MOLECULES)
def test_blocks_fall_into_irreps_and_come_back(name: str) -> None:
    x = hamiltonian.geometry(name, 0)
    graph = from_arrays(x["positions"], x["species"])
    ends = (x["species"], graph.receivers, graph.senders)
    made = hamiltonian.coupled(x["fock"], *ends)
    np.testing.assert_allclose(
        hamiltonian.assembled(made, *ends), x["fock"], atol=1e-13
    )  # of 20 Hartree
    assert hamiltonian.irreps_turn(name, 0, 2, False) < 1e-13
    assert hamiltonian.irreps_turn(name, 0, 2, True) > 0.1
    assert hamiltonian.irreps_turn(name, 0, 0, True) < 1e-13, "turns do not see parity"


def test_orbital_energies_stay_and_a_wrong_order_changes_them() -> None:
    found = [hamiltonian.labels("def2-SVP", 0, mistaken) for mistaken in (False, True)]
    f, again = (np.linalg.eigvalsh(found[0][k]) for k in ("F", "again"))
    np.testing.assert_allclose(f, again, atol=1e-9)
    assert np.abs(found[1]["difference"]).max() > 0.01


def test_extended_hueckel_has_free_atoms_on_its_diagonal() -> None:
    x = hamiltonian.geometry("water", 0)
    made = hamiltonian.hueckel(x["species"], x["overlap"])
    np.testing.assert_allclose(made, made.T, atol=1e-12)
    own = hamiltonian.orbitals(x["species"])
    h, o = own[1], own[0]
    expected = 1.75 * x["overlap"][o, h] * (np.diag(made)[o, None] + made[h, h]) / 2
    np.testing.assert_allclose(made[o, h], expected)
    np.testing.assert_allclose(made[own[1], own[1]], made[own[2], own[2]])


def test_levels_are_those_of_the_matrix() -> None:
    found = hamiltonian.levels("water", 0)
    assert found["occupied"] == 5
    assert -520 < found["DFT"][0] < -490, "oxygen's 1s"
    assert found["DFT"][4] < 0 < found["DFT"][5]


@pytest.mark.parametrize("name", hamiltonian.MOLECULES)
def test_the_model_beats_both_baselines(name: str) -> None:
    found = hamiltonian.errors(name)
    for key in ("entries", "occupied"):
        model = found["model"][key]
        assert model < found["superposed atoms"][key] / 2
        assert model < found["extended Hückel"][key] / 2


def test_the_models_matrix_is_symmetric_and_turns() -> None:
    x = hamiltonian.geometry("formaldehyde", 0)
    f = hamiltonian.predicted(x["species"], x["positions"])
    np.testing.assert_allclose(f, f.T, atol=1e-13)
    found = hamiltonian.model_turns("formaldehyde", 0, 2)
    assert found["apart"] < 1e-12
    assert found["still"] > 1e-2


def test_two_hydrogens_exchanged_swap_rows_and_columns() -> None:
    x = hamiltonian.geometry("water", 0)
    order = [0, 2, 1]
    f = hamiltonian.predicted(x["species"], x["positions"])
    swapped = hamiltonian.predicted(x["species"][order], x["positions"][order])
    parts = hamiltonian.orbitals(x["species"])
    rows = np.concatenate([np.arange(len(f))[parts[i]] for i in order])
    np.testing.assert_allclose(swapped, f[np.ix_(rows, rows)], atol=1e-12)


def test_the_page_offers_what_there_is() -> None:
    assert page.MOLECULES == hamiltonian.MOLECULES
    assert page.BASES == tuple(hamiltonian.BASES)
    assert page.WHO == hamiltonian.WHO
    assert sorted(page.TURNS.values()) == list(range(hamiltonian.CHECKED))
