"""The page Why not 10⁻⁷?: what it asks, what it shows, and how it waits for its turn."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.backend import molecules
from app.backend.checking import diagnosis
from demetar.core.disk import PROJECT
from demetar.core.errors import InputError
from demetar.diagnosis.record import Diagnosis, Evidence

FOUND = Diagnosis(
    "vector-bias",
    "A bias is added to vectors: SO(3) breaks (3e-15 <b>).",
    (Evidence("groups", "SO(3) breaks (1.5e+00).", {"breaks-SO": True}, {"SO(3)": 1.5}, 12, 0.5),),
    12,
    0.5,
    "parity",
    "Take the bias out.",
)


@pytest.fixture
def asked(home: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the page asks, answered at once."""
    calls: list[Any] = []

    def diagnose(f: Any, graph: Any, seconds: float, progress: Callable) -> Diagnosis:
        calls.append((f, len(graph.species)))
        assert progress(0.5, "groups")
        return FOUND

    monkeypatch.setenv("DEMETAR_HOME", str(PROJECT))  # whose shipped runs nobody writes to here
    monkeypatch.setattr(diagnosis, "diagnose", diagnose)
    monkeypatch.setattr(diagnosis, "_known", OrderedDict())
    return calls


def test_a_fault_is_asked_once_and_its_verdict_shown(open_page: Callable, asked: list[Any]) -> None:
    app = open_page("why", run="a small model with a fault of your choice", fault="vector-bias")
    assert not app.exception
    assert not asked, "nothing is computed before it is asked for"
    app.button(key="why:ask").click().run()
    assert not app.exception
    assert [n for _, n in asked] == [9], "ethanol by default"
    shown = " ".join(str(h.value) for h in app.get("html")) + " ".join(
        m.value for m in app.markdown
    )
    assert "vector-bias" in shown
    assert "1.5" in shown
    assert "<b>" not in shown, "what a function says is escaped"
    assert "Take the bias out" in shown.replace("\\", "")
    app.button(key="why:ask").click().run()
    assert len(asked) == 1, "an equal question is answered from what is known"


def test_a_run_is_asked_at_its_own_kind_of_system(open_page: Callable, asked: list[Any]) -> None:
    app = open_page("why", run="gnn-nbody")
    app.button(key="why:ask").click().run()
    assert not app.exception
    assert asked[0][0].name == "gnn-nbody"
    assert asked[0][1] == 5
    assert app.query_params["scene"] == "nbody-5-published"


def test_unknown_names_in_the_address_are_told(open_page: Callable, asked: list[Any]) -> None:
    app = open_page("why", run="no such run", fault="<script>")
    assert not app.exception
    assert any("no such run" in info.value.replace("\\", "") for info in app.info)
    assert not asked


def test_one_diagnosis_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "_one", threading.Lock())
    source = molecules.Source("ethanol")
    with diagnosis._one, pytest.raises(InputError, match="another visitor"):
        diagnosis.of_small(("busy",), (), source, lambda *_: True)
    monkeypatch.setattr(diagnosis, "diagnose", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        diagnosis.of_small(("fails",), (), source, lambda *_: True)
    assert not diagnosis._one.locked(), "the next one is not kept waiting by one that failed"
