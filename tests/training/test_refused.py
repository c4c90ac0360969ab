"""What a training refuses, in a sentence, and that a refusal leaves nothing."""

from pathlib import Path
from typing import Any

import pytest

from demetar.cli import main
from demetar.core import disk
from demetar.core.errors import InputError
from demetar.data.sets import nbody
from demetar.runs.config import Config, resolve
from demetar.training import fit
from tests.support.small import (
    EVERY_STEP,
    config,
    goes_on,
    status,
    stopped,
)

pytestmark = pytest.mark.usefixtures("straight_bodies")


def test_a_loss_that_is_no_number_ends_in_a_sentence(home: Path) -> None:
    with pytest.raises(InputError, match="finite loss.*learning rate"):
        fit.fit(config("nan", learning_rate=1e30, clip=1e30))
    found = status(home / "runs" / "nan")
    assert found["state"] == "failed"
    assert "finite loss" in found["message"]


def test_a_name_in_use_is_refused(whole: Path, home: Path) -> None:
    fit.fit(config("used", epochs=1))
    before = (home / "runs" / "used" / "metrics.jsonl").read_bytes()
    with pytest.raises(InputError, match="got used, a run that exists"):
        fit.fit(config("used", epochs=1))
    assert (home / "runs" / "used" / "metrics.jsonl").read_bytes() == before


def test_two_writers_of_a_run_are_refused(home: Path) -> None:
    refused: list[str] = []

    def second(line: dict[str, Any]) -> None:
        if not refused:
            with pytest.raises(InputError, match="only process") as caught:
                fit.fit(config("shared", epochs=1), resume=True)
            refused.append(str(caught.value))

    folder = fit.fit(config("shared", epochs=1), progress=second)
    assert refused
    assert status(folder)["state"] == "finished"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"model": "engn"}, "did you mean 'egnn'"),
        ({"dataset": "nbdy"}, "did you mean 'nbody'"),
        ({"target": "position"}, "did you mean 'positions'"),
        ({"model_config": {"widht": 8}}, "did you mean 'width'"),
        ({"data_options": {"variant": "cleen"}}, "clean"),
        ({"train_size": 0}, "train_size of 1 or more"),
        ({"batch_size": 0}, "batch"),
        ({"epochs": 0}, "epochs"),
        ({"evaluate_every": 0}, "evaluate_every"),
        ({"learning_rate": -1.0}, "learning_rate"),
        ({"name": "../elsewhere"}, "name"),
        ({"name": "a/b"}, "name"),
        ({"name": ".."}, "name"),
        ({"warmup": 1.0}, "warmup"),
        ({"ema": -0.1}, "ema"),
        ({"connect": "bond"}, "connect"),
        ({"schedule": "cosin"}, "schedule"),
        ({"augment": "S_n"}, "augment"),
        ({"precision": "float16"}, "precision"),
        ({"devices": "two"}, "devices"),
        ({"keep_data": "gpu"}, "keep_data"),
        ({"loss": "huber"}, "loss"),
        ({"references": "fit"}, "references"),
        ({"patience": -1}, "patience"),
    ],
)
def test_bad_settings_are_one_sentence(home: Path, changes: dict, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        fit.fit(config(**{"name": "bad", **changes}))
    assert not (home / "elsewhere").exists()


def test_a_machine_without_git_trains_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert resolve(config("bare"))[1]["commit"] == ""


def test_going_on_with_no_run_names_those_that_can(home: Path, capsys: Any) -> None:
    with pytest.raises(InputError, match="there is none here"):
        fit.fit(Config(name="nosuch", **EVERY_STEP), resume=True)
    stopped(home, "mine")
    with pytest.raises(InputError, match="go on among mine, got 'min'; did you mean 'mine'"):
        fit.fit(Config(name="min", **EVERY_STEP), resume=True)
    assert [p.name for p in (home / "runs").iterdir()] == ["mine"]


@pytest.mark.parametrize("setting", [{"train_size": 99_999}, {"data_options": {"variant": "no"}}])
def test_a_refused_start_leaves_no_folder(home: Path, setting: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        fit.fit(Config(**{"name": "zz", **EVERY_STEP, **setting}))
    assert not (home / "runs" / "zz").exists()


def test_a_folder_made_by_the_page_keeps_the_reason(home: Path) -> None:
    disk.write_atomically(home / "runs" / "zz" / "request.json", b"{}")
    with pytest.raises(InputError):
        fit.fit(Config(name="zz", **EVERY_STEP | {"train_size": 99_999}))
    assert "99999" in status(home / "runs" / "zz")["message"]
    assert not (home / "runs" / "zz" / "config.json").exists()
    fit.fit(Config(name="zz", **EVERY_STEP))
    assert status(home / "runs" / "zz")["state"] == "finished"


@pytest.mark.parametrize(
    ("flags", "word"),
    [(["--epochs=5"], "epochs '5' in place of '6'"), (["--model-config", "width=9"], "width")],
)
def test_other_settings_are_not_dropped_in_silence(
    home: Path, capsys: Any, flags: list[str], word: str
) -> None:
    stopped(home, "mine")
    assert main(["train", "--resume", "--name", "mine", *flags]) == 2
    assert word in capsys.readouterr().err


def test_other_data_are_refused(home: Path, monkeypatch: pytest.MonkeyPatch, whole: Path) -> None:
    folder = stopped(home, "mine")
    usual = nbody.systems

    def moved(*given: Any, **named: Any) -> Any:
        found = usual(*given, **named)
        found.positions[3, 1] += 1e-6
        return found

    monkeypatch.setattr(nbody, "systems", moved)
    with pytest.raises(InputError, match="checksum"):
        fit.fit(Config(name="mine"), resume=True)
    monkeypatch.setattr(nbody, "systems", usual)
    goes_on(folder, whole)
