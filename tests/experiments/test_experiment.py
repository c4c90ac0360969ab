"""An experiment is checked whole, before its first run begins."""

from pathlib import Path

import pytest

from demetar.cli import main
from demetar.core.errors import InputError
from demetar.experiments import experiment, sweep
from tests.support.experiments import TINY, Write, names

ROOT = Path(__file__).parents[2]


def test_grid_and_explicit_runs(write: Write) -> None:
    found = experiment.read(
        write(
            'name = "{model}-w{model_config.width}-s{seed}"',
            TINY,
            '[grid]\nmodel = ["egnn", "gnn"]\nseed = [0, 1]\nmodel_config.width = [8, 16]',
            '[[runs]]\nname = "soft"\ndata_options.variant = "clean"\n[resources]\ncpus = 2',
        )
    )
    every = [f"{m}-w{w}-s{s}" for m in ("egnn", "gnn") for s in (0, 1) for w in (8, 16)]
    assert names(found) == [*every, "soft"]
    assert [r.model_config["width"] for r in found.runs] == [8, 16] * 4 + [8]
    assert found.runs[-1].data_options == {"variant": "clean"}
    assert {r.epochs for r in found.runs} == {4}
    assert {r.target for r in found.runs} == {"positions"}, "not resolved"
    assert (found.name, found.cpus, found.gpus) == ("tried", 2.0, None)


def test_several_grids_and_settings_by_model(write: Write) -> None:
    found = experiment.read(
        write(
            'name = "{model}-{data_options.variant}-s{seed}"',
            TINY,
            'data_options.variant = "published"',
            '[[grid]]\nmodel = ["egnn", "gnn"]\nseed = [0, 1]',
            '[[grid]]\nmodel = ["gnn"]\ndata_options.variant = ["clean"]\nseed = [0]',
            "[models.gnn]\nepochs = 2\nmodel_config.width = 16",
            '[[runs]]\nmodel = "gnn"\nname = "own"\nepochs = 3',
        )
    )
    first = [f"{m}-published-s{s}" for m in ("egnn", "gnn") for s in (0, 1)]
    assert names(found) == [*first, "gnn-clean-s0", "own"]
    assert [r.epochs for r in found.runs] == [4, 4, 2, 2, 2, 3]
    assert [r.model_config["width"] for r in found.runs] == [8, 8, 16, 16, 16, 16]


def test_only_some_runs_are_trained(write: Write, home: Path) -> None:
    path = write('name = "{model}-s{seed}"', TINY, '[grid]\nmodel = ["gnn", "egnn"]\nseed = [0]')
    with pytest.raises(InputError, match="got segnn"):
        sweep.sweep(experiment.read(path), workers=0, only=["segnn-*"])
    rows = sweep.sweep(experiment.read(path), workers=0, only=["gnn*"])
    assert [(r["name"], r["state"]) for r in rows] == [
        ("gnn-s0", "finished"),
        ("egnn-s0", "not begun"),
    ]


def test_what_a_budget_decided_is_no_other_setting(write: Write, home: Path) -> None:
    text = (
        'name = "{model}-s{seed}"',
        TINY,
        "budget = 0.3",
        '[grid]\nmodel = ["gnn"]\nseed = [0]',
    )
    path = write(*text)
    assert sweep.sweep(experiment.read(path), workers=0)[0]["state"] == "finished"
    assert sweep.sweep(experiment.read(path), workers=0, resume=True)[0]["state"] == "finished"
    path = write(*(part.replace("0.3", "0.6") for part in text))
    with pytest.raises(InputError, match="budget 0.3 in place of 0.6"):
        sweep.sweep(experiment.read(path), workers=0, resume=True)


def test_names_without_a_template_say_what_varies(write: Write) -> None:
    found = experiment.read(write(TINY, "[grid]\nseed = [0, 1]\nmodel_config.width = [8]"))
    assert names(found) == ["egnn-nbody-seed0-width8", "egnn-nbody-seed1-width8"]
    assert names(experiment.read(write(TINY))) == ["egnn-nbody"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[bas]\nepochs = 1", "did you mean 'base'"),
        ("[base]\nepoch = 1", "did you mean 'epochs'"),
        ('[base]\nepochs = "ten"', "a whole number for epochs in .*, got 'ten'"),
        ("[base]\nepochs = true", "whole number for epochs in .*, got 'True'"),
        ("[base]\naugment = 1", "Expected a text for augment in .*, got '1'"),
        ("[base]\nepochs = 0", "positive number for epochs"),
        ('[base]\nmodel = "egn"', "did you mean 'egnn'"),
        ("[base]\nmodel_config.widht = 8", "did you mean 'width'"),
        ('[grid]\nmodel = "egnn"', "list of values for model"),
        ("[grid]\nseed = []", "list of values for seed"),
        ('name = "{sed}"\n[grid]\nseed = [1]', "{sed}.*did you mean 'seed'"),
        ('name = "one"\n[grid]\nseed = [1, 2]', "one name a run.*got 'one' for 2 runs"),
        ('name = "a/b"\n[base]\nseed = 1', "letters, digits"),
        ("name = 3", "template"),
        ("runs = 3", r"\[\[runs\]\]"),
        ("grid = 3", "table"),
        ("[[grid]]\nseed = 1", "list of values for seed"),
        ("[models.egn]\nepochs = 1", "did you mean 'egnn'"),
        ("[models]\negnn = 3", r"\[models.egnn\].*table"),
        ("[base]\nepochs = 1\n[models.egnn]\nepoch = 1", "did you mean 'epochs'"),
        ("[base]\nlearning_rates = 1e-3", "a list for learning_rates"),
        ("[base]\nbudget = -1.0", "budget of 0 seconds or more"),
        ("[base]\nseed = 1\n[resources]\nram = 1", "among cpus, gpus"),
        ("[base]\nseed = 1\n[resources]\ncpus = -1", "number of cpus"),
        ("[base", "a TOML file"),
    ],
)
def test_a_wrong_experiment_is_one_sentence(write: Write, text: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        experiment.read(write(text))
    assert "\n" not in str(caught.value)


def test_no_experiment_is_one_sentence() -> None:
    with pytest.raises(InputError, match="a TOML file at absent.toml"):
        experiment.read("absent.toml")


def test_the_last_run_is_checked_before_the_first_begins(
    write: Write, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(TINY, "[grid]\nseed = [0]\n[[runs]]\nmodel_config.layers = -1\nname = 'last'")
    assert main(["sweep", str(path), "--workers", "0"]) == 2
    assert "run last" in capsys.readouterr().err
    assert not (home / "runs").exists()


@pytest.mark.parametrize(
    "path", sorted((ROOT / "experiments").glob("*.toml")), ids=lambda p: p.stem
)
def test_the_experiments_that_come_with_demetar_are_sound(path: Path) -> None:
    assert len(experiment.read(path).runs) > 1
