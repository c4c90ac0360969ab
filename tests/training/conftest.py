"""What trainings of the tests share: bodies that go straight on for the horizon, and a folder each."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from demetar.data.sets import nbody
from demetar.training import fit
from tests.support import small
from tests.support.training_process import straight


@pytest.fixture(scope="module")
def straight_bodies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """In place of the simulator."""
    patch = pytest.MonkeyPatch()
    patch.setenv("DEMETAR_DATA", str(tmp_path_factory.mktemp("data")))
    patch.setattr(nbody, "generate", straight)
    yield
    patch.undo()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The test's own project folder."""
    monkeypatch.setenv("DEMETAR_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, straight_bodies: None) -> Path:
    """A run to which nothing happened."""
    patch = pytest.MonkeyPatch()
    patch.setenv("DEMETAR_HOME", str(tmp_path_factory.mktemp("home")))
    folder = fit.fit(small.config("whole"))
    patch.undo()
    return folder
