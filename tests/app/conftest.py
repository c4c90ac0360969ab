"""Shared by the tests of the pages: a project folder of their own, and the shared data cache."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import jobs, runs
from demetar.cache import data_root
from demetar.errors import InputError


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty project folder as $DEMETAR_HOME; processes begun in it are ended afterwards."""
    monkeypatch.setenv("DEMETAR_DATA", str(data_root().resolve()))
    monkeypatch.setenv("DEMETAR_HOME", str(tmp_path))
    yield tmp_path
    for job in runs.list_all():
        if job.live:
            with contextlib.suppress(InputError):
                jobs.stop(job.name)
