"""Run folders: what is saved comes back, and what is damaged is one sentence."""

import dataclasses
import json
import tracemalloc
from pathlib import Path

import ase.build
import jax
import numpy as np
import pytest

from demetar.core.disk import write_atomically
from demetar.core.errors import InputError
from demetar.core.graph import Graph, from_atoms
from demetar.core.padding import pad
from demetar.runs import run as runs
from demetar.runs.folder import flatten, folders, names, save, save_params
from demetar.runs.run import Run, load, template

CONFIG = {
    "model": "egnn", "model_config": {"width": 8, "layers": 1}, "dataset": "nbody",
    "target": "positions", "unit": "scene units", "connect": None, "deviation": {"positions": 1.5},
}  # fmt: skip
HOMO = {
    "model": "linear", "model_config": {"inputs": "atoms", "output": "scalar"}, "dataset": "qm9",
    "target": "homo", "unit": "meV", "connect": None,
}  # fmt: skip


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DEMETAR_HOME", str(tmp_path))
    return tmp_path


def fresh(config: dict, seed: int = 0) -> Run:
    run = Run("fresh", config, None)
    return dataclasses.replace(run, params=template(run, seed))


@pytest.fixture
def folder(home: Path) -> Path:
    """A saved run under `trained/`."""
    path = home / "trained" / "egnn-nbody"
    save(path, CONFIG, fresh(CONFIG).params)
    return path


# ------------------------------------------------------------------------- there and back


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


# ------------------------------------------------------------------------- predictions


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


# ------------------------------------------------------------------------- masses and the centre


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


# ------------------------------------------------------------------------- unknown names


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


# ------------------------------------------------------------------------- damaged files


def sentence(folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        load(folder)
    text = str(caught.value)
    assert text.startswith("Expected")
    assert "\n" not in text
    return text


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_truncated_parameters(folder: Path, share: float) -> None:
    path = folder / "params.npz"
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    assert "restore it" in sentence(folder)


def test_damaged_bytes_within_the_parameters(folder: Path) -> None:
    path = folder / "params.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(bytes(content))
    assert "restore it" in sentence(folder)


def test_missing_parameters(folder: Path) -> None:
    (folder / "params.npz").unlink()
    assert "got no such file" in sentence(folder)


def test_parameters_of_another_model(folder: Path) -> None:
    save_params(folder, fresh(CONFIG | {"model_config": {"width": 16, "layers": 1}}).params)
    assert "other names or shapes" in sentence(folder)


def test_parameters_that_are_no_numbers(folder: Path) -> None:
    for kind in ("U5", "S5", bool):
        arrays = {k: v.astype(kind) for k, v in flatten(fresh(CONFIG).params).items()}
        np.savez(folder / "params.npz", **arrays, allow_pickle=False)
        assert "params.npz" in sentence(folder)


def test_parameters_that_are_not_finite(folder: Path) -> None:
    arrays = flatten(fresh(CONFIG).params)
    arrays["model/embed/kernel"] = arrays["model/embed/kernel"] * np.nan
    np.savez(folder / "params.npz", **arrays, allow_pickle=False)
    assert "finite" in sentence(folder)


def test_a_single_array_in_the_place_of_an_archive(folder: Path) -> None:
    with (folder / "params.npz").open("wb") as file:
        np.save(file, np.zeros(3), allow_pickle=False)
    assert "params.npz" in sentence(folder)


def test_an_archive_is_measured_before_it_is_unpacked(folder: Path) -> None:
    """Two hundred MB of zeros in an archive of 0.2 MB; one array of them is refused unread."""
    arrays = flatten(fresh(CONFIG).params) | {"bomb": np.zeros(25_000_000)}
    np.savez_compressed(folder / "params.npz", **arrays, allow_pickle=False)
    assert (folder / "params.npz").stat().st_size < 400_000
    tracemalloc.start()
    assert "MB unpacked" in sentence(folder)
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()


def test_an_encrypted_archive_is_a_sentence(folder: Path) -> None:
    path = folder / "params.npz"
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1  # the flag in the directory's first entry
    path.write_bytes(bytes(content))
    assert "plainly zipped" in sentence(folder)


class Trap:
    """Leaves a file behind if anybody unpickles it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("kind", ["raw", "array", "archive"])
def test_no_pickle_is_loaded(folder: Path, tmp_path: Path, kind: str) -> None:
    mark, path = tmp_path / "unpickled", folder / "params.npz"
    arrays: dict = flatten(fresh(CONFIG).params)
    arrays["model/embed/kernel"] = np.array([Trap(mark)], object)
    with path.open("wb") as file:
        if kind == "archive":
            np.savez(file, **arrays)
        else:
            np.save(file, arrays["model/embed/kernel"])
    if kind == "raw":
        path.write_bytes(path.read_bytes()[128:])  # the pickle without NumPy's header
    assert "damaged" in sentence(folder)
    assert not mark.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"\xff\xfe\x00", b"null", b"3", b'"text"', b"[]", b"[{}]", b"[" * 5000,
        b"{}", b'{"model": "egnn"}',
    ],
)  # fmt: skip
def test_garbage_in_the_place_of_the_configuration(folder: Path, content: bytes) -> None:
    (folder / "config.json").write_bytes(content)
    assert "config.json" in sentence(folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "engn"}, {"model": 3}, {"model": None}, {"model": ["egnn"]},
        {"model_config": None}, {"model_config": [1]}, {"model_config": {"width": "wide"}},
        {"model_config": {"width": -1}}, {"model_config": {"wdith": 8}}, {"target": 3},
        {"unit": None}, {"connect": "bnods"}, {"connect": {}},
    ],
)  # fmt: skip
def test_settings_that_make_no_sense(folder: Path, changes: dict) -> None:
    (folder / "config.json").write_text(json.dumps(CONFIG | changes))
    sentence(folder)


# ------------------------------------------------------------------------- writing


def test_writing_replaces_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    write_atomically(path, b"one")
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o644
    assert [p.name for p in path.parent.iterdir()] == ["file"]


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def full(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(runs.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
