"""What the tests of lectures share."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

import pytest

from app.backend.checking import diagnosis
from app.backend.teaching import ahead
from demetar.core.disk import PROJECT
from tests.support.lectures import FOUND


@pytest.fixture
def shipped(home: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The project's own runs; diagnoses are answered at once, nothing is compiled ahead."""
    monkeypatch.setenv("DEMETAR_HOME", str(PROJECT))
    monkeypatch.setattr(diagnosis, "diagnose", lambda *_, **__: FOUND)
    monkeypatch.setattr(diagnosis, "_known", OrderedDict())
    monkeypatch.setattr(ahead, "_molecule", lambda _: None)
    threads: dict[str, Any] = {}
    monkeypatch.setattr(ahead, "_threads", threads)
    yield
    for thread in threads.values():
        thread.join(60)
