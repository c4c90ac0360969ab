"""Damaged run folders: each is one sentence, and nothing hostile is loaded."""

import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from demetar.core.disk import write_atomically
from demetar.core.errors import InputError
from demetar.runs import run as runs
from demetar.runs.folder import flatten, save_params
from demetar.runs.run import load
from tests.support.stored import CONFIG, fresh


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
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"null",
        b"3",
        b'"text"',
        b"[]",
        b"[{}]",
        b"[" * 5000,
        b"{}",
        b'{"model": "egnn"}',
    ],
)
def test_garbage_in_the_place_of_the_configuration(folder: Path, content: bytes) -> None:
    (folder / "config.json").write_bytes(content)
    assert "config.json" in sentence(folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "engn"},
        {"model": 3},
        {"model": None},
        {"model": ["egnn"]},
        {"model_config": None},
        {"model_config": [1]},
        {"model_config": {"width": "wide"}},
        {"model_config": {"width": -1}},
        {"model_config": {"wdith": 8}},
        {"target": 3},
        {"unit": None},
        {"connect": "bnods"},
        {"connect": {}},
    ],
)
def test_settings_that_make_no_sense(folder: Path, changes: dict) -> None:
    (folder / "config.json").write_text(json.dumps(CONFIG | changes))
    sentence(folder)


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
