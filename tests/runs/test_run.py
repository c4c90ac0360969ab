"""Run folders: what is saved comes back, and what is damaged is one sentence."""

import dataclasses
import json
from pathlib import Path

import ase.build
import jax
import numpy as np
import pytest

from demetar.core.disk import write_atomically
from demetar.core.errors import InputError
from demetar.core.graph import Graph, from_atoms
from demetar.core.padding import pad
from demetar.runs.folder import flatten, folders, names, save
from demetar.runs.run import load
from tests.support.stored import CONFIG, fresh

HOMO = {
    "model": "linear", "model_config": {"inputs": "atoms", "output": "scalar"}, "dataset": "qm9",
    "target": "homo", "unit": "meV", "connect": None,
}  # fmt: skip


def test_a_saved_run_comes_back(folder: Path, scene: Graph) -> None:
    before, after = fresh(CONFIG), load("egnn-nbody")
    assert after.config == CONFIG
    assert after.folder == folder
    assert after.symmetry == "E(3) x S_n"
    assert after.rms == {"positions": 1.5}
    mine, theirs = flatten(before.params), flatten(after.params)
    assert list(mine) == list(theirs)
    for key in mine:
        np.testing.assert_array_equal(mine[key], theirs[key])
    np.testing.assert_array_equal(before(scene)["positions"], after(scene)["positions"])


def test_a_run_is_found_by_name_or_path(folder: Path, home: Path) -> None:
    save(home / "runs" / "mine", CONFIG, fresh(CONFIG).params)
    assert load(folder).folder == load(str(folder)).folder == load("egnn-nbody").folder
    assert load("mine").folder == home / "runs" / "mine"
    assert names() == ["egnn-nbody", "mine"], "shipped ones first"


def test_runs_without_parameters_are_not_offered(folder: Path, home: Path) -> None:
    write_atomically(home / "runs" / "young" / "config.json", json.dumps(CONFIG).encode())
    assert names() == ["egnn-nbody"]
    assert [p.name for p in folders()] == ["egnn-nbody", "young"]


def test_parameters_are_reproducible_by_seed() -> None:
    first, again, other = (flatten(fresh(CONFIG, seed).params) for seed in (0, 0, 1))
    key = "model/embed/kernel"
    np.testing.assert_array_equal(first[key], again[key])
    assert (first[key] != other[key]).any()


def test_a_prediction_has_no_padding(scene: Graph) -> None:
    output = fresh(CONFIG)(scene)
    assert output["positions"].shape == (5, 3)
    (layer,) = output.trace
    assert [f.values.shape for f in layer.features] == [(5, 1, 8), (5, 3, 1)]
    assert layer.attention is not None
    assert layer.attention.weights.shape == (20, 1)
    assert layer.attention.mask.all()
    assert all(isinstance(x, np.ndarray) for x in jax.tree.leaves(output))


def test_an_invariant_comes_in_its_unit_with_its_gradient() -> None:
    run = fresh(HOMO)
    params = run.params | {"mean": np.asarray(-6000.0), "scale": np.asarray(500.0)}
    run = dataclasses.replace(run, params=params)
    output = run(from_atoms(ase.build.molecule("H2O")))
    weights = flatten(params)["model/element/kernel"][:, 0]
    expected = -6000 + 500 * (weights[3] + 2 * weights[0])
    assert output["homo"] == pytest.approx(np.array([[expected]]), rel=1e-6)
    assert output["homo_gradient"].shape == (3, 3)
    kinds = {k: (v.kind.unit, v.kind.irreps) for k, v in output.values.items()}
    assert kinds == {"homo": ("meV", "1x0e"), "homo_gradient": ("meV/Å", "1x1o")}


def test_the_gradient_is_the_slope_of_the_prediction(molecule: Graph) -> None:
    config = HOMO | {
        "model": "egnn",
        "model_config": HOMO["model_config"] | {"width": 8, "layers": 1},
    }
    run = fresh(config)
    padded = pad(run.prepare(molecule)).astype(np.float64)
    way = np.random.default_rng(0).normal(size=padded.positions.shape) * padded.node_mask[:, None]
    with jax.enable_x64(True):
        params = jax.tree.map(lambda x: np.asarray(x, np.float64), run.params)
        function = jax.jit(run.function)
        middle, *ends = (
            function(params, padded.replace(positions=padded.positions + s * way))
            for s in (0.0, 1e-5, -1e-5)
        )
    slope = float(ends[0]["homo"][0, 0] - ends[1]["homo"][0, 0]) / 2e-5
    assert slope == pytest.approx(
        float((np.asarray(middle["homo_gradient"]) * way).sum()), rel=1e-6
    )


# Their inputs are taken from the centre of mass.
OFF_CENTRE = (
    CONFIG | {"model": "segnn", "model_config": {"width": 8, "layers": 1}},
    CONFIG | {"model": "demetar", "model_config": {"width": 16}},
)


@pytest.mark.parametrize("trained", [False, True])
def test_masses_count_only_for_a_run_that_was_trained_with_them(
    scene: Graph, trained: bool
) -> None:
    """A file that carries masses moved the prediction of runs whose training used centroids."""
    for settings in OFF_CENTRE:
        run = fresh(settings | {"masses": trained})
        run = dataclasses.replace(run, params=jax.tree.map(lambda x: x + 0.1, run.params))
        heavy = scene.replace(masses=np.array([1.0, 16, 1, 12, 1]))
        without, given = run(scene)["positions"], run(heavy)["positions"]
        assert (np.abs(given - without).max() > 1e-6) == trained
        assert run.prepare(heavy).masses is None or trained


def test_only_gravity_had_masses_before_runs_said_so() -> None:
    assert not fresh(CONFIG).uses_masses
    assert fresh(CONFIG | {"data_options": {"variant": "gravity"}}).uses_masses


@pytest.mark.parametrize("distance", [115.0, 1e4, 1e6])
def test_a_molecule_that_drifted_away_is_the_same_molecule(distance: float) -> None:
    """In float32 bond lengths change by 5e-4 Å at 1e4 Å: the centroid goes first, in float64."""
    config = HOMO | {"model": "egnn", "model_config": HOMO["model_config"] | {"width": 8}}
    run = fresh(config)
    atoms = ase.build.molecule("C6H6")
    here = run(from_atoms(atoms))
    atoms.positions += distance * np.array([0.6, -0.7, 0.4])
    there = run(from_atoms(atoms))
    assert run.centred
    size = np.abs(here["homo_gradient"]).max()
    np.testing.assert_allclose(there["homo"], here["homo"], rtol=1e-5)
    np.testing.assert_allclose(
        there["homo_gradient"], here["homo_gradient"], rtol=0, atol=1e-4 * size
    )


def test_places_are_given_back_where_the_system_is(scene: Graph) -> None:
    run = fresh(CONFIG)
    far = scene.replace(positions=scene.positions + 1e6)
    np.testing.assert_allclose(
        run(far)["positions"] - 1e6, run(scene)["positions"], rtol=0, atol=1e-5
    )


def test_a_model_that_reads_the_origin_keeps_it(scene: Graph) -> None:
    run = fresh(CONFIG | {"model": "deepset", "model_config": {"width": 8, "layers": 1}})
    assert not run.centred
    moved = scene.replace(positions=scene.positions + 1)
    assert np.abs(run(moved)["positions"] - 1 - run(scene)["positions"]).max() > 1e-3


def test_the_wrong_kind_of_system_is_one_sentence(molecule: Graph, scene: Graph) -> None:
    with pytest.raises(InputError, match="got a molecule"):
        fresh(CONFIG)(molecule)
    with pytest.raises(InputError, match="without charges"):
        fresh(CONFIG)(scene.replace(charges=None))
    with pytest.raises(InputError, match="particles that are no atoms"):
        fresh(HOMO)(scene)
    with pytest.raises(InputError, match="Expected only H, C, N, O, F.*got Si"):
        fresh(HOMO)(from_atoms(ase.build.molecule("SiH4")))


@pytest.mark.parametrize("name", ["egnn-nbdy", "egnn_nbody", "EGNN-nbody"])
def test_an_unknown_name_is_answered_with_the_closest(folder: Path, name: str) -> None:
    with pytest.raises(InputError, match="did you mean 'egnn-nbody'"):
        load(name)


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "../trained", "a/../../etc", "/etc", "\0", "x" * 5000, "é\n"]
)
def test_a_name_leads_nowhere_else(folder: Path, name: str) -> None:
    with pytest.raises(InputError, match="name of a run"):
        load(name)
