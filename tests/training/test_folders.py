"""A run folder has one writer that knows it."""

import shutil
from pathlib import Path

import pytest

from demetar.cli import main
from demetar.core import disk
from demetar.runs.config import Config
from demetar.training import fit
from demetar.training.recorder import Moved
from tests.support.small import (
    EVERY_STEP,
    at,
    goes_on,
    metrics,
    stopped,
)

pytestmark = pytest.mark.usefixtures("straight_bodies")


def test_a_deleted_folder_is_not_made_again(home: Path) -> None:
    folder = home / "runs" / "gone"
    with pytest.raises(Moved, match="got none there"):
        fit.fit(Config(name="gone", **EVERY_STEP), progress=at(5, lambda: shutil.rmtree(folder)))
    assert not folder.exists()


def test_a_renamed_folder_goes_on_under_its_new_name(home: Path, whole: Path) -> None:
    folder, new = home / "runs" / "old", home / "runs" / "new"
    with pytest.raises(Moved):
        fit.fit(Config(name="old", **EVERY_STEP), progress=at(9, lambda: folder.rename(new)))
    assert not folder.exists()
    goes_on(new, whole)


def test_the_command_goes_on_with_a_renamed_run(home: Path, whole: Path) -> None:
    stopped(home, "old").rename(home / "runs" / "new")
    assert main(["train", "--resume", "--name", "new"]) == 0
    assert metrics(home / "runs" / "new") == metrics(whole)
    assert not (home / "runs" / "old").exists()


def test_a_name_that_another_took_over_is_left_to_it(home: Path) -> None:
    folder = home / "runs" / "taken"

    def take() -> None:
        shutil.rmtree(folder)
        folder.mkdir()
        (folder / ".lock").touch()
        (folder / "status.json").write_text("another's")

    with pytest.raises(Moved, match="got another there"):
        fit.fit(Config(name="taken", **EVERY_STEP), progress=at(5, take))
    assert (folder / "status.json").read_text() == "another's"
    assert sorted(p.name for p in folder.iterdir()) == [".lock", "status.json"]


def test_a_lock_that_was_deleted_is_taken_anew(tmp_path: Path) -> None:
    with disk.locked(tmp_path / "x" / ".lock") as owned:
        assert owned()
        shutil.rmtree(tmp_path / "x")
        assert not owned()
        with disk.locked(tmp_path / "x" / ".lock", blocking=False) as other:
            assert other()
            assert not owned()
