"""What runs are called where one is chosen: short, and never two alike."""

from types import SimpleNamespace

import pytest

from app.backend import cached
from app.ui import choose

RUNS = {
    "painn-qm9-homo": ("painn", "qm9"),
    "painn-rmd17-ethanol": ("painn", "rmd17"),
    "egnn-nbody": ("egnn", "nbody"),
    "egnn-nbody-clean": ("egnn", "nbody"),
    "first try": ("egnn", "nbody"),
    "schnet-qm9-gap": ("schnet", "qm9"),
    "schnet-file-gap": ("schnet", "file"),
}


@pytest.fixture(autouse=True)
def known(monkeypatch):
    def job(name: str):
        model, dataset = RUNS[name]
        return SimpleNamespace(config={"model": model, "dataset": dataset})

    monkeypatch.setattr(cached, "job", job)
    monkeypatch.setattr(cached, "title", lambda name: RUNS[name][0])


@pytest.mark.parametrize(
    ("names", "called"),
    [
        (["painn-rmd17-ethanol"], ["painn"]),
        (["painn-qm9-homo", "painn-rmd17-ethanol"], ["painn", "painn · ethanol"]),
        (["egnn-nbody", "egnn-nbody-clean"], ["egnn", "egnn · clean"]),
        (["egnn-nbody", "first try"], ["egnn", "egnn · first try"]),
        (
            ["schnet-qm9-gap", "schnet-file-gap"],
            ["schnet · schnet-qm9-gap", "schnet · schnet-file-gap"],
        ),
    ],
)
def test_a_run_is_called_by_what_tells_it_from_others(names, called):
    assert list(choose.labels(names).values()) == called


def test_no_two_runs_are_called_the_same():
    called = choose.labels(list(RUNS))
    assert len(set(called.values())) == len(RUNS)
