"""A project folder of the test's own, and a saved run in it."""

from pathlib import Path

import pytest

from demetar.runs.folder import save
from tests.support.stored import CONFIG, fresh


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DEMETAR_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def folder(home: Path) -> Path:
    """A saved run under `trained/`."""
    path = home / "trained" / "egnn-nbody"
    save(path, CONFIG, fresh(CONFIG).params)
    return path
