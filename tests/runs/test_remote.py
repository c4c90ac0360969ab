"""Run folders on fsspec paths: every file replaced in one step, checkpoints whole or not at all."""

from pathlib import Path

import fsspec
import numpy as np
import pytest

from demetar.core.errors import InputError
from demetar.experiments import experiment, sweep
from demetar.runs import remote, run
from demetar.runs.folder import flatten

FILES = ("config.json", "metrics.jsonl", "params.npz", "status.json", "checkpoints/5/a/b")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run folder, as far as a copy is concerned."""
    for name in (*FILES, ".lock", ".params.npz-x1", "checkpoints/.6/state.npz"):
        path = tmp_path / "run" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "run"


@pytest.fixture(params=["file", "memory"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    place = f"file://{tmp_path}/far" if request.param == "file" else f"memory://{tmp_path.name}"
    return remote.join(place, "run")


def there(address: str) -> set[str]:
    system, path = remote.opened(address)
    return {name[len(path) + 1 :] for name in system.find(path)}


def names(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def test_what_changes_is_copied_and_what_goes_is_removed(
    folder: Path, address: str, tmp_path: Path
) -> None:
    copy = remote.Copy(folder, address)
    copy.push()
    assert there(address) == {*FILES, remote.MANIFEST}
    (folder / "checkpoints/5/a/b").unlink()
    (folder / "checkpoints/7").mkdir()
    (folder / "checkpoints/7/c").write_text("new")
    (folder / "params.npz").write_text("better")
    copy.push()
    assert there(address) == {*FILES[:4], "checkpoints/7/c", remote.MANIFEST}
    other = tmp_path / "other"
    assert remote.Copy(other, address).pull()
    assert names(other) == {*FILES[:4], "checkpoints/7/c"}
    assert (other / "params.npz").read_text() == "better"
    assert not remote.Copy(other, address).pull(), "a run that is here is not overwritten"


def test_a_copy_cut_short_is_the_last_whole_one(
    folder: Path, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = remote.Copy(folder, address)
    copy.push()
    for name in ("checkpoints/7/c", "checkpoints/7/d"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(name)
    whole = remote.Copy._put

    def cut(self: remote.Copy, name: str, content: bytes) -> None:
        if name == "checkpoints/7/d":
            raise OSError("the machine vanished")
        whole(self, name, content)

    monkeypatch.setattr(remote.Copy, "_put", cut)
    with pytest.raises(OSError, match="vanished"):
        copy.push()
    assert "checkpoints/7/c" in there(address)
    other = tmp_path / "other"
    remote.Copy(other, address).pull()
    assert names(other) == set(FILES)


def test_readers_see_the_old_file_until_the_new_one_is_whole(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = tmp_path / "far" / "run"
    copy = remote.Copy(folder, f"file://{far}")
    copy.push()
    (folder / "params.npz").write_text("better")
    system = type(copy.system)
    written = system.pipe_file

    def half(self: object, path: str, value: bytes, **named: object) -> None:
        written(self, path, value[: len(value) // 2])
        raise OSError("no space left on device")

    monkeypatch.setattr(system, "pipe_file", half)
    with pytest.raises(OSError, match="no space"):
        copy.push()
    assert (far / "params.npz").read_text() == "params.npz"


def test_a_failing_copy_warns_and_is_tried_again(
    folder: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    whole, tried = remote.Copy.push, threading.Event()

    def unlucky(self: remote.Copy) -> None:
        if not tried.is_set():
            tried.set()
            raise OSError("network is unreachable")
        whole(self)

    monkeypatch.setattr(remote.Copy, "push", unlucky)
    with pytest.warns(UserWarning, match="network is unreachable"):
        with remote.copied(folder, address, every=0.01):
            assert tried.wait(10)
    assert there(address) == {*FILES, remote.MANIFEST}


def test_names_that_lead_elsewhere_are_not_brought(tmp_path: Path) -> None:
    system = fsspec.filesystem("memory")
    place = f"/evil-{tmp_path.name}"
    system.pipe_file(f"{place}/{remote.MANIFEST}", b'["../../escaped", "config.json"]')
    system.pipe_file(f"{place}/config.json", b"{}")
    system.pipe_file(f"{place}/../../escaped", b"x")
    assert remote.Copy(tmp_path / "in" / "run", f"memory:/{place}").pull()
    assert names(tmp_path) == {"in/run/config.json"}


def test_a_run_trains_here_and_is_loaded_from_there(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "one.toml"
    path.write_text(
        'name = "far"\n[base]\ntrain_size = 20\nvalid_size = 10\nbatch_size = 10\nepochs = 2\n'
        "model_config.width = 8\nmodel_config.layers = 1\n"
    )
    (row,) = sweep.sweep(experiment.read(path), output="memory://shelf", workers=0)
    assert (row["state"], row["folder"]) == ("finished", "memory://shelf/far")
    near, far = run.load("far"), run.load(row["folder"])
    assert far.name == "far"
    assert far.config == near.config
    for a, b in zip(flatten(far.params).values(), flatten(near.params).values()):
        assert np.array_equal(a, b)


@pytest.mark.parametrize("address", ["nothing://a/b", "memory://no/such/run", "://"])
def test_an_address_without_a_run_is_a_sentence(address: str) -> None:
    with pytest.raises(InputError, match="Expected"):
        run.load(address)
