"""Pages over a project folder with a damaged run of every kind: each opens, and says what is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app import pages
from app.jobs import runs, training
from demetar.cli import main
from demetar.core.errors import InputError
from demetar.runs.folder import fault
from tests.support.damage import ARCHIVES, TEXTS, copied, damaged

LINE = {"step": 12, "epoch": 1.0, "train_loss": 0.5, "valid": 0.25, "seconds": 3.0}
STATUS = {"state": "stopped", "step": 12, "steps": 99, "heartbeat": 1e9, "started": 1e9}


PARAMS = [f"params-{kind}" for kind in ARCHIVES]


def sound(small: Path, folder: Path) -> Path:
    """A run of two evaluations that was stopped."""
    copied(small / "trained" / "egnn-nbody", folder)
    (folder / "status.json").write_text(json.dumps(STATUS))
    (folder / "metrics.jsonl").write_text(2 * (json.dumps(LINE) + "\n"))
    return folder


@pytest.fixture(scope="module")
def runs_of_all_kinds(small_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound run and one a kind of damage."""
    found = tmp_path_factory.mktemp("all") / "runs"
    sound(small_home, found / "sound")
    for kind in TEXTS:
        damaged(sound(small_home, found / kind), kind)
    for kind, damage in ARCHIVES.items():
        damage(sound(small_home, found / f"params-{kind}") / "params.npz")
    return found


@pytest.fixture
def place(home: Path, small_home: Path, runs_of_all_kinds: Path) -> Path:
    """A project folder with shipped runs, and own ones of all kinds."""
    (home / "trained").symlink_to(small_home / "trained")
    copied(runs_of_all_kinds, home / "runs")
    return home


def said(page: Any) -> str:
    shown = [*page.caption, *page.markdown, *page.info, *page.warning, *page.error]
    return " ".join(e.value for e in shown).replace("\\", "")


def test_a_damaged_run_touches_no_other(place: Path) -> None:
    jobs = {job.name: job for job in runs.list_all()}
    assert {name for name, job in jobs.items() if job.state == "damaged"} == set(TEXTS)
    assert (jobs["sound"].state, jobs["sound"].best) == ("stopped", 0.25)
    for kind in TEXTS:
        assert jobs[kind].message.startswith("Expected ")
        assert TEXTS[kind][0] in jobs[kind].message


@pytest.mark.parametrize("kind", TEXTS)
def test_a_damaged_run_is_not_resumed_from_a_page(place: Path, kind: str) -> None:
    with pytest.raises(InputError, match="damaged"):
        training.resume(kind)
    assert not (place / "runs" / kind / "queue.json").exists()


def test_the_command_lists_them(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "--json"]) == 0
    out, err = capsys.readouterr()
    wrong = {row["name"]: row["damaged"] for row in json.loads(out)}
    assert {name for name, text in wrong.items() if text} == set(TEXTS)
    for kind in TEXTS:
        assert wrong[kind] == fault(place / "runs" / kind)
        assert f"The run {kind} is damaged: " in err
    assert "Traceback" not in err


@pytest.mark.parametrize("kind", [k for k in TEXTS if not k.startswith("status")])
def test_going_on_is_a_sentence(place: Path, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = {p.name: p.read_bytes() for p in (place / "runs" / kind).iterdir() if p.is_file()}
    assert main(["train", "--resume", "--name", kind]) == 2
    err = capsys.readouterr().err
    assert "demetar: Expected " in err
    assert "Traceback" not in err
    after = {p.name: p.read_bytes() for p in (place / "runs" / kind).iterdir() if p.is_file()}
    changed = {name for name in after if after.get(name) != before.get(name)}
    assert changed <= {".lock", "status.json"}


@pytest.mark.parametrize("kind", ARCHIVES)
def test_damaged_parameters_are_a_sentence(
    place: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    water = place / "water.xyz"
    water.write_text("3\nwater\nO 0 0 0\nH 0.96 0 0\nH -0.24 0.93 0\n")
    assert main(["measure", f"params-{kind}", str(water)]) == 2
    err = capsys.readouterr().err
    assert f"demetar: Expected the parameters of params-{kind}" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("name", pages.found())
def test_every_page_opens(place: Path, open_page: Callable[..., Any], name: str) -> None:
    page = open_page(name)
    assert not page.exception
    assert said(page)


@pytest.mark.parametrize("kind", TEXTS)
def test_a_damaged_run_says_what_is_wrong(
    place: Path, open_page: Callable[..., Any], kind: str
) -> None:
    page = open_page("training", run=f"{kind},sound")
    assert not page.exception
    states = dict(page.dataframe[0].value[["run", "state"]].itertuples(index=False, name=None))
    assert (states[kind], states["sound"]) == ("damaged", "stopped")
    assert f"in {place / 'runs' / kind}" in said(page) or f"of {place / 'runs' / kind}" in said(
        page
    )


@pytest.mark.parametrize("kind", [*PARAMS, "config-kinds"])
def test_a_run_that_cannot_be_read_is_a_sentence_on_its_page(
    place: Path, open_page: Callable[..., Any], kind: str
) -> None:
    page = open_page("nbody", run=kind)
    assert not page.exception
    asked = f"The link asks for the run '{kind}', which is not here"
    assert (f"Expected the parameters of {kind}" if kind in PARAMS else asked) in said(page)
